"""A plan as a scene: its steps in the order in which they run, by what they touch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from symseq.draw.build import Builder, runs_back
from symseq.draw.labels import clean, line_of, tooltip
from symseq.draw.scene import Edge, Frame, Node, Scene, as_one
from symseq.draw.sheet import Sheet
from symseq.graph import Constant
from symseq.ops.elementwise import Elementwise
from symseq.printing.formula import Term, term_of
from symseq.printing.inside import insides
from symseq.span import GRADIENT, shared_groups

from ..program import (
    Copy,
    Fused,
    Kernel,
    Kind,
    Loop,
    Program,
    Step,
    Value,
    View,
    reads,
    walk,
    writes,
)

LEAVES = {Kind.INPUT: "input", Kind.SHARED: "shared"}
MOST_LINES = 10  # of a step that is several


def plan_scene(program: Program) -> Scene:
    """The steps of a program as numbered nodes, its loops as frames.

    A view is no node: its edge comes from what wrote the memory that it looks into.
    """
    sheet = Sheet()
    plan = PlanBuilder(sheet, Builder(sheet))
    plan.steps(program.steps)
    for number, output in enumerate(program.outputs):
        key = f"out{number}"
        sheet.add(Node(key, "output", clean(output.name), line_of(output.variable)))
        plan.read(output, key)
    for number, step in enumerate(
        s for s in program.updates if not isinstance(s, View)
    ):
        written = plan.step(step)
        for out in (out for out in outs(step) if out.root.kind is Kind.SHARED):
            key = f"up{number}"
            sheet.add(Node(key, "update", f"new {clean(out.root.name)}"))
            plan.edge(written, key, out, "update")
    # What a step reads several parts of comes by one edge.
    ends = ((edge.source, edge.target, edge.role) for edge in sheet.edges)
    together: dict[tuple[str, str, str], list[Edge]] = {}
    for end, edge in zip(ends, sheet.edges, strict=True):
        together.setdefault(end, []).append(edge)
    edges = tuple(map(as_one, together.values()))
    return Scene(tuple(sheet.nodes), edges, sheet.frames)


@dataclass
class PlanBuilder:
    """Adds steps to the sheet.

    ``written`` says, by a root's id, what was last written where: parts and nodes;
    ``rows`` which node stands for a row (by its id) in the bodies that are open.
    """

    sheet: Sheet
    builder: Builder
    written: dict[int, list[tuple[Value, str]]] = field(default_factory=dict)
    rows: dict[int, str] = field(default_factory=dict)
    backward: set[str] = field(default_factory=set)  # the gradient's nodes
    count: int = 0

    def steps(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if isinstance(step, Loop):
                self.loop(step)
            elif not isinstance(step, View):
                self.step(step)

    def step(self, step: Step) -> str:
        """A node, numbered as it runs, and edges from what it reads."""
        self.count += 1
        key, node = self.builder.key(f"s{self.count}"), step.node
        home = self.builder.frame if node is None else self.builder.home(node)
        self.node(
            Node(
                key, "step", f"{self.count}.  {text_of(step)}",
                "" if node is None else tooltip(node), home, apply=node,
                gradient=node is not None and node.kind == GRADIENT,
            )
        )  # fmt: skip
        for value in dict.fromkeys(reads(step)):
            self.read(value, key)
        for out in outs(step):
            self.write(out, key)
        return key

    def node(self, node: Node) -> str:
        if node.gradient:
            self.backward.add(node.key)
        return self.sheet.add(node)

    def write(self, out: Value, key: str) -> None:
        row = row_of(out, self.rows)
        if row is not None:
            self.rows[id(row)] = key
            return
        before = self.written.get(id(out.root), [])
        kept = [] if out.source is None else [w for w in before if w[0] is not out]
        self.written[id(out.root)] = [*kept, (out, key)]

    def read(self, value: Value, to: str) -> None:
        for source in self.sources(value):
            self.edge(source, to, value)

    def edge(self, source: str, to: str, value: Value, role: str = "data") -> None:
        label = str(value.variable.type)
        if value.source is not None:
            label = f"{clean(value.name)}: {label}"
        gradient = to in self.backward
        self.sheet.edges.append(Edge(source, to, label, None, role, gradient=gradient))

    def sources(self, value: Value) -> list[str]:
        """The nodes that wrote a value; none for what the text of a step says."""
        row = row_of(value, self.rows)
        if row is not None:
            return [self.rows[id(row)]]
        root = value.root
        if id(root) not in self.written:
            if root.kind is Kind.EARLY or is_number(root):
                return []
            self.written[id(root)] = [(root, self.leaf(root))]
        found = self.written[id(root)]
        if value is not root:
            found = [pair for pair in found if pair[0] is value] or found
        return [key for _, key in found]

    def leaf(self, root: Value) -> str:
        self.sheet.leaves += 1
        kind = LEAVES.get(root.kind, "constant")
        tip = line_of(root.variable)
        return self.sheet.add(
            Node(f"v{self.sheet.leaves - 1}", kind, clean(root.name), tip)
        )

    def loop(self, loop: Loop) -> None:
        """A frame: rows that are read at its top, rows that are written at its end."""
        outer, (inside, *_) = self.builder, insides(loop.node)
        gradient = loop.node.kind == GRADIENT
        key = outer.key(f"n{self.count + 1}")
        inner = Builder(
            self.sheet, key, outer.depth + 1, shared_groups(loop.node.spans)
        )
        turned = runs_back(inside)
        title = clean(loop.name) + outer.trips(inside) + ("\nbackwards" * turned)
        self.sheet.frames[key] = Frame(
            key, "loop", title, tooltip(loop.node), outer.home(loop.node), loop.node,
            gradient, turned, inner.depth,
        )  # fmt: skip
        body = Body(loop)
        tops = {}
        for number, (value, kind, label) in enumerate(body.entries(inner.step)):
            tops[id(value)] = port = f"{key}.p{number}"
            self.node(Node(port, kind, label, "", key, row="top", gradient=gradient))
            for source in self.sources(body.outside(value)):
                self.edge(source, port, value)
        self.builder = inner
        for row in loop.rows:
            self.rows[id(row.out)] = tops.get(id(row.out), "")
        for value in body.carried:
            self.written[id(value)] = [(value, tops[id(value)])]
        self.steps(loop.body)
        self.ends(body, key, tops)
        self.builder = outer

    def ends(self, body: Body, key: str, tops: dict[int, str]) -> None:
        """The nodes for what leaves a body, and the dashed edges back to its start."""
        step, gradient = self.builder.step, self.sheet.frames[key].gradient
        entered, left = set(tops.values()), []
        for number, (value, kind, label) in enumerate(body.exits(step)):
            port = f"{key}.r{number}"
            self.node(Node(port, kind, label, "", key, row="bottom", gradient=gradient))
            made = self.sources(value)
            for source in [k for k in made if k not in entered] or made:
                self.edge(source, port, value)
            for top, steps in body.taps(value):
                back = Edge(port, tops[id(top)], f"{step}−{steps}", None, "carried")
                self.sheet.edges.append(back)
            left.append((body.outside(value), port))
            if value is body.loop.stop and body.loop.done is not None:
                left.append((body.loop.done, port))
        for row in body.loop.rows:
            del self.rows[id(row.out)]
        for whole, port in left:
            around = row_of(whole, self.rows)
            if around is not None:
                self.rows[id(around)] = port
            else:
                self.written[id(whole.root)] = [(whole.root, port)]


@dataclass
class Body:
    """What the body of a loop reads from the step before, and leaves behind.

    A row that the body writes leaves; one that it reads before enters. Memory that is
    not cut into rows is carried where it is read before it is written.
    """

    loop: Loop
    carried: list[Value] = field(default_factory=list)

    def __post_init__(self) -> None:
        rows = {id(row.out): "" for row in self.loop.rows}
        self.read_first: set[int] = set()
        made = [out for step in walk(self.loop.body) for out in all_outs(step)]
        self.made = {id(row_of(out, rows)) for out in made}
        own = {id(out.root): out.root for out in made if row_of(out, rows) is None}
        done: set[int] = set()
        for step in walk(self.loop.body):
            for value in () if isinstance(step, Loop | View) else reads(step):
                row, root = row_of(value, rows), value.root
                if row is not None and id(row) not in done:
                    self.read_first.add(id(row))
                fresh = row is None and id(root) in own and id(root) not in done
                if fresh and root not in self.carried:
                    self.carried.append(root)
            written = all_outs(step)
            done.update(id(row_of(out, rows) or out.root) for out in written)

    def entries(self, step: str) -> Iterator[tuple[Value, str, str]]:
        """(value, kind, label) of what enters: rows, and what is carried."""
        for row in self.loop.rows:
            if id(row.out) not in self.made or id(row.out) in self.read_first:
                state = any(True for _ in self._later(row.out))
                label = f"{clean(row.source.name)}[{step}{shift(row.offset)}]"
                yield row.out, "state" if state else "sequence", label
        for value in self.carried:
            yield value, "state", f"{clean(value.name)}[{step}-1]"

    def exits(self, step: str) -> Iterator[tuple[Value, str, str]]:
        for row in self.loop.rows:
            if id(row.out) in self.made:
                kind = "state" if self.taps(row.out) else "result"
                label = f"{clean(row.source.name)}[{step}{shift(row.offset)}]"
                yield row.out, kind, label
        for value in self.carried:
            yield value, "state", f"{clean(value.name)}[{step}]"
        if self.loop.stop is not None:
            yield self.loop.stop, "result", "until"

    def taps(self, value: Value) -> list[tuple[Value, int]]:
        """What the value is at later steps, and how many steps later."""
        if value in self.carried:
            return [(value, 1)]
        mine = [row for row in self.loop.rows if row.out is value]
        return [
            (row.out, mine[0].offset - row.offset)
            for row in self.loop.rows
            if mine and self._carries(mine[0].source, row.source)
            and id(row.out) not in self.made and row.offset < mine[0].offset
        ]  # fmt: skip

    def _later(self, value: Value) -> Iterator[Value]:
        """The rows that the body writes and that `value` is at later steps."""
        for row in self.loop.rows:
            if id(row.out) in self.made:
                yield from (row.out for top, _ in self.taps(row.out) if top is value)

    def _carries(self, one: Value, other: Value) -> bool:
        return one is other or one.root is other.root

    def outside(self, value: Value) -> Value:
        """What a row is a row of."""
        return next((r.source for r in self.loop.rows if r.out is value), value)


def row_of(value: Value, rows: dict[int, str]) -> Value | None:
    """The row, of those whose ids are given, that a value is or looks into."""
    at: Value | None = value
    while at is not None and id(at) not in rows:
        at = at.source
    return at


def shift(offset: int) -> str:
    return f"{offset:+d}" if offset else ""


def outs(step: Step) -> tuple[Value, ...]:
    """What a step writes for others to read: no temporaries."""
    match step:
        case Kernel() | Copy():
            return (step.out,)
        case Loop() | View():
            return writes(step)
        case _:
            return step.outs


def all_outs(step: Step) -> tuple[Value, ...]:
    return () if isinstance(step, Loop) else outs(step)


def is_number(value: Value) -> bool:
    """Whether the text of a step says the value itself."""
    return isinstance(value.variable, Constant) and value.variable.data.size == 1


def term(value: Value) -> Term:
    if isinstance(value.variable, Constant) and is_number(value):
        number = value.variable.data.item()
        return Term(f"{number:g}" if isinstance(number, float) else str(number))
    return Term(clean(value.name))


def text_of(step: Step) -> str:
    """c = f * c_tm1; a line for each of several that run as one."""
    if isinstance(step, Fused):
        lines = [text_of(part) for part in (*step.steps, *step.sums)]
        more = len(lines) - MOST_LINES
        return "\n".join(lines[:MOST_LINES] + [f"+ {more} more"] * (more > 0))
    names = ", ".join(clean(out.name) for out in outs(step))
    place = " (in place)" if is_in_place(step) else ""
    return f"{names} = {_formula(step)}{place}"


def is_in_place(step: Step) -> bool:
    roots = {id(value.root) for value in reads(step)}
    return any(id(out.root) in roots for out in outs(step))


def _formula(step: Step) -> str:
    inputs, node = [term(value) for value in reads(step)], step.node
    if isinstance(step, Copy) or node is None:
        return ", ".join(one.text for one in inputs)
    fits = len(inputs) == len(node.inputs)
    if fits and (not isinstance(step, Kernel) or isinstance(node.op, Elementwise)):
        text = term_of(node, inputs).text
        return text.replace(" * ", " × ").replace(" - ", " − ")
    name = node.op.name
    if isinstance(step, Kernel) and len(step.recipe.calls) == 1:
        name = step.recipe.calls[0].function
    return f"{name}({', '.join(one.text for one in inputs)})"
