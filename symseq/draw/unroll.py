"""The textbook's unrolled view: a column per step, parameters drawn once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

import graphviz

from symseq.draw import style
from symseq.draw import textbook_style as look
from symseq.draw.picture import Picture
from symseq.draw.unrolled import DOTS, Chain, Key, Output, Unrolled, unroll
from symseq.draw.write import escape
from symseq.errors import UsageError
from symseq.graph import SharedVariable, Variable
from symseq.printing.inside import variables_of

MOST_NAMES = 2  # of a box
LONGEST = 14  # letters of a name in a node


@dataclass(slots=True)
class Spot:
    """A drawn node: its look, its text, its place in inches, the values it shows."""

    kind: str
    label: str
    x: float
    y: float
    keys: set[Key] = field(default_factory=set)


@dataclass(eq=False)
class Plan:
    """Where everything of an unrolled loop is drawn."""

    made: Unrolled
    spots: dict[str, Spot] = field(default_factory=dict)
    homes: dict[Key, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        made = self.made
        self.tops = [
            max((c.row for c in made.chains if c.block == b), default=0) + 1
            for b in range(len(made.columns))
        ]
        self.staggered = [made.is_staggered(b) for b in range(len(made.columns))]
        self.beside, self.column = self.widths()
        # A block that reads a whole memory is raised: so its lines lie apart.
        self.bases, base = [], 0.0
        for block in range(len(made.columns)):
            base += look.RAISE * made.reads_memory(block)
            self.bases.append(base)
        self.starts: list[float] = []
        at = 0.0
        for names in made.columns:
            at += self.column  # for the first values
            self.starts.append(at)
            at += self.column * (len(names) + 0.3)
        self.end = at
        for chain in made.chains:
            self.chain(chain)
        for output in made.outputs:
            self.output(output)
        self.inputs()
        self.parameters()

    def widths(self) -> tuple[float, float]:
        """How far apart two inputs of one step are, and two steps."""
        inputs = [self.inputs_of(b) for b in range(len(self.made.columns))]
        steps = [*(step for names in self.made.columns for step in names), "0"]
        longest = max(steps, key=len)
        leaves = [called(self.made.leaves[k], "x") for row in inputs for k in row]
        beside = max([wide(boxed([name], longest)) for name in leaves], default=0.0)
        texts = [boxed_in(chain, longest) for chain in self.made.chains]
        texts += [boxed([output.name], longest) for output in self.made.outputs]
        box = max(map(wide, texts))
        stagger = 2 * look.STAGGER if any(self.staggered) else 0.0
        most = max(map(len, inputs), default=0)
        return beside, max(look.COLUMN + stagger, box + 0.45, beside * most + 0.2)

    def inputs_of(self, block: int) -> list[int]:
        """The leaves that are read row by row under a block."""
        read = {k for edge in self.made.edges for k in edge if k[0] == "leaf"}
        return sorted({k[1] for k in read if k[2] == block and k[3] >= 0})

    def spot(self, name: str, made: Spot, keys: Iterable[Key] = ()) -> None:
        self.spots[name] = made
        made.keys |= set(keys)
        self.homes.update((key, name) for key in keys)

    def x(self, block: int, column: float) -> float:
        return self.starts[block] + self.column * column

    def y(self, block: int, row: float) -> float:
        return self.bases[block] + look.ROW * row

    def chain(self, chain: Chain) -> None:
        names = self.made.columns[chain.block]
        y, shift = self.y(chain.block, chain.row + 1), self.shift(chain)
        shown = any(output.state == chain.number for output in self.made.outputs)
        for column, step in enumerate(names):
            keys: list[Key] = [
                ("step", chain.number, k, column) for k in range(len(chain.ports_of))
            ]
            text, x = boxed_in(chain, step), self.x(chain.block, column) + shift
            made = dotted(Spot("result" if shown else "state", text, x, y), step)
            self.spot(f"c{chain.number}_{column}", made, keys)
        left = self.x(chain.block, -1) + shift
        if chain.initial and names and not chain.starts_from_loop:
            step = f"{names[-1]}+1" if chain.backwards else "0"
            label = short(chain.first) or boxed(chain.names, step)
            at = self.x(chain.block, len(names)) + shift if chain.backwards else left
            keys = [("first", chain.number, k, 0) for k in chain.initial]
            self.spot(f"c{chain.number}_first", Spot("first", label, at, y), keys)
        if chain.title and chain.names:
            lines = boxed(chain.names, "0").count("\n")
            rise = 0.0 if chain.backwards or not chain.initial else 0.36 + 0.1 * lines
            made = Spot("title", short(chain.title), left, y + rise)
            self.spot(f"c{chain.number}_title", made)

    def shift(self, chain: Chain) -> float:
        """Chains that do not read one another stand beside the lines that pass."""
        if not self.staggered[chain.block]:
            return 0.0
        middle = (self.tops[chain.block] - 1) / 2
        side = (chain.row > middle) - (chain.row < middle)
        return look.STAGGER * side

    def output(self, output: Output) -> None:
        if output.state is not None:
            return
        if output.block is None:
            y = self.y(-1, self.tops[-1] + 1)
            others = sum(o.block is None for o in self.made.outputs[: output.number])
            keys: list[Key] = [("out", output.number, 0, 0)]
            x = self.end - self.column * (1.3 + others)
            self.spot(
                f"o{output.number}", Spot("output", short(output.name), x, y), keys
            )
            return
        y = self.y(output.block, self.tops[output.block] + 1)
        self.tops[output.block] += 1
        for column, step in enumerate(self.made.columns[output.block]):
            x = self.x(output.block, column)
            made = dotted(Spot("output", boxed([output.name], step), x, y), step)
            keys = [("out", output.number, 0, column)]
            self.spot(f"o{output.number}_{column}", made, keys)

    def inputs(self) -> None:
        for block, names in enumerate(self.made.columns):
            inputs = self.inputs_of(block)
            for place, number in enumerate(inputs):
                name = called(self.made.leaves[number], "x")
                shift = self.beside * (place - (len(inputs) - 1) / 2)
                for column, step in enumerate(names):
                    x = self.x(block, column) + shift
                    made = dotted(
                        Spot("input", boxed([name], step), x, self.bases[block]), step
                    )
                    keys = [("leaf", number, block, column)]
                    self.spot(f"i{number}_{block}_{column}", made, keys)

    def parameters(self) -> None:
        """Each leaf without steps once: under the block of its reader, or above."""
        rows: dict[tuple[int, bool], list[int]] = {}
        for number in range(len(self.made.leaves)):
            key: Key = ("leaf", number, 0, -1)
            readers = [t for s, t in self.made.edges if s == key]
            if readers:
                rows.setdefault(self.side(readers[0]), []).append(number)
        for (block, above), numbers in rows.items():
            single = any(output.block is None for output in self.made.outputs)
            top = self.y(block, self.tops[block] + (1.75 if single else 0.75))
            y = top if above else self.bases[block] - 0.8
            for k, line in enumerate(self.abreast(block, numbers)):
                for number, x in line:
                    leaf = self.made.leaves[number]
                    kind = "shared" if isinstance(leaf, SharedVariable) else "input"
                    away = k * look.PARAMETERS * (1 if above else -1)
                    made = Spot(kind, short(called(leaf, "input")), x, y + away)
                    self.spot(f"p{number}", made, [("leaf", number, 0, -1)])

    def abreast(self, block: int, numbers: list[int]) -> list[list[tuple[int, float]]]:
        """Leaves and their places in lines as wide as the block, evenly spread."""
        width = self.column * (len(self.made.columns[block]) - 1)
        lines: list[list[tuple[int, float]]] = [[]]
        for number in numbers:
            size = wide(short(called(self.made.leaves[number], "input")))
            if lines[-1] and sum(w for _, w in lines[-1]) + size > width:
                lines.append([])
            lines[-1].append((number, size))
        placed = []
        for line in lines:
            gap = max(width - sum(size for _, size in line), 0.0) / len(line)
            at, row = self.x(block, 0), []
            for number, size in line:
                row.append((number, at + (size + gap) / 2))
                at += size + gap
            placed.append(row)
        return placed

    def side(self, reader: Key) -> tuple[int, bool]:
        """The block whose parameters these are, and whether they are above it."""
        if reader[0] == "out":
            block = self.made.outputs[reader[1]].block
            return (len(self.made.columns) - 1 if block is None else block, True)
        chain = self.made.chains[reader[1]]
        return chain.block, chain.row > 0


def dotted(spot: Spot, step: str) -> Spot:
    """The column that stands for the steps left out has only dots."""
    return Spot("dots", DOTS, spot.x, spot.y) if step == DOTS else spot


def boxed_in(chain: Chain, step: str) -> str:
    """The states of one step; what remembers nothing goes by its name."""
    return boxed(chain.names, step) if chain.names else short(chain.title or "map")


def boxed(names: list[str], step: str) -> str:
    shown = [f"{short(name)}({step})" for name in names[:MOST_NAMES]]
    return "\n".join([*shown, *(["…"] if len(names) > MOST_NAMES else [])])


def wide(text: str) -> float:
    """About how many inches a label takes, with the rim of its node."""
    lines = (
        sum(0.2 if ord(c) > 0x2E80 else 0.1 for c in row) for row in text.split("\n")
    )
    return max(lines) + 0.3


def short(name: str) -> str:
    name = " ".join(name.split())
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def called(leaf: Variable, stem: str) -> str:
    return (leaf.name or stem).rsplit(".", 1)[-1] if leaf.name else stem


def unroll_picture(
    what: object,
    to: str | os.PathLike[str] | None = None,
    *,
    steps: int = 4,
    see: int | None = None,
) -> Picture:
    """The loops that `what` needs, unrolled over time as textbooks draw them.

    A column per step, the first ones and the last: inputs below, states in the middle,
    outputs above, each parameter once with a fine line to every step that reads it. A
    loop that reads another's rows is above it; one that reads its end, or all of it (a
    decoder, one that attends), is to the right.

    Args:
        what: a variable, several, or an object with ``outputs``.
        to: a file to write, as in `draw`.
        steps: how many steps are shown; the last one stands for step T.
        see: a step that is shown, or -1 for the last: what the outputs of this step
            are computed from is stressed, all else is pale.
    Raises: UsageError without a loop, for steps below 2, for a step that is not shown.
    """
    made = unroll(variables_of(what), steps)
    picture = Picture(_dot(Plan(made), _targets(made, see)))
    if to is not None:
        picture.save(to)
    return picture


def _targets(made: Unrolled, see: int | None) -> list[Key] | None:
    """The values of the outputs at step `see`; None where nothing is stressed."""
    if see is None:
        return None
    blocks = [output.block for output in made.outputs if output.block is not None]
    block = blocks[0] if blocks else max(chain.block for chain in made.chains)
    names = made.columns[block]
    column = len(names) - 1 if see == -1 else see - 1
    if not names or not 0 <= column < len(names) or names[column] == DOTS:
        shown = ", ".join(name for name in names if name != DOTS)
        raise UsageError(f"see must be a step that is shown ({shown}); got {see}")
    if blocks:
        return [("out", o.number, 0, column) for o in made.outputs if o.block == block]
    return [
        ("step", c.number, k, column)
        for c in made.chains
        if c.block == block
        for k in range(len(c.ports_of))
    ]


def _dot(plan: Plan, targets: list[Key] | None) -> str:
    seen = None if targets is None else plan.made.seen_from(targets)
    graph = graphviz.Digraph()
    graph.attr("graph", **{**style.GRAPH, **look.UNROLLED})
    graph.attr("node", **style.NODE)
    graph.attr("edge", **style.EDGE)
    for name, spot in plan.spots.items():
        pale = seen is not None and not spot.keys & seen
        more = look.UNSEEN_NODE if pale and spot.kind != "title" else {}
        graph.node(
            name, escape(spot.label), pos=f"{spot.x:.3f},{spot.y:.3f}!",
            **{**look.STEPS[spot.kind], **more}, tooltip=escape(spot.label),
        )  # fmt: skip
    for line in _lines(plan, seen):
        line.draw(graph)
    return str(graph.source)


@dataclass(frozen=True, slots=True)
class Arrow:
    """One line between two drawn nodes, past a bend where it would cross one."""

    source: str
    target: str
    kind: str
    seen: bool | None
    bend: tuple[float, float] | None = None

    def draw(self, graph: graphviz.Digraph) -> None:
        shown = dict(look.LINES[self.kind])
        if self.seen is not None:
            shown |= look.SEEN[self.kind] if self.seen else look.UNSEEN_LINE
        if self.bend is None:
            graph.edge(self.source, self.target, **shown)
            return
        middle = f"{self.source}_{self.target}"
        x, y = self.bend
        graph.node(middle, "", pos=f"{x:.3f},{y:.3f}!", **look.STEPS["bend"])
        graph.edge(self.source, middle, **{**shown, "arrowhead": "none"})
        graph.edge(middle, self.target, **shown)


def _lines(plan: Plan, seen: set[Key] | None) -> list[Arrow]:
    """The lines between drawn nodes, each once; it is seen if one of its edges is."""
    found: dict[tuple[str, str], list[tuple[Key, Key]]] = {}
    for source, target in plan.made.edges:
        if source in plan.homes and target in plan.homes:
            ends = plan.homes[source], plan.homes[target]
            if ends[0] != ends[1]:
                found.setdefault(ends, []).append((source, target))
    arrows = []
    for (start, end), edges in found.items():
        stressed = None if seen is None else any(t in seen for _, t in edges)
        kind = _kind(plan, edges[0])
        bend = _bend(plan, start, end) if kind == "carried" else None
        arrows.append(Arrow(start, end, kind, stressed, bend))
    kinds = list(look.LINES)  # fine lines first: they lie under the others
    return sorted(arrows, key=lambda arrow: -kinds.index(arrow.kind))


def _kind(plan: Plan, edge: tuple[Key, Key]) -> str:
    source, target = edge
    if source[0] == "leaf" and source[3] < 0:
        return "shared"
    if source[0] in ("step", "first") and target[0] == "step":
        if source[1] == target[1]:
            return "carried"
        chains = [plan.made.chains[key[1]] for key in edge]
        if chains[0].block == chains[1].block:
            return "data"
        ends = [c.way > 0 for c in chains]
        last, first = (len(plan.made.columns[c.block]) - 1 for c in chains)
        handed = source[3] == last * ends[0] and target[3] == first * (not ends[1])
        return "carried" if handed and chains[1].starts_from_loop else "memory"
    return "data"


def _bend(plan: Plan, start: str, end: str) -> tuple[float, float] | None:
    """A place above the boxes that lie between two steps of one chain."""
    a, b = plan.spots[start], plan.spots[end]
    if abs(a.x - b.x) < 1.5 * plan.column or start.split("_")[0] != end.split("_")[0]:
        return None
    return (a.x + b.x) / 2, a.y + 0.42
