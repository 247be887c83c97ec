"""How weights lie in arrays: which quantities' rows, which gates' columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symseq.types import Array

from ..cells import (
    GRU,
    LSTM,
    Cell,
    PeepholeLSTM,
    ProjectedLSTM,
    ResetAfterGRU,
    SimpleRNN,
)
from ..module import size

# (quantity, gate) → float[rows, H]. Quantities: W reads x, U reads h, b is the bias, v
# the second bias (beside U), p a peephole, P the projection. Gates: i f o of an LSTM
# and what comes in, g; r z of a GRU and its candidate, h.
Blocks = dict[tuple[str, str], Array]
VECTORS = {"b", "v", "p"}


@dataclass(frozen=True, slots=True)
class Sizes:
    """The lengths of a cell: D inputs, H units, R columns of the h that goes around."""

    inputs: int
    hidden: int
    shown: int

    def rows(self, quantity: str) -> int:
        """How many rows a quantity has."""
        known = {"W": self.inputs, "U": self.shown, "P": self.hidden}
        return known.get(quantity, 1)


@dataclass(frozen=True, slots=True)
class Held:
    """One array: the rows of its quantities on each other, its gates side by side.

    Held("kernel", "WU", "ifog") is [[W_i W_f W_o W_g], [U_i U_f U_o U_g]]. A vector
    alone has one axis; two of them have two. Transposed is a gate's block of rows.
    """

    name: str
    quantities: str
    gates: str
    transposed: bool = False

    def shape(self, sizes: Sizes) -> tuple[int, ...]:
        """Its shape in a cell of these sizes."""
        columns = len(self.gates) * self._width(sizes)
        if self.quantities in VECTORS:
            return (columns,)
        rows = sum(map(sizes.rows, self.quantities))
        return (columns, rows) if self.transposed else (rows, columns)

    def blocks(self, array: Array, sizes: Sizes) -> Blocks:
        """What `array` holds, cut up. Shapes: as `shape` says; float[rows, H] each."""
        matrix = np.atleast_2d(array.T if self.transposed else array)
        width, found, row = self._width(sizes), {}, 0
        for quantity in self.quantities:
            rows = matrix[row : row + sizes.rows(quantity)]
            row += len(rows)
            for k, gate in enumerate(self.gates):
                found[quantity, gate] = rows[:, k * width : (k + 1) * width]
        return found

    def array(self, blocks: Mapping[tuple[str, str], Array]) -> Array:
        """An array of its own with these blocks."""
        whole = np.block(
            [[blocks[q, gate] for gate in self.gates] for q in self.quantities]
        )
        if self.quantities in VECTORS:
            return whole.reshape(-1)
        return np.array(whole.T if self.transposed else whole, order="C")

    def _width(self, sizes: Sizes) -> int:
        return sizes.shown if self.quantities == "P" else sizes.hidden


Layout = tuple[Held, ...]


def joined(gates: str) -> Layout:
    """W, U and b, each with all gates."""
    return tuple(Held(name, name, gates) for name in "WUb")


# By the names of the cells' attributes.
OURS: dict[type[Cell[Any]], Layout] = {
    SimpleRNN: joined("h"),
    LSTM: joined("ifog"),
    ProjectedLSTM: (*joined("ifog"), Held("P", "P", "h")),
    PeepholeLSTM: (*joined("ifog"), Held("p", "p", "ifo")),
    GRU: (
        Held("W", "W", "rzh"), Held("U", "U", "rz"), Held("U_h", "U", "h"),
        Held("b", "b", "rzh"),
    ),
    ResetAfterGRU: (*joined("rzh"), Held("b_u", "v", "h")),
}  # fmt: skip


def sizes_of(cell: Cell[Any]) -> Sizes:
    """The lengths of one of the cells of `OURS`."""
    *_, hidden = cell.widths  # (h,), or (h, c) where only c has H columns for sure
    return Sizes(size(cell.inputs), size(hidden), size(cell.outputs))
