"""The multiplicative LSTM: each input has a recurrent matrix of its own."""

from __future__ import annotations

import numpy as np

from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.products import dot

from .. import init
from ..module import parameter
from .lstm import LSTM, LSTMGates, LSTMState


class MultiplicativeLSTM(LSTM):
    """mLSTM: an LSTM whose gates read m_t in place of h_{t-1}.

        m_t = (x_t W_m) ⊙ (h_{t-1} U_m)
        [i f o g] = x_t W + m_t U + b           i, f, o = σ(·), g = tanh(g)
        c_t = f ⊙ c_{t-1} + i ⊙ g
        h_t = o ⊙ tanh(c_t)

    Output: h_t. State: (h_t, c_t).
    Shapes: x_t: float[B, D], h, c, m: float[B, H], W_m: float[D, H], U_m: float[H, H],
        W: float[D, 4H], U: float[H, 4H], b: float[4H].
    Reference: Krause, Lu, Murray and Renals 2016 (W_m is W_mx, U_m is W_mh, U joins
        W_hm, W_im, W_fm and W_om; g is tanh of their ĥ).
    """

    def __init__(
        self,
        inputs: int | Dim,
        hidden: int | Dim,
        *,
        rng: np.random.Generator,
        initial: init.Initializer = init.TUTORIAL_RECURRENT,
        forget_bias: float = 0.0,
        name: str = "mlstm",
    ) -> None:
        super().__init__(
            inputs, hidden,
            rng=rng, initial=initial, forget_bias=forget_bias, name=name,
        )  # fmt: skip
        self.W_m = parameter(initial, inputs, hidden, rng=rng, name=f"{name}.W_m")
        self.U_m = parameter(initial, hidden, hidden, rng=rng, name=f"{name}.U_m")

    def gates(self, x: Variable, state: LSTMState) -> LSTMGates:
        m = dot(x, self.W_m) * dot(state.h, self.U_m)
        return super().gates(x, LSTMState(m, state.c))
