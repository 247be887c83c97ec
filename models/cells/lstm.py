"""The LSTM, step by step: carousel, forget gate, peepholes, coupling, projection."""

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
from .cell import Cell, blocks


class LSTMState(NamedTuple):
    """h: what the cell shows (its output, too); c: what it remembers."""

    h: Variable
    c: Variable


class LSTM(Cell[LSTMState]):
    """The LSTM of the Theano tutorial, one product for its four gates.

        [i f o g] = x_t W + h_{t-1} U + b       i, f, o = σ(·), g = tanh(g)
        c_t = f ⊙ c_{t-1} + i ⊙ g
        h_t = o ⊙ tanh(c_t)

    Shapes: x_t: float[B, D], h, c: float[B, H], W: float[D, 4H], U: float[H, 4H],
        b: float[4H].
    Reference: Gers, Schmidhuber and Cummins 2000 (the forget gate), without peepholes;
        deeplearning.net tutorial "LSTM Networks for Sentiment Analysis", equations 1-6.
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
        gates = init.joined(initial, 4)
        self.outputs = hidden
        self.widths = LSTMState._make((hidden, hidden))
        self.W = parameter(gates, inputs, 4 * hidden, rng=rng, name=f"{name}.W")
        self.U = parameter(gates, hidden, 4 * hidden, rng=rng, name=f"{name}.U")
        self.b = parameter(init.zeros, 4 * hidden, rng=rng, name=f"{name}.b")
        H = size(hidden)
        self.b.storage[H : 2 * H] = forget_bias

    def __call__(self, x: Variable, state: LSTMState) -> tuple[Variable, LSTMState]:
        gates = dot(x, self.W) + dot(state.h, self.U) + self.b
        i, f, o, g = blocks(gates, self.outputs, 4)
        i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), tanh(g)
        c = f * state.c + i * g
        h = o * tanh(c)
        return h, LSTMState(h, c)
