"""The layer-normalised LSTM: both products and the memory are normalised."""

from __future__ import annotations

import numpy as np

from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.math import tanh
from symseq.ops.nnet import sigmoid
from symseq.ops.products import dot

from .. import init
from ..layers import LayerNorm
from .cell import blocks
from .lstm import LSTM, LSTMGates, LSTMState


class LayerNormLSTM(LSTM):
    """An LSTM with LN(z; α, β) = α ⊙ (z - μ) / σ + β over the columns of its sums.

        [i f o g] = LN(x_t W; α₂, β₂) + LN(h_{t-1} U; α₁, β₁) + b
        c_t = σ(f) ⊙ c_{t-1} + σ(i) ⊙ tanh(g)
        h_t = σ(o) ⊙ tanh(LN(c_t; α₃, β₃))

    μ and σ are those of all 4H columns together, as in the paper.
    Output: h_t. State: (h_t, c_t), with c_t as it was before LN.
    Shapes: as `LSTM`; α₁, β₁, α₂, β₂: float[4H], α₃, β₃: float[H].
    Reference: Ba, Kiros and Hinton 2016, supplement, the layer normalised LSTM.
    """

    def __init__(
        self,
        inputs: int | Dim,
        hidden: int | Dim,
        *,
        rng: np.random.Generator,
        initial: init.Initializer = init.TUTORIAL_RECURRENT,
        forget_bias: float = 0.0,
        name: str = "lstm",
    ) -> None:
        super().__init__(
            inputs, hidden,
            rng=rng, initial=initial, forget_bias=forget_bias, name=name,
        )  # fmt: skip
        self.norm_h = LayerNorm(4 * hidden, rng=rng, name=f"{name}.norm_h")
        self.norm_x = LayerNorm(4 * hidden, rng=rng, name=f"{name}.norm_x")
        self.norm_c = LayerNorm(hidden, rng=rng, name=f"{name}.norm_c")

    def gates(self, x: Variable, state: LSTMState) -> LSTMGates:
        of_x, of_h = self.norm_x(dot(x, self.W)), self.norm_h(dot(state.h, self.U))
        i, f, o, g = blocks(of_x + of_h + self.b, self.hidden, 4)
        return LSTMGates(sigmoid(i), sigmoid(f), sigmoid(o), tanh(g))

    def __call__(self, x: Variable, state: LSTMState) -> tuple[Variable, LSTMState]:
        i, f, o, g = self.gates(x, state)
        c = f * state.c + i * g
        h = o * tanh(self.norm_c(c))
        return h, LSTMState(h, c)
