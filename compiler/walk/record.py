"""What one run of the reference target met, in order: lines, loops, values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from symseq.draw.labels import base_name
from symseq.graph import Apply, BodyOp, Constant, Variable, known_length
from symseq.printing.formula import Term, length_term, term_of
from symseq.printing.inside import insides
from symseq.printing.pprint import STEPS, Names, constant_term, wanted_name
from symseq.scan.op import Scan
from symseq.span import Span
from symseq.types import Array

from ..reference import Evaluator
from .values import named_type, problem, shown

Around = tuple[tuple[str, int], ...]
Place = tuple[Around, int]  # the loops around, and how many bodies


@dataclass(slots=True)
class Value:
    """A variable's value. ``around``: the loops that it is in, each with its step.

    ``hidden``: only a view for broadcasting, or a length, which tables leave out.
    """

    name: str
    made: str  # as a formula of other names
    variable: Variable
    array: Array | None  # None: the operation failed
    span: Span | None  # None: given
    around: Around = ()
    depth: int = 0  # how many bodies, branches too, it is in
    hidden: bool = False

    @property
    def type(self) -> str:
        if self.array is None:
            return str(self.variable.type)
        return named_type(self.variable.type, self.array.shape)

    @property
    def text(self) -> str:
        return "" if self.array is None else shown(self.array)

    @property
    def problem(self) -> str:
        return "failed" if self.array is None else problem(self.array)

    def row(self) -> dict[str, Any]:
        """The value as data."""
        span = self.span
        return {
            "line": "" if span is None else str(span),
            "text": "" if span is None else span.text,
            "loops": self.around,
            "name": self.name,
            "made": self.made,
            "type": self.type,
            "dtype": self.variable.dtype,
            "shape": None if self.array is None else self.array.shape,
            "value": self.array,
            "problem": self.problem,
            "hidden": self.hidden,
        }


@dataclass(slots=True)
class Entered:
    """A body that was entered: which step of how many is shown."""

    op: BodyOp
    wanted: int
    around: Around
    depth: int
    ran: int = 0

    @property
    def is_loop(self) -> bool:
        return isinstance(self.op, Scan)

    @property
    def reached(self) -> bool:
        return 0 <= self.wanted < self.ran

    @property
    def title(self) -> str:
        if not self.is_loop:
            return f"{self.op.name}: the branch that was taken"
        if self.reached:
            return f"loop {self.op.name}, step {self.wanted} (of 0 to {self.ran - 1})"
        return f"loop {self.op.name}, {self.counted}: there is no step {self.wanted}"

    @property
    def counted(self) -> str:
        return "1 step" if self.ran == 1 else f"{self.ran} steps"


def own_term(v: Variable) -> Term | None:
    """What a variable that nobody named is: a constant or a known length."""
    if v.name:
        return None
    if isinstance(v, Constant):
        return constant_term(v)
    length = known_length(v)
    return None if v.owner is None or length is None else length_term(length)


@dataclass(slots=True)
class Record:
    """Values and bodies in the order of the run; names by variable."""

    items: list[Value | Entered] = field(default_factory=list)
    names: Names = field(default_factory=Names)
    terms: dict[Variable, Term] = field(default_factory=dict)

    def term(self, v: Variable) -> Term:
        """What a variable is called."""
        if v not in self.terms:
            fresh = self.names.fresh if v.name else self.names.numbered
            name = v.name or ("t" if v.owner else "x")
            self.terms[v] = own_term(v) or Term(fresh(name))
        return self.terms[v]

    def add(
        self, v: Variable, array: Array | None, place: Place = ((), 0), made: str = ""
    ) -> None:
        span = None if v.owner is None else v.span
        name = self.term(v).text
        self.items.append(Value(name, made, v, array, span, *place))

    def add_node(
        self, node: Apply, results: Sequence[Array] | None, place: Place
    ) -> None:
        """The outputs of a node; of one that failed, their names."""
        args = [self.term(v) for v in node.inputs]
        body = isinstance(node.op, BodyOp)
        term = Term(f"{node.op}(...)") if body else term_of(node, args)
        named = bool(node.outputs[0].name)
        view = bool(args) and term == args[0] and not named
        if view or (node.op.name == "shape" and not named):  # read in place
            self.terms[node.outputs[0]] = term
        for k, v in enumerate(node.outputs):
            array = None if results is None else results[k]
            self.add(v, array, place, term.text)
            last = self.items[-1]
            assert isinstance(last, Value)
            known = v.held is not None and not v.name
            last.hidden = (view or known) and array is not None


class Walker(Evaluator):
    """Evaluates a graph and records it, inside of loops at the wanted steps."""

    def __init__(self, steps: tuple[int, ...]) -> None:
        super().__init__()
        self.steps, self.record = steps, Record()
        self.inside: list[Entered] = []
        self.passed: set[Variable] = set()  # inputs of bodies that are as outside
        self.failed = False

    @property
    def around(self) -> Around:
        loops = [one for one in self.inside if one.is_loop]
        return tuple((one.op.name, one.wanted) for one in loops)

    @property
    def place(self) -> Place:
        return self.around, len(self.inside)

    @property
    def is_watching(self) -> bool:
        """Whether every body around is at the step that is wanted."""
        return all(one.ran - 1 == one.wanted for one in self.inside)

    def __call__(
        self,
        outputs: Sequence[Variable],
        inputs: Sequence[Variable],
        values: Sequence[Array],
    ) -> list[Array]:
        if self.inside:
            self.inside[-1].ran += 1
        if self.inside and self.is_watching:
            for v, array in zip(inputs, values, strict=True):
                if v not in self.passed:
                    self.record.add(v, array, self.place)
        return super().__call__(outputs, inputs, values)

    def see(
        self, node: Apply, arguments: Sequence[Array], results: Sequence[Array]
    ) -> None:
        if self.is_watching:
            self.record.add_node(node, results, self.place)

    def apply(self, node: Apply, arguments: Sequence[Array]) -> tuple[Array, ...]:
        if isinstance(node.op, BodyOp) and self.is_watching:
            self._call_ports(node)
        try:
            return super().apply(node, arguments)
        except Exception:
            if not self.failed:
                self.failed = True
                self.record.add_node(node, None, self.place)
            raise

    def _call_ports(self, node: Apply) -> None:
        """What a body is given unchanged is called there as it is outside.

        A state is called as in pictures: by what becomes its next value.
        """
        names, terms = self.record.names, self.record.terms
        depth = len(self.around)
        step = STEPS[depth] if depth < len(STEPS) else f"t{depth + 1}"
        for inside in insides(node):
            for port in inside.ports:
                if port.role == "state" and port.inner not in terms:
                    name = wanted_name(inside.results[port.state], {})
                    tap = f"{step}{port.tap:+d}"
                    terms[port.inner] = Term(names.fresh(f"{name}[{tap}]"))
                elif port.role == "sequence" and port.outer:
                    name = port.inner.name or f"{base_name(port.outer, {})}[t]"
                    if port.inner not in terms:
                        name = re.sub(r"\[t\]$", f"[{step}]", name)
                        terms[port.inner] = Term(names.fresh(name))
                elif port.role in ("constant", "input") and port.outer is not None:
                    terms[port.inner] = self.record.term(port.outer)
                    self.passed.add(port.inner)

    def enter(self, op: BodyOp, arguments: Sequence[Array]) -> tuple[Array, ...]:
        watched = self.is_watching
        entered = Entered(
            op, self._wanted(op, arguments), self.around, len(self.inside)
        )
        if watched:
            self.record.items.append(entered)
        self.inside.append(entered)
        try:
            return super().enter(op, arguments)
        finally:
            self.inside.pop()

    def _wanted(self, op: BodyOp, arguments: Sequence[Array]) -> int:
        """Which run of a body is shown; a negative step counts from the end."""
        if not isinstance(op, Scan):
            return 0
        level = sum(one.is_loop for one in self.inside)
        step = self.steps[level] if level < len(self.steps) else 0
        if step >= 0:
            return step
        done = int(arguments[0])
        if op.until:
            done = int(op.evaluate_body(Evaluator(), *arguments)[-1])
        return step + done
