"""The minimal gated unit: one gate."""

from __future__ import annotations

import numpy as np

from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.math import tanh
from symseq.ops.nnet import sigmoid
from symseq.ops.products import dot

from .. import init
from ..module import parameter, size
from .cell import Cell, Hidden, blocks


class MGU(Cell[Hidden]):
    """A GRU whose one gate f both resets and updates.

        f = σ(x_t W_f + h_{t-1} U_f + b_f)
        h̃ = tanh(x_t W_h + (f ⊙ h_{t-1}) U_h + b_h)
        h_t = (1 - f) ⊙ h_{t-1} + f ⊙ h̃

    Output: h_t. State: (h_t).
    Shapes: x_t: float[B, D], h: float[B, H], W = [W_f W_h]: float[D, 2H],
        U_f, U_h: float[H, H], b = [b_f b_h]: float[2H].
    Reference: Zhou, Wu, Zhang and Zhou 2016, "minimal gated unit" (W there acts on
        [h_{t-1}, x_t] joined).
    """

    def __init__(
        self,
        inputs: int | Dim,
        hidden: int | Dim,
        *,
        rng: np.random.Generator,
        initial: init.Initializer = init.TUTORIAL_RECURRENT,
        name: str = "mgu",
    ) -> None:
        size(hidden)  # or an error, before it is multiplied
        two = init.joined(initial, 2)
        self.inputs, self.outputs = inputs, hidden
        self.widths = Hidden._make((hidden,))
        self.W = parameter(two, inputs, 2 * hidden, rng=rng, name=f"{name}.W")
        self.U_f = parameter(initial, hidden, hidden, rng=rng, name=f"{name}.U_f")
        self.U_h = parameter(initial, hidden, hidden, rng=rng, name=f"{name}.U_h")
        self.b = parameter(init.zeros, 2 * hidden, rng=rng, name=f"{name}.b")

    def __call__(self, x: Variable, state: Hidden) -> tuple[Variable, Hidden]:
        x_f, x_h = blocks(dot(x, self.W) + self.b, self.outputs, 2)
        f = sigmoid(x_f + dot(state.h, self.U_f))
        candidate = tanh(x_h + dot(f * state.h, self.U_h))
        h = (1 - f) * state.h + f * candidate
        return h, Hidden(h)
