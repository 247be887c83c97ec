"""Which steps are drawn of a graph, in which order; a loop's step in a frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush

from symseq import lengths
from symseq.draw.arrays.describe import Describer
from symseq.draw.arrays.named import Called
from symseq.draw.arrays.panel import PALETTE, Heading, Mark, Panel, Side, Step
from symseq.draw.arrays.parts import cut_axis, is_cut, kept_boxes
from symseq.draw.arrays.sizes import UNKNOWN, length_text
from symseq.draw.arrays.trace import can_fold, is_axis_view, is_same
from symseq.draw.labels import base_name, inline, skips_initial, source
from symseq.graph import Apply, Variable, known_length
from symseq.ops.elementwise import Elementwise
from symseq.printing.formula import length_term
from symseq.printing.inside import Inside, Port, Result, insides
from symseq.printing.pprint import STEPS, Names, named_views, wanted_name
from symseq.scan.op import Scan
from symseq.traverse import sort_nodes

# The most arrays of one row, and ops folded into each other.
MOST_ARRAYS, MOST_DEEP = 6, 6

Rows = list[Step | Heading]


@dataclass
class Steps:
    """The rows of a graph or a body, made from its outputs upward."""

    describer: Describer
    fold: bool = True
    depth: int = 0
    ops: Collection[str] = ()

    def rows(self, outputs: Sequence[Variable], stop: Sequence[Variable] = ()) -> Rows:
        """The steps that `outputs` need, operands before results."""
        nodes = sort_nodes(outputs, stop)
        self.describer.called.enter(nodes)
        if self.fold:
            self.describer.folded |= folds(nodes, outputs)
        wanted = self.wanted(nodes, outputs, stop)
        self.group_slices(nodes, wanted)
        views = named_views(nodes)
        rows: Rows = []
        done: set[int] = set()
        for node in by_line(nodes, stop):
            if skips_initial(node, self.depth_of(node)):
                self.same_name(node.outputs[0], node.inputs[0])
            if id(node) not in wanted or id(node) in done:
                continue
            group = self.describer.slices.get(id(node), [node])
            done.update(id(one) for one in group)
            if bodies := insides(node):
                rows += self.bodies(node, bodies, views)
            elif not self.ops or node.op.name in self.ops:
                step = self.describer.describe(node, self.depth)[0]
                if step.pieces or id(node.outputs[0]) in self.describer.outputs:
                    rows.append(step)
        return rows

    def wanted(
        self, nodes: Sequence[Apply], outputs: Sequence[Variable],
        stop: Sequence[Variable],
    ) -> set[int]:  # fmt: skip
        """The nodes that have a row: outputs, and what the rows read as arrays."""
        stopped = {id(v) for v in stop}
        wanted: set[int] = set()
        needed = {id(v) for v in outputs}
        trial = replace(self.describer, called=self.describer.called.trial())
        for node in reversed(nodes):
            if not any(id(v) in needed for v in node.outputs):
                continue
            trivial = self.trivial(node)
            if trivial:
                read = [node.inputs[0]]
            elif insides(node):
                wanted.add(id(node))
                read = [p.outer for b in insides(node) for p in b.ports if p.outer]
            else:
                wanted.add(id(node))
                read = trial.describe(node, self.depth)[1]
            for variable in read:
                if id(variable) not in stopped and inline(variable) is None:
                    needed.add(id(variable))
        return wanted

    def trivial(self, node: Apply) -> bool:
        """Whether a node is skipped: what it makes goes by its input's name."""
        if skips_initial(node, self.depth_of(node)):
            return True
        if node.outputs[0].name or id(node.outputs[0]) in self.describer.outputs:
            return False
        return is_same(node) or is_axis_view(node)

    def depth_of(self, node: Apply) -> int:
        """How many initial rows a node's input has, where it is a loop's history."""
        owner = node.inputs[0].owner if node.inputs else None
        if owner is None or not isinstance(owner.op, Scan):
            return -1
        k = node.inputs[0].index
        states = owner.op.states
        return states[k].depth if k < len(states) and not states[k].last_only else -1

    def group_slices(self, nodes: Sequence[Apply], wanted: set[int]) -> None:
        """Slices of one array along one axis are one step, named by their uses."""
        found: dict[tuple[int, int], list[Apply]] = {}
        uses: dict[int, list[Apply]] = {}
        for node in nodes:
            if id(node) in wanted and is_cut(node):
                key = (id(node.inputs[0]), cut_axis(node))
                found.setdefault(key, []).append(node)
            for variable in node.inputs:
                uses.setdefault(id(variable), []).append(node)
        for group in found.values():
            group.sort(key=self.start)
            for node in group:
                self.describer.slices[id(node)] = group
                self.describer.pieces[id(node)] = self.piece(node, uses)

    def start(self, node: Apply) -> tuple[int, ...]:
        boxes = kept_boxes(self.describer, node)
        return tuple(low for low, _ in boxes[0]) if boxes else ()

    def piece(self, node: Apply, uses: dict[int, list[Apply]]) -> str:
        """What a slice is called: its name, else that of what is made of it alone."""
        called, made = self.describer.called, node.outputs[0]
        for _ in range(4):
            if made.name or id(made) in called.assigned:
                return called.name(made)
            readers = uses.get(id(made), [])
            if len(readers) != 1 or not isinstance(readers[0].op, Elementwise):
                break
            if sum(inline(v) is None for v in readers[0].inputs) > 1:
                break
            made = readers[0].outputs[0]
        return ""

    # Loops.

    def bodies(
        self, node: Apply, bodies: Sequence[Inside], views: dict[int, str]
    ) -> Rows:
        rows: Rows = []
        for body in bodies:
            inner = replace(self, depth=self.depth + 1)
            letter = STEPS[min(self.depth, len(STEPS) - 1)]
            fresh = Names().fresh
            called = self.describer.called
            called.enter(sort_nodes(body.outputs, body.inputs))
            names = [fresh(self.result_name(r, views)) for r in body.results]
            rows.append(Heading(self.title(body, letter), self.depth + 1))
            if body.trips is not None:
                rows += self.ports(body, letter, names)
            else:
                self.same_names(body)
            self.name_results(body, letter, names)
            rows += inner.rows(body.outputs, body.inputs)
            if body.trips is not None:
                rows += self.results(node, body)
        return rows

    def title(self, body: Inside, letter: str) -> str:
        if body.trips is None:
            return body.title
        held = known_length(body.trips)
        named = body.trips.name or "n_steps"
        trips = named if held is None else length_term(held).text
        return f"{body.title}: one step {letter} of {trips}"

    def result_name(self, result: Result, views: dict[int, str]) -> str:
        """What the user calls a body's result: by a name, else by a line."""
        if id(result.outer) in views or result.inner.name:
            return wanted_name(result, views)
        assigned = self.describer.called.assigned.get(id(result.inner))
        return assigned or wanted_name(result, views)

    def same_name(self, variable: Variable, other: Variable) -> None:
        """Call a variable as another that it stands for."""
        called = self.describer.called
        if not variable.name:
            called.found.setdefault(id(variable), called.name(other))

    def same_names(self, body: Inside) -> None:
        for port in body.ports:
            if port.outer is not None:
                found = self.describer.called.name(port.outer)
                self.describer.called.found[id(port.inner)] = found

    def name_results(self, body: Inside, letter: str, names: Sequence[str]) -> None:
        called = self.describer.called
        for result, name in zip(body.results, names, strict=True):
            if result.inner.owner is not None and body.trips is not None:
                called.found.setdefault(id(result.inner), f"{name}[{letter}]")
            if result.outer is not None:
                called.found.setdefault(id(result.outer), name)

    def ports(self, body: Inside, letter: str, names: Sequence[str]) -> Rows:
        """What one step reads: row t of each sequence, states by name."""
        called = self.describer.called
        rows: Rows = []
        for port in body.ports:
            if port.outer is None:
                continue
            if port.role in ("constant", "sequence"):
                kind = self.describer.kind(source(port.outer))
                self.describer.inner[id(port.inner)] = kind
                if (written := inline(port.outer)) is not None:
                    self.describer.texts[id(port.inner)] = written
            if port.role == "constant":
                called.found[id(port.inner)] = called.name(port.outer)
            elif port.role == "state":
                text = f"{names[port.state]}[{letter}{port.tap}]".replace("-", "−")
                called.found[id(port.inner)] = text
            elif port.role == "sequence":
                rows.append(self.sequence(port, letter))
        return rows

    def sequence(self, port: Port, letter: str) -> Step:
        """x → x[t]: the row that one step reads."""
        assert port.outer is not None
        called = self.describer.called
        base = plain_base(base_name(port.outer, called.found), called, port.outer)
        called.found.setdefault(id(port.outer), base)
        called.found[id(port.inner)] = f"{base}[{letter}]"
        whole = self.with_row(self.describer.panel(port.outer))
        row = self.describer.panel(port.inner)
        return Step((whole,), (with_mark(row),), depth=self.depth + 1)

    def results(self, node: Apply, body: Inside) -> Rows:
        """h[t] → h: where one step writes, the rows before the first step left out."""
        op = node.op
        rows: Rows = []
        for result in body.results:
            if result.outer is None or result.role == "until" or not result.outer.ndim:
                continue
            row = with_mark(self.describer.panel(result.inner))
            whole = self.describer.panel(result.outer)
            if result.role == "state" and isinstance(op, Scan):
                spec = op.states[result.outer.index]
                if not spec.last_only:
                    whole = shorter(whole, result.outer, spec.depth, self.describer)
            whole = self.with_row(whole)
            rows.append(Step((row,), (whole,), depth=self.depth + 1))
        return rows

    def with_row(self, panel: Panel) -> Panel:
        """The array of all steps, with one of its rows coloured."""
        first, *rest = panel.sides
        middle = min(1, max(first.size - 1, 0))
        ranges = ((middle, middle + 1), *((0, side.size) for side in rest))
        marks = (Mark(ranges, PALETTE[0]),) if first.size else ()
        return replace(panel, marks=marks)


def by_line(nodes: Sequence[Apply], stop: Sequence[Variable]) -> list[Apply]:
    """Operands before results, and else in the order of the user's lines."""
    place = {id(node): k for k, node in enumerate(nodes)}
    stopped = {id(v) for v in stop}
    readers: dict[int, list[Apply]] = {}
    waits: dict[int, int] = {}
    for node in nodes:
        behind = {
            id(v.owner)
            for v in node.inputs
            if v.owner is not None and id(v) not in stopped and id(v.owner) in place
        }
        waits[id(node)] = len(behind)
        for owner in behind:
            readers.setdefault(owner, []).append(node)

    def entry(node: Apply) -> tuple[str, int, int, Apply]:
        span = node.spans[0]
        return span.file, span.line, place[id(node)], node

    heap = [entry(node) for node in nodes if not waits[id(node)]]
    heapify(heap)
    ordered = []
    while heap:
        node = heappop(heap)[-1]
        ordered.append(node)
        for reader in readers.get(id(node), []):
            waits[id(reader)] -= 1
            if not waits[id(reader)]:
                heappush(heap, entry(reader))
    return ordered


def plain_base(text: str, called: Called, variable: Variable) -> str:
    """The name of a sequence; of one computed in place the name that it has here."""
    return called.name(variable) if text.startswith("row") else text


def shorter(panel: Panel, history: Variable, depth: int, describer: Describer) -> Panel:
    """A state's history without its initial rows."""
    length = lengths.subtract(history.type.shape[0], depth)
    size = describer.sizes.number(length)
    side = Side(length_text(length), UNKNOWN if size is None else size)
    return replace(panel, sides=(side, *panel.sides[1:]))


def with_mark(panel: Panel) -> Panel:
    """A panel coloured all over, as the row that it is of another."""
    full = tuple((0, side.size) for side in panel.sides)
    return replace(panel, marks=(Mark(full, PALETTE[0]),))


def folds(nodes: Sequence[Apply], outputs: Sequence[Variable]) -> set[int]:
    """The nodes that are written within the row that reads them.

    Those are read once, on the line of the user's that made them, and have no name; a
    row has at most so many arrays.
    """
    uses = Counter(id(v) for node in nodes for v in node.inputs)
    uses.update(id(v) for v in outputs)
    arrays: dict[int, int] = {}
    height: dict[int, int] = {}
    folded: set[int] = set()
    for node in nodes:
        inner = [(v, through_views(v, uses, node)) for v in node.inputs]
        many = sum(inline(v) is None for v in node.inputs)
        high = 0
        for variable, owner in inner:
            if owner is None or not (can_fold(node) and can_fold(owner)):
                continue
            if inline(variable) is not None:
                continue
            made = many - 1 + arrays[id(owner)]
            if made <= MOST_ARRAYS and height[id(owner)] < MOST_DEEP:
                many, high = made, max(high, height[id(owner)] + 1)
                folded.add(id(owner))
        arrays[id(node)], height[id(node)] = many, high
    return folded


def through_views(
    variable: Variable, uses: Counter[int], reader: Apply
) -> Apply | None:
    """The node behind views, where only `reader`'s line reads all of them."""
    while True:
        node = variable.owner
        alone = uses[id(variable)] == 1 and not variable.name
        if node is None or not alone or node.spans[0] != reader.spans[0]:
            return None
        if not (is_same(node) or is_axis_view(node)):
            return node
        variable = node.inputs[0]
