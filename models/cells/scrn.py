"""The structurally constrained recurrent network: a slow context beside the state."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.join import concatenate
from symseq.ops.nnet import sigmoid
from symseq.ops.products import dot

from .. import init
from ..module import parameter
from .cell import Cell


class SCRNState(NamedTuple):
    """h: the fast hidden state; s: the slow context.

    Shapes: h: float[B, H], s: float[B, C].
    """

    h: Variable
    s: Variable


class SCRN(Cell[SCRNState]):
    """A simple RNN with a context s that is a moving average of projected inputs.

        s_t = (1 - α) x_t B + α s_{t-1}
        h_t = σ(s_t P + x_t A + h_{t-1} R)
        y_t = [h_t; s_t]        so that the next layer computes h_t U + s_t V

    Output: [h_t; s_t]. State: (h_t, s_t).
    Shapes: x_t: float[B, D], h: float[B, H], s: float[B, C], y: float[B, H + C],
        A: float[D, H], B: float[D, C], P: float[C, H], R: float[H, H].
    Raises: UsageError for an α outside of 0 to 1.
    Reference: Mikolov et al. 2015, with their fixed α = 0.95 and no biases.
    """

    def __init__(
        self,
        inputs: int | Dim,
        hidden: int | Dim,
        context: int | Dim,
        *,
        rng: np.random.Generator,
        alpha: float = 0.95,
        initial: init.Initializer = init.TUTORIAL_RECURRENT,
        name: str = "scrn",
    ) -> None:
        if not 0 <= alpha <= 1:
            raise UsageError(f"alpha weighs an average: 0 <= alpha <= 1; got {alpha}")
        self.inputs, self.outputs, self.alpha = inputs, hidden + context, alpha
        self.widths = SCRNState._make((hidden, context))
        self.A = parameter(initial, inputs, hidden, rng=rng, name=f"{name}.A")
        self.B = parameter(initial, inputs, context, rng=rng, name=f"{name}.B")
        self.P = parameter(initial, context, hidden, rng=rng, name=f"{name}.P")
        self.R = parameter(initial, hidden, hidden, rng=rng, name=f"{name}.R")

    def __call__(self, x: Variable, state: SCRNState) -> tuple[Variable, SCRNState]:
        s = (1 - self.alpha) * dot(x, self.B) + self.alpha * state.s
        h = sigmoid(dot(s, self.P) + dot(x, self.A) + dot(state.h, self.R))
        return concatenate([h, s], axis=-1), SCRNState(h, s)
