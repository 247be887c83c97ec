"""Recurrent cells: (x_t, state) → (output, new state), as the papers' equations."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from symseq.config import config
from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.alloc import alloc
from symseq.ops.math import tanh
from symseq.ops.nnet import sigmoid
from symseq.ops.products import dot

from . import init
from .module import Module, parameter, size

State = TypeVar("State", bound=tuple[Variable, ...])


class Cell(Protocol[State]):
    """What a `Recurrent` layer runs over time.

    ``cell(x_t, state)`` is ``cell.step(cell.project(x_t), state)``: `project` is the
    part that reads the input alone, so a layer may do it for all steps at once.
    `shown` is the place of the output in the state, None where it is no part of it.
    """

    @property
    def shown(self) -> int | None: ...

    def project(self, x: Variable) -> Variable: ...

    def step(self, z: Variable, state: State) -> tuple[Variable, State]: ...

    def initial(self, batch: Variable) -> State: ...


class LSTMState(NamedTuple):
    """h: what the cell shows (its output, too); c: what it remembers."""

    h: Variable
    c: Variable


class LSTM(Module):
    """The LSTM of the Theano tutorial, one product for its four gates.

        [i f o g] = x_t W + h_{t-1} U + b       i, f, o = σ(·), g = tanh(g)
        c_t = f ⊙ c_{t-1} + i ⊙ g
        h_t = o ⊙ tanh(c_t)

    Shapes: x_t: float[B, D], h, c: float[B, H], W: float[D, 4H], U: float[H, 4H],
        b: float[4H].
    Reference: Gers, Schmidhuber and Cummins 2000 (the forget gate), without peepholes;
        deeplearning.net tutorial "LSTM Networks for Sentiment Analysis", equations 1-6.
    """

    shown: int | None = 0  # the output is h

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
        self.hidden = size(hidden)
        self.W = parameter(gates, inputs, 4 * hidden, rng=rng, name=f"{name}.W")
        self.U = parameter(gates, hidden, 4 * hidden, rng=rng, name=f"{name}.U")
        self.b = parameter(init.zeros, 4 * hidden, rng=rng, name=f"{name}.b")
        self.b.storage[self.hidden : 2 * self.hidden] = forget_bias

    def project(self, x: Variable) -> Variable:
        """x W + b, for one step or for all. Shapes: float[..., D] → float[..., 4H]."""
        return dot(x, self.W) + self.b

    def step(self, z: Variable, state: LSTMState) -> tuple[Variable, LSTMState]:
        """One step from the projected input `z`: float[B, 4H]."""
        H = self.hidden
        gates = z + dot(state.h, self.U)
        i = sigmoid(gates[:, :H])
        f = sigmoid(gates[:, H : 2 * H])
        o = sigmoid(gates[:, 2 * H : 3 * H])
        g = tanh(gates[:, 3 * H :])
        c = f * state.c + i * g
        h = o * tanh(c)
        return h, LSTMState(h, c)

    def __call__(self, x: Variable, state: LSTMState) -> tuple[Variable, LSTMState]:
        return self.step(self.project(x), state)

    def initial(self, batch: Variable) -> LSTMState:
        """h_0 = c_0 = 0 for `batch` sequences."""
        start = alloc(np.zeros((), config.floatX), batch, self.U.type.shape[0])
        return LSTMState(start, start)
