"""A graph as compact formulas: shared parts named once, loops printed in place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from symseq.graph import Apply, Constant, Variable, known_length
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.subtensor import Range, Subtensor
from symseq.printing.formula import (
    ATOM,
    BINDING,
    UNARY,
    Term,
    call,
    length_term,
    term_of,
)
from symseq.printing.inside import Inside, Port, Result, insides, variables_of
from symseq.scan.op import Scan
from symseq.traverse import sort_nodes

# An expression longer than this gets a name of its own.
LONGEST = 72
STEPS = "tsrqp"


@dataclass
class Names:
    """Hands out names, each to one variable only."""

    taken: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)  # the last number of a stem

    def fresh(self, wanted: str) -> str:
        name, count = wanted, 1
        while name in self.taken:
            name, count = f"{wanted}_{count}", count + 1
        self.taken.add(name)
        return name

    def numbered(self, stem: str) -> str:
        count = self.counts.get(stem, 0) + 1
        while f"{stem}{count}" in self.taken:
            count += 1
        self.counts[stem] = count
        return self.fresh(f"{stem}{count}")


@dataclass
class Scope:
    """The lines of one body (or the whole graph) and what its variables are called."""

    names: Names
    depth: int = 0
    terms: dict[int, Term] = field(default_factory=dict)
    histories: dict[int, int] = field(default_factory=dict)
    bound: set[int] = field(default_factory=set)
    # What the loop around calls its results: h[t], c[t].
    called: dict[int, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def write(self, outputs: Sequence[Variable], stop: Sequence[Variable] = ()) -> None:
        """The lines that `outputs` need; afterwards each has a term."""
        nodes = sort_nodes(outputs, [*stop, *known_lengths(outputs, stop)])
        uses = Counter(id(v) for node in nodes for v in node.inputs)
        uses.update(id(v) for v in outputs)
        views = named_views(nodes)
        for node in nodes:
            bodies = insides(node)
            if bodies and isinstance(node.op, Scan):
                self.loop(node, bodies[0], views)
            elif bodies:
                self.branches(node, bodies)
            else:
                self.plain(node, uses)

    def plain(self, node: Apply, uses: Counter[int]) -> None:
        args = [self.term(v) for v in node.inputs]
        term = self.of_history(node) or term_of(node, args)
        if len(node.outputs) > 1:
            names = [self.name(v) for v in node.outputs]
            self.lines.append(f"{', '.join(names)} = {term.text}")
            return
        (output,) = node.outputs
        self.terms[id(output)] = term
        is_view = bool(args) and term == args[0]
        if is_view or (id(node.inputs[0]) if args else 0) in self.histories:
            return
        wanted = output.name or id(output) in self.called
        if wanted or uses[id(output)] > 1 or len(term.text) > LONGEST:
            self.bind(output)

    def of_history(self, node: Apply) -> Term | None:
        """The history without its initial rows is what the user calls the state."""
        if not isinstance(node.op, Subtensor):
            return None
        depth = self.histories.get(id(node.inputs[0]))
        if depth is None:
            return None
        if node.op.key == (Range(depth),):
            return self.terms[id(node.inputs[0])]
        first = node.op.key[0]
        known = isinstance(first, int) and -depth <= first < 0
        if known or self.terms[id(node.inputs[0])].text.endswith("]"):
            return None
        name = self.terms[id(node.inputs[0])]
        return term_of(
            node, [call("history", [name.text]), *map(self.term, node.inputs[1:])]
        )

    def bind(self, variable: Variable) -> Term:
        """Give a variable a line and a name, unless it has one."""
        term = self.term(variable)
        if id(variable) in self.bound or variable.owner is None:
            return term
        name = self.name(variable)
        self.lines.append(f"{name} = {term.text}")
        return self.terms[id(variable)]

    def name(self, variable: Variable, wanted: str | None = None) -> str:
        wanted = variable.name or wanted
        if id(variable) in self.called:
            name = self.called[id(variable)]
        else:
            name = self.names.fresh(wanted) if wanted else self.names.numbered("t")
        self.terms[id(variable)] = Term(name)
        self.bound.add(id(variable))
        return name

    def term(self, variable: Variable) -> Term:
        """What a variable is called here: named at its first use where it is a leaf."""
        found = self.terms.get(id(variable))
        if found is None:
            found = self.terms[id(variable)] = self.leaf(variable)
        return found

    def leaf(self, variable: Variable) -> Term:
        held = variable.held
        if variable.owner is not None and held is not None:
            assert not isinstance(held, tuple)
            return length_term(held)
        if isinstance(variable, Constant) and not variable.name:
            return constant_term(variable)
        if variable.name:
            return Term(self.names.fresh(variable.name))
        return Term(self.names.numbered("x"))

    def loop(self, node: Apply, body: Inside, views: dict[int, str]) -> None:
        """name = for t < T:  (what goes in), then the body, indented."""
        assert body.trips is not None
        assert isinstance(node.op, Scan)
        step = STEPS[self.depth] if self.depth < len(STEPS) else f"t{self.depth}"
        inner = Scope(self.names, self.depth + 1, dict(self.terms))
        results = [self.result_name(r, views) for r in body.results]
        roles = [
            text
            for port in body.ports
            if (text := self.port(port, inner, step, results))
        ]
        inner.called = {
            id(result.inner): f"{name}[{step}]"
            for result, name in reversed(list(zip(body.results, results, strict=True)))
            if result.role != "until"
        }
        inner.write(body.outputs, body.inputs)
        inner.finish(body.results, [f"{name}[{step}]" for name in results])
        head = f"{', '.join(n for n in results if n) or body.title} = "
        trips = self.term(body.trips).within(BINDING["|"])
        self.lines += heading(f"{head}for {step} < {trips}:", roles)
        self.lines += ["      " + line for line in inner.lines]
        self.outputs(node, node.op)

    def finish(self, results: Sequence[Result], names: Sequence[str]) -> None:
        """A line for each result that has none yet."""
        for result, name in zip(results, names, strict=True):
            text = self.term(result.inner).text
            if result.role == "until":
                self.lines.append(f"until {text}")
            elif text != name:
                self.lines.append(f"{name} = {text}")

    def outputs(self, node: Apply, op: Scan) -> None:
        """Histories cut to their last rows are written as such."""
        for spec, history in zip(op.states, node.outputs, strict=False):
            if spec.last_only:
                name = self.terms[id(history)].text
                self.terms[id(history)] = Term(f"{name}[-{spec.depth}:]")
            else:
                self.histories[id(history)] = spec.depth

    def result_name(self, result: Result, views: dict[int, str]) -> str:
        if result.outer is None:
            return ""
        return self.name(result.outer, wanted_name(result, views))

    def port(self, port: Port, inner: Scope, step: str, results: Sequence[str]) -> str:
        """Names a body's input; says what it is, where that is worth saying."""
        assert port.outer is not None
        outer = self.term(port.outer)
        if port.role == "state":
            name = f"{results[port.state]}[{step}{port.tap}]"
            inner.terms[id(port.inner)] = Term(name)
            return f"state {name} from {outer.text}"
        computed = "(" in outer.text and not outer.text.startswith("history(")
        if outer.binding < ATOM or computed:
            outer = self.bind(port.outer)
        if port.role == "constant":
            inner.terms[id(port.inner)] = outer
            return ""
        name = f"{outer.within(ATOM)}[{step}]"
        inner.terms[id(port.inner)] = Term(name)
        return f"sequence {name}"

    def branches(self, node: Apply, bodies: Sequence[Inside]) -> None:
        """An op with bodies that is no loop: each body under a heading."""
        outside = [self.term(v).text for v in node.inputs]
        names = [self.name(v) for v in node.outputs]
        heading = call(node.op.name, outside).text
        self.lines.append(f"{', '.join(names)} = {heading}:")
        prefix = f"{node.op}: "
        for body in bodies:
            inner = Scope(self.names, self.depth, dict(self.terms))
            for port in body.ports:
                if port.outer is not None:
                    inner.terms[id(port.inner)] = self.term(port.outer)
            inner.write(body.outputs, body.inputs)
            texts = ", ".join(inner.term(v).text for v in body.outputs)
            lines = [*inner.lines, texts]
            self.lines += [
                f"      {body.title.removeprefix(prefix)}:",
                *("        " + s for s in lines),
            ]


def known_lengths(
    outputs: Sequence[Variable], stop: Sequence[Variable]
) -> list[Variable]:
    """Integer scalars whose length is known: written as T, whatever computes them."""
    return [
        v
        for node in sort_nodes(outputs, stop)
        for v in node.outputs
        if v.ndim == 0 and known_length(v) is not None
    ]


def named_views(nodes: Sequence[Apply]) -> dict[int, str]:
    """The user's name of a slice of a loop's output, by that output's id."""
    return {
        id(node.inputs[0]): node.outputs[0].name
        for node in reversed(nodes)
        if isinstance(node.op, Subtensor) and node.outputs[0].name
    }


def heading(start: str, roles: Sequence[str]) -> list[str]:
    """What goes into a loop: beside its heading, or below it where that gets long."""
    line = f"{start}  ({'; '.join(roles)})" if roles else start
    if len(line) <= LONGEST + 28:
        return [line]
    ends = [";"] * (len(roles) - 1) + [")"]
    rows = [role + end for role, end in zip(roles, ends, strict=True)]
    return [start, f"        ({rows[0]}", *(f"         {row}" for row in rows[1:])]


def wanted_name(result: Result, views: dict[int, str]) -> str:
    """What the user calls a result: outside, inside, at first; else h, y, steps."""
    inner = plain_name(result.inner.name) if result.inner.owner is not None else ""
    stem = {"state": "h", "output": "y", "until": "steps"}[result.role]
    return views.get(id(result.outer)) or inner or initial_name(result) or stem


def initial_name(result: Result) -> str:
    """'h' of a state whose initial value is called h0."""
    initial = result.initial
    while initial is not None and not initial.name and initial.owner is not None:
        if not isinstance(initial.owner.op, (DimShuffle, Subtensor)):
            return ""
        initial = initial.owner.inputs[0]
    if initial is None or isinstance(initial, Constant):
        return ""
    found = re.fullmatch(r"(\w+?)_?(0|init|initial)", plain_name(initial.name))
    return found[1] if found else ""


def plain_name(name: str | None) -> str:
    """'h' of 'h[t-1]'."""
    found = re.match(r"\w+", name or "")
    return found[0] if found else ""


def constant_term(variable: Constant) -> Term:
    if variable.data.ndim == 0:
        text = (
            f"{variable.data.item():.6g}"
            if variable.type.is_float
            else str(variable.data)
        )
        return Term(text, UNARY if text.startswith("-") else ATOM)
    if variable.data.size <= 4:
        return Term(str(variable.data.tolist()))
    return Term(f"constant[{', '.join(map(str, variable.data.shape))}]")


def pprint(what: object) -> str:
    """A graph as a compact formula: `tanh(dot(x, W) + b)`.

    Parts that are read twice, or named, or long, come first on lines of their own. A
    loop is printed in place: what goes in, then its body.

    Args: what: a variable, several, or an object with ``outputs``.
    """
    outputs = variables_of(what)
    scope = Scope(Names())
    scope.write(outputs)
    for output in outputs:
        term = scope.term(output)
        said = any(line.startswith(f"{term.text} = ") for line in scope.lines)
        if not said or (len(outputs) > 1 and not output.name):
            scope.lines.append(term.text)
    return "\n".join(scope.lines)


pp = pprint
