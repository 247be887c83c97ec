"""The gated recurrent unit in both forms: reset before or after the product."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.math import tanh
from symseq.ops.nnet import sigmoid
from symseq.ops.products import dot

from .. import init
from ..module import parameter, size
from .cell import Cell, Hidden, blocks, named


class GRUGates(NamedTuple):
    """What resets (r) and what keeps (z), each in (0, 1), and what comes in: h̃.

    Shapes: each float[..., H].
    """

    r: Variable
    z: Variable
    candidate: Variable


class GRU(Cell[Hidden]):
    """The GRU as published: h_{t-1} is reset before the product with U.

        r = σ(x_t W_r + h_{t-1} U_r + b_r)                  (5)
        z = σ(x_t W_z + h_{t-1} U_z + b_z)                  (6)
        h̃ = tanh(x_t W_h + (r ⊙ h_{t-1}) U_h + b_h)         (8)
        h_t = z ⊙ h_{t-1} + (1 - z) ⊙ h̃                     (7)

    Output: h_t. State: (h_t).
    Shapes: x_t: float[B, D], h: float[B, H], W = [W_r W_z W_h]: float[D, 3H],
        U = [U_r U_z]: float[H, 2H], U_h: float[H, H], b = [b_r b_z b_h]: float[3H].
    Reference: Cho et al. 2014 (arXiv version 3), equations 5-8, which have no biases.
    """

    def __init__(
        self,
        inputs: int | Dim,
        hidden: int | Dim,
        *,
        rng: np.random.Generator,
        initial: init.Initializer = init.TUTORIAL_RECURRENT,
        name: str = "gru",
    ) -> None:
        size(hidden)  # or an error, before it is multiplied
        three, two = init.joined(initial, 3), init.joined(initial, 2)
        self.inputs, self.outputs = inputs, hidden
        self.widths = Hidden._make((hidden,))
        self.W = parameter(three, inputs, 3 * hidden, rng=rng, name=f"{name}.W")
        self.U = parameter(two, hidden, 2 * hidden, rng=rng, name=f"{name}.U")
        self.U_h = parameter(initial, hidden, hidden, rng=rng, name=f"{name}.U_h")
        self.b = parameter(init.zeros, 3 * hidden, rng=rng, name=f"{name}.b")

    def __call__(self, x: Variable, state: Hidden) -> tuple[Variable, Hidden]:
        x_r, x_z, x_h = blocks(dot(x, self.W) + self.b, self.outputs, 3)
        h_r, h_z = blocks(dot(state.h, self.U), self.outputs, 2)
        r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        candidate = tanh(x_h + dot(r * state.h, self.U_h))
        named(GRUGates(r, z, candidate))
        h = z * state.h + (1 - z) * candidate
        return h, Hidden(h)


class ResetAfterGRU(Cell[Hidden]):
    """The GRU of cuDNN and PyTorch: one product for all, its part of h̃ reset after.

        r = σ(x_t W_r + h_{t-1} U_r + b_r)
        z = σ(x_t W_z + h_{t-1} U_z + b_z)
        h̃ = tanh(x_t W_h + b_h + r ⊙ (h_{t-1} U_h + b_u))
        h_t = z ⊙ h_{t-1} + (1 - z) ⊙ h̃

    Output: h_t. State: (h_t).
    Shapes: x_t: float[B, D], h: float[B, H], W = [W_r W_z W_h]: float[D, 3H],
        U = [U_r U_z U_h]: float[H, 3H], b = [b_r b_z b_h]: float[3H], b_u: float[H],
        the second bias, of which PyTorch has three parts and two say nothing new.
    Reference: Cho et al. 2014, arXiv version 1, the earlier form; cuDNN's and PyTorch's
        documentation.
    """

    def __init__(
        self,
        inputs: int | Dim,
        hidden: int | Dim,
        *,
        rng: np.random.Generator,
        initial: init.Initializer = init.TUTORIAL_RECURRENT,
        name: str = "gru",
    ) -> None:
        size(hidden)  # or an error, before it is multiplied
        three = init.joined(initial, 3)
        self.inputs, self.outputs = inputs, hidden
        self.widths = Hidden._make((hidden,))
        self.W = parameter(three, inputs, 3 * hidden, rng=rng, name=f"{name}.W")
        self.U = parameter(three, hidden, 3 * hidden, rng=rng, name=f"{name}.U")
        self.b = parameter(init.zeros, 3 * hidden, rng=rng, name=f"{name}.b")
        self.b_u = parameter(init.zeros, hidden, rng=rng, name=f"{name}.b_u")

    def __call__(self, x: Variable, state: Hidden) -> tuple[Variable, Hidden]:
        x_r, x_z, x_h = blocks(dot(x, self.W) + self.b, self.outputs, 3)
        h_r, h_z, h_h = blocks(dot(state.h, self.U), self.outputs, 3)
        r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        candidate = tanh(x_h + r * (h_h + self.b_u))
        named(GRUGates(r, z, candidate))
        h = z * state.h + (1 - z) * candidate
        return h, Hidden(h)
