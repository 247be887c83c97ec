"""Where elements go: an op that only moves them is run on the elements' own numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from symseq.draw.arrays.panel import GAP, PALETTE, Cell, Panel, shown_elements
from symseq.draw.arrays.sizes import Sizes
from symseq.draw.arrays.values import Values
from symseq.errors import SymseqError
from symseq.graph import Apply, Variable, known_length
from symseq.types import Array

MOST_MOVED = 100_000
# How many elements of an axis are drawn one by one: of a vector, of other arrays.
MOST_SHOWN = (12, 5)

Shown = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Picked:
    """The elements of one array that are drawn: along which axes, how they look."""

    shown: Shown  # per axis; empty for one drawn whole
    cells: dict[tuple[int, ...], Cell]


def numbers(node: Apply, sizes: Sizes, values: Values) -> tuple[Array, Array] | None:
    """The numbers of the first input's elements, before and after a move.

    None where a length is not known, or there are too many elements.
    """
    x, *scalars = node.inputs
    shape = sizes.shape(x)
    if any(n is None for n in shape) or 0 in shape:
        return None
    count = int(np.prod([n or 0 for n in shape], dtype=np.int64))
    given = [_scalar(v, sizes, values) for v in scalars]
    if count > MOST_MOVED or any(g is None for g in given):
        return None
    before = np.arange(count).reshape([n or 0 for n in shape])
    try:
        (after,) = node.op.numpy(before, *[np.asarray(g) for g in given])
    except (SymseqError, ValueError, IndexError):
        return None  # stand-ins for lengths that do not fit each other
    return before, after


def _scalar(variable: Variable, sizes: Sizes, values: Values) -> Array | None:
    length = known_length(variable)
    if length is not None:
        return np.asarray(sizes.number(length))
    return values.of(variable)


def moved(node: Apply, sizes: Sizes, values: Values) -> tuple[Picked, Picked] | None:
    """Which cells to draw of a move's input and output, in equal colours.

    The axes at the end that move as one are drawn whole.
    """
    found = numbers(node, sizes, values)
    if found is None:
        return None
    before, after = found
    rigid = _rigid(before, after)
    b, a = _fronts(before, rigid), _fronts(after, rigid)
    size = before.size // b.size
    b, a = b // size, a // size
    # Coloured by rows of the one with rows.
    rows = b if b.ndim > 1 or a.ndim < 2 else a
    per_row = rows.size // rows.shape[0] if rows.ndim else 1
    row_of = {int(n): k // per_row for k, n in enumerate(rows.ravel())}
    return _cells(b, row_of, rigid), _cells(a, row_of, rigid)


def _rigid(before: Array, after: Array) -> int:
    """How many axes at the end move together: at most all but one of either's."""
    most = min(before.ndim, after.ndim) - 1
    rigid = 0
    while rigid < most and before.shape[-rigid - 1] == after.shape[-rigid - 1]:
        block = int(np.prod(before.shape[before.ndim - rigid - 1 :], dtype=np.int64))
        flat = after.reshape(-1, block)
        if not np.array_equal(
            flat - flat[:, :1], np.tile(np.arange(block), (len(flat), 1))
        ):
            break
        rigid += 1
    return rigid


def _fronts(x: Array, rigid: int) -> Array:
    """The first number of each block that moves as one."""
    blocks: Array = x.reshape(*x.shape[: x.ndim - rigid], -1)
    return blocks[..., 0] if rigid else x


def _cells(x: Array, row_of: dict[int, int], rigid: int) -> Picked:
    most = MOST_SHOWN[x.ndim > 1]
    shown = tuple(shown_elements(n, most) for n in x.shape)
    cells = {}
    for key in np.ndindex(*(len(s) for s in shown)):
        place = tuple(s[k] for s, k in zip(shown, key, strict=True))
        if GAP not in place:
            number = int(x[place])
            colour = PALETTE[row_of.get(number, 0) % len(PALETTE)]
            cells[key] = Cell(colour, str(number))
    return Picked((*shown, *[()] * rigid), cells)


def taken(
    ids: Array | None, shape: Sequence[int], rows: int | None
) -> tuple[Picked, list[int]]:
    """How indices look, a colour per row that they name, and the rows they name.

    Unknown ones have no numbers, and a colour per place.
    """
    most = MOST_SHOWN[len(shape) > 1]
    shown = tuple(shown_elements(n, most) for n in shape)
    cells: dict[tuple[int, ...], Cell] = {}
    named: list[int] = []
    for key in np.ndindex(*(len(s) for s in shown)):
        place = tuple(s[k] for s, k in zip(shown, key, strict=True))
        if GAP in place:
            continue
        if ids is None:
            cells[key] = Cell(PALETTE[len(cells) % len(PALETTE)])
            continue
        number = int(ids[place])
        row = number + (rows or 0) if number < 0 else number
        if row not in named:
            named.append(row)
        # Of more rows than there are colours, the later ones stay white.
        colour = (*PALETTE, "#FFFFFF")[min(named.index(row), len(PALETTE))]
        cells[key] = Cell(colour, str(number))
    return Picked(shown, cells), named


def with_cells(panel: Panel, picked: Picked) -> Panel:
    """A panel whose elements are drawn one by one."""
    shown = (*picked.shown, *[()] * (len(panel.sides) - len(picked.shown)))
    pairs = zip(panel.sides, shown, strict=True)
    sides = tuple(replace(side, shown=s) for side, s in pairs)
    return replace(panel, sides=sides, cells=picked.cells)
