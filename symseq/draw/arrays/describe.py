"""From one node of a graph to the step that is drawn of it: operands → results."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from symseq.draw.arrays.moves import Picked, moved, taken, with_cells
from symseq.draw.arrays.named import Called
from symseq.draw.arrays.panel import (
    GAP,
    NORMED,
    PALETTE,
    SUMMED,
    Cell,
    Mark,
    Panel,
    Side,
    Step,
)
from symseq.draw.arrays.parts import kept_part, written
from symseq.draw.arrays.sizes import UNKNOWN, Sizes, length_text
from symseq.draw.arrays.trace import (
    HOLES,
    Leaf,
    Letter,
    Line,
    has_product,
    is_same,
    stretched,
)
from symseq.draw.arrays.values import Values
from symseq.graph import Apply, Constant, SharedVariable, Variable
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.join import Join, Split
from symseq.ops.reshape import Reshape
from symseq.ops.softmax import Normalized
from symseq.ops.subtensor import IncSubtensor, Subtensor
from symseq.ops.take import Take
from symseq.printing.formula import Term

HOLE = re.compile(f"([{chr(HOLES)}-{chr(HOLES + 0x18FF)}])")
SIGN = re.compile("(⊙)")
SIGNS = {" * ": " ⊙ ", " - ": " − "}
MOST_PICKED = len(PALETTE)  # a colour each


@dataclass
class Describer:
    """Makes steps; knows names, sizes, values, and what is folded into other lines."""

    sizes: Sizes
    values: Values
    called: Called
    folded: set[int] = field(default_factory=set)
    slices: dict[int, list[Apply]] = field(default_factory=dict)
    pieces: dict[int, str] = field(default_factory=dict)  # what a slice is used as
    outputs: set[int] = field(default_factory=set)
    # Of a body's inputs: their kinds, and what is written in place of some.
    inner: dict[int, str] = field(default_factory=dict)
    texts: dict[int, Term] = field(default_factory=dict)

    def describe(self, node: Apply, depth: int) -> tuple[Step, list[Variable]]:
        """The step of a node, and the arrays that it reads."""
        for kind, rule in RULES.items():
            if isinstance(node.op, kind):
                made = rule(self, node)
                if made is not None:
                    break
        else:
            made = self.formula(node)
        step, read = made
        span = node.spans[0]
        return replace(step, line=span.text, place=str(span), depth=depth), read

    # What every array looks like.

    def kind(self, variable: Variable) -> str:
        if id(variable) in self.inner:
            return self.inner[id(variable)]
        if isinstance(variable, SharedVariable):
            return "shared"
        if isinstance(variable, Constant):
            return "constant"
        if variable.owner is None:
            return "input"
        return "result" if id(variable) in self.outputs else "op"

    def panel(self, variable: Variable, sides: Sequence[Side] = ()) -> Panel:
        made = tuple(sides) or self.sides(variable)
        name = self.called.name(variable)
        tip = f"{name}: {variable.type}"
        return Panel(name, tip, self.kind(variable), made)

    def sides(self, variable: Variable) -> tuple[Side, ...]:
        pairs = zip(variable.type.shape, self.sizes.shape(variable), strict=True)
        return tuple(
            Side(length_text(length), UNKNOWN if size is None else size)
            for length, size in pairs
        )

    # Products, sums, elementwise ops: a formula of arrays.

    def formula(self, node: Apply) -> tuple[Step, list[Variable]]:
        line = Line(self.folded, self.texts)
        term, letters = line.read(node)
        panels = [self.leaf(leaf, bool(line.sums)) for leaf in line.leaves]
        pieces: list[str | Panel] = []
        for part in HOLE.split(_signs(term.text)):
            if HOLE.fullmatch(part):
                pieces.append(panels[ord(part) - HOLES])
            else:
                pieces += [sign.strip() for sign in SIGN.split(part) if sign.strip()]
        if not panels:
            pieces = []  # a value made of lengths alone: its formula is its name
        results = [self.panel(v) for v in node.outputs]
        if line.sums and results[0].sides:
            cell = tuple((0, 1) for _ in letters)
            results[0] = replace(results[0], marks=(Mark(cell, SUMMED[0]),))
        note = self.sum_note(line.leaves)
        step = Step(tuple(pieces), tuple(results), note=note, colour=SUMMED[0])
        return step, [leaf.variable for leaf in line.leaves]

    def leaf(self, leaf: Leaf, sums: bool) -> Panel:
        """An array of a formula, its summed axes coloured, its stretched ones faint."""
        sides = [
            replace(side, colour=_colour(letter))
            for side, letter in zip(self.leaf_sides(leaf), leaf.own, strict=True)
        ]
        panel = self.panel(leaf.variable, sides)
        repeated = stretched(leaf)
        if any(repeated) and leaf.own:
            panel = replace(panel, sides=self.ghosts(leaf, repeated))
        colours = [side.colour for side in panel.sides if side.colour]
        if colours and sums:
            ranges = tuple((0, s.size if s.colour else 1) for s in panel.sides)
            panel = replace(panel, marks=(Mark(ranges, colours[0]),))
        return replace(panel, upright=leaf.upright)

    def leaf_sides(self, leaf: Leaf) -> list[Side]:
        """The sides of an array; one not known is as long as what it meets."""
        sides = []
        for side, letter in zip(self.sides(leaf.variable), leaf.own, strict=True):
            met = self.sizes.number(letter.length) if side.text == "?" else None
            sides.append(side if met is None else replace(side, size=met))
        return sides

    def ghosts(self, leaf: Leaf, repeated: Sequence[bool]) -> tuple[Side, ...]:
        """The sides of the array that a leaf is stretched to."""
        own = dict(zip(leaf.own, self.sides(leaf.variable), strict=True))
        sides = []
        for letter, is_repeated in zip(leaf.frame, repeated, strict=True):
            size = self.sizes.number(letter.length)
            side = Side(length_text(letter.length), UNKNOWN if size is None else size)
            side = replace(own.get(letter, side), colour=_colour(letter))
            if is_repeated:
                side = replace(side, size=UNKNOWN if size is None else size, ghost=True)
            sides.append(side)
        while len(sides) > 3 and sides[0].ghost:
            sides.pop(0)
        return tuple(sides)

    def sum_note(self, leaves: Sequence[Leaf]) -> str:
        """'summed over D' for the axes that the line takes away."""
        found: dict[Letter, str] = {}
        for leaf in leaves:
            for letter, length in zip(leaf.own, leaf.variable.type.shape, strict=True):
                known = found.get(letter, "?")
                if letter.summed is not None and (known == "?" or known.isdigit()):
                    text = length_text(length)
                    found[letter] = known if text == "?" else text
        names = dict.fromkeys(found.values())
        are = "are" if len(names) > 1 else "is"
        return f"{' and '.join(names)} {are} summed over" if names else ""

    # Moves of elements.

    def move(self, node: Apply) -> tuple[Step, list[Variable]] | None:
        """Reshape and transposes: numbered cells, coloured by row."""
        (x, *_), (y,) = node.inputs, node.outputs
        source, result = self.panel(x), self.panel(y)
        found = moved(node, self.sizes, self.values)
        if found is not None:
            source, result = with_cells(source, found[0]), with_cells(result, found[1])
        name, note = self.move_text(node)
        return Step((f"{name}(", source, ")"), (result,), note=note), [x]

    def move_text(self, node: Apply) -> tuple[str, str]:
        x, y = (self.shape_text(v) for v in (node.inputs[0], node.outputs[0]))
        if isinstance(node.op, DimShuffle):
            return "transpose", f"axes change places: {x} → {y}"
        rank, other = node.inputs[0].ndim, node.outputs[0].ndim
        name = "flatten" if other == 1 and rank > 1 else "reshape"
        return name, f"the same elements in the same order: {x} → {y}"

    def shape_text(self, variable: Variable) -> str:
        return f"[{', '.join(map(length_text, variable.type.shape))}]"

    def product_view(self, node: Apply) -> tuple[Step, list[Variable]] | None:
        """A reshape: of a product of higher rank it is the product's last step."""
        inner = node.inputs[0].owner
        if inner is not None and id(inner) in self.folded and has_product(node):
            return self.formula(node)
        return self.move(node)

    def view(self, node: Apply) -> tuple[Step, list[Variable]] | None:
        """A transpose; what only inserts axes is a formula like any other."""
        assert isinstance(node.op, DimShuffle)
        kept = [axis for axis in node.op.order if axis != "x"]
        return None if kept == sorted(kept) else self.move(node)

    def take(self, node: Apply) -> tuple[Step, list[Variable]] | None:
        """Rows by number: each its colour in the indices, the table, the result."""
        assert isinstance(node.op, Take)
        (x, ids), (y,), axis = node.inputs, node.outputs, node.op.axis
        shape = tuple(UNKNOWN if n is None else n for n in self.sizes.shape(ids))
        rows = self.sizes.shape(x)[axis]
        found = self.values.of(_source(ids))
        value = found if found is not None and found.shape == shape else None
        cells, named = taken(value, shape, rows)
        numbers = with_cells(self.panel(ids), cells)
        table = self.panel(x)
        named = sorted(named[:MOST_PICKED])
        if rows is not None and named and named[-1] < rows:
            colours = {c.text: c.colour for c in cells.cells.values()}
            colours |= {str(int(n) % rows): c for n, c in colours.items() if rows}
            table = _with_rows(table, axis, named, rows, colours)
        result = self.panel(y)
        lead: tuple[tuple[int, ...], ...] = ((),) * axis
        blank = {key: Cell(cell.colour) for key, cell in cells.cells.items()}
        result = with_cells(result, Picked((*lead, *cells.shown), blank))
        names = f"{self.called.name(x)} by number"
        note = f"rows of {names}" if axis == 0 else f"axis {axis} of {names}"
        return Step((table, "[", numbers, "]"), (result,), note=note), [x, ids]

    def join(self, node: Apply) -> tuple[Step, list[Variable]] | None:
        """Arrays end to end: a colour each, in the whole too."""
        assert isinstance(node.op, Join)
        axis = node.op.axis
        inputs = [_source(x) for x in node.inputs]
        whole, marks = self.ends(node.outputs[0], inputs, axis)
        pieces: list[str | Panel] = ["["]
        for k, x in enumerate(inputs):
            pieces += [" ¦ "] if k else []
            panel = self.panel(x)
            full = tuple((0, side.size) for side in panel.sides)
            pieces.append(replace(panel, marks=(Mark(full, _pale(k)),)))
        note = f"end to end along axis {axis}"
        result = replace(whole, marks=marks)
        return Step((*pieces, "]"), (result,), note=note), list(inputs)

    def ends(
        self, whole: Variable, parts: Sequence[Variable], axis: int
    ) -> tuple[Panel, tuple[Mark, ...]]:
        """A box and the marks of the parts that lie in it end to end."""
        panel, start, marks = self.panel(whole), 0, []
        sizes = [self.sides(part)[axis].size for part in parts]
        sides = list(panel.sides)
        if sides[axis].size < sum(sizes):  # a length without a name: room for all
            sides[axis] = replace(sides[axis], size=sum(sizes))
            panel = replace(panel, sides=type(panel.sides)(sides))
        for k, (part, size) in enumerate(zip(parts, sizes, strict=True)):
            ranges = [(0, side.size) for side in panel.sides]
            ranges[axis] = (start, min(start + size, panel.sides[axis].size))
            start += size
            marks.append(Mark(tuple(ranges), _pale(k), self.called.name(part)))
        return panel, tuple(marks)

    def split(self, node: Apply) -> tuple[Step, list[Variable]] | None:
        """An array cut into parts: a colour each."""
        assert isinstance(node.op, Split)
        x, axis = node.inputs[0], node.op.axis
        whole, marks = self.ends(x, node.outputs, axis)
        parts = [
            replace(p, marks=(Mark(tuple((0, s.size) for s in p.sides), _pale(k)),))
            for k, p in enumerate(map(self.panel, node.outputs))
        ]
        return Step((replace(whole, marks=marks),), tuple(parts)), [x]

    def normalized(self, node: Apply) -> tuple[Step, list[Variable]] | None:
        """softmax: the axis along which a sum is 1."""
        assert isinstance(node.op, Normalized)
        axis = node.op.axis
        x, y = _source(node.inputs[0]), node.outputs[0]
        panels = []
        for v in (x, y):
            sides = [
                replace(side, colour=NORMED if k == axis else "")
                for k, side in enumerate(self.sides(v))
            ]
            ranges = tuple((0, s.size if s.colour else 1) for s in sides)
            panels.append(replace(self.panel(v, sides), marks=(Mark(ranges, NORMED),)))
        name = node.op.name.replace("_", " ")
        over = length_text(y.type.shape[axis])
        note = f"normalized along {over}"
        step = Step(
            (f"{name}(", panels[0], ")"), (panels[1],), note=note, colour=NORMED
        )
        return step, [x]


Rule = Callable[[Describer, Apply], "tuple[Step, list[Variable]] | None"]
RULES: dict[type, Rule] = {
    Reshape: Describer.product_view,
    DimShuffle: Describer.view,
    Take: Describer.take,
    Subtensor: kept_part,
    IncSubtensor: written,
    Join: Describer.join,
    Split: Describer.split,
    Normalized: Describer.normalized,
}


def _signs(text: str) -> str:
    for sign, shown in SIGNS.items():
        text = text.replace(sign, shown)
    return text


def _colour(letter: Letter) -> str:
    return "" if letter.summed is None else SUMMED[letter.summed % len(SUMMED)]


def _pale(k: int) -> str:
    return PALETTE[k % len(PALETTE)]


def _source(x: Variable) -> Variable:
    while not x.name and is_same(x.owner):
        assert x.owner is not None
        x = x.owner.inputs[0]
    return x


def _with_rows(
    panel: Panel, axis: int, named: list[int], size: int, colours: dict[str, str]
) -> Panel:
    """A table of which only some rows are drawn, with their numbers."""
    shown: list[int] = []
    for row in named:
        if row > (shown[-1] + 1 if shown else 0):
            shown.append(GAP)
        shown.append(row)
    if named[-1] < size - 1:
        shown.append(GAP)
    cells: dict[tuple[int, ...], Cell] = {
        (k,): Cell(colours.get(str(row), "#FFFFFF"))
        for k, row in enumerate(shown)
        if row != GAP
    }
    sides = list(panel.sides)
    sides[axis] = replace(sides[axis], shown=tuple(shown), ticks=True)
    return replace(panel, sides=tuple(sides), cells=cells)
