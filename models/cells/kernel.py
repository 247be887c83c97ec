"""One joined kernel for all that a cell sums: [a_1 ... a_n] = x_t W + h_{t-1} U + b."""

from __future__ import annotations

import numpy as np

from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.products import dot

from .. import init
from ..module import parameter, size
from .cell import Cell, State, blocks


class Kernel(Cell[State]):
    """A cell whose `count` sums come from one joined kernel, H columns each.

        [a_1 ... a_n] = x_t W + h_{t-1} U + b

    Shapes: x_t: float[..., D], h: float[..., P], a_k: float[..., H], W: float[D, nH],
        U: float[P, nH], b: float[nH]. P is H, but where h is projected.
    """

    def __init__(
        self,
        inputs: int | Dim,
        hidden: int | Dim,
        count: int,
        *,
        rng: np.random.Generator,
        initial: init.Initializer,
        name: str,
        shown: int | Dim | None = None,
    ) -> None:
        size(hidden)  # or an error, before it is multiplied
        self.inputs, self.hidden, self.summed = inputs, hidden, count
        self.outputs = hidden if shown is None else shown
        columns, each = count * hidden, init.joined(initial, count)
        self.W = parameter(each, inputs, columns, rng=rng, name=f"{name}.W")
        self.U = parameter(each, self.outputs, columns, rng=rng, name=f"{name}.U")
        self.b = parameter(init.zeros, columns, rng=rng, name=f"{name}.b")

    def joined(self, x: Variable, h: Variable) -> Variable:
        """x W + h U + b. Shapes: float[..., nH]."""
        total: Variable = dot(x, self.W) + dot(h, self.U) + self.b
        return total

    def sums(self, x: Variable, h: Variable) -> list[Variable]:
        """The same, cut into its parts. Shapes: n times float[..., H]."""
        return blocks(self.joined(x, h), self.hidden, self.summed)
