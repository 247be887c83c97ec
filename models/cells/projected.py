"""The LSTM with a projection: much memory, and a narrow h that goes around."""

from __future__ import annotations

import numpy as np

from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.products import dot

from .. import init
from ..module import parameter
from .lstm import LSTM, LSTMState


class ProjectedLSTM(LSTM):
    """An LSTM that shows r = m P, of `projection` columns, instead of m itself.

        [i f o g] = x_t W + r_{t-1} U + b       (7), (8), (10)
        c_t = f ⊙ c_{t-1} + i ⊙ g               (9)
        m_t = o ⊙ tanh(c_t)                     (11)
        r_t = m_t P                             (12)

    Output: r_t. State: (h = r_t, c_t).
    Shapes: x_t: float[B, D], r: float[B, R], c, m: float[B, H], W: float[D, 4H],
        U: float[R, 4H], b: float[4H], P: float[H, R].
    Reference: Sak, Senior and Beaufays 2014, equations 7-12 (P is W_rm), without their
        peepholes and without the projection p_t that does not go around.
    """

    def __init__(
        self,
        inputs: int | Dim,
        hidden: int | Dim,
        projection: int | Dim,
        *,
        rng: np.random.Generator,
        initial: init.Initializer = init.TUTORIAL_RECURRENT,
        forget_bias: float = 0.0,
        name: str = "lstm",
    ) -> None:
        super().__init__(
            inputs, hidden, shown=projection,
            rng=rng, initial=initial, forget_bias=forget_bias, name=name,
        )  # fmt: skip
        self.P = parameter(initial, hidden, projection, rng=rng, name=f"{name}.P")

    def __call__(self, x: Variable, state: LSTMState) -> tuple[Variable, LSTMState]:
        m, new = super().__call__(x, state)
        r: Variable = dot(m, self.P)
        return r, LSTMState(r, new.c)
