"""The LSTM as textbooks build it up: carousel, forget gate, peepholes, coupling."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.create import ones_like
from symseq.ops.math import tanh
from symseq.ops.nnet import sigmoid

from .. import init
from ..module import parameter, size
from .cell import blocks, named
from .kernel import Kernel


class LSTMState(NamedTuple):
    """h: what the cell shows (its output, too); c: what it remembers.

    Shapes: c: float[B, H], h: float[B, the cell's outputs].
    """

    h: Variable
    c: Variable


class LSTMGates(NamedTuple):
    """What lets in (i), keeps (f) and shows (o), each in (0, 1), and what comes in.

    Shapes: each float[..., H].
    """

    i: Variable
    f: Variable
    o: Variable
    g: Variable


class MemoryCell(Kernel[LSTMState]):
    """c_t = f ⊙ c_{t-1} + i ⊙ g, h_t = o ⊙ tanh(c_t): what all LSTMs have in common.

    A subclass says in `parts` which gates its kernel sums, and in `gates` what they
    are. Output: h_t. State: (h_t, c_t).
    Shapes: x_t: float[B, D], h, c: float[B, H], W: float[D, nH], U: float[H, nH],
        b: float[nH], for n parts.
    """

    parts = "ifog"  # the blocks of W, U and b, in order

    def __init__(
        self,
        inputs: int | Dim,
        hidden: int | Dim,
        *,
        rng: np.random.Generator,
        initial: init.Initializer = init.TUTORIAL_RECURRENT,
        forget_bias: float = 0.0,
        shown: int | Dim | None = None,
        name: str = "lstm",
    ) -> None:
        super().__init__(
            inputs, hidden, len(self.parts),
            rng=rng, initial=initial, name=name, shown=shown,
        )  # fmt: skip
        self.widths = LSTMState._make((self.outputs, hidden))
        f, H = self.parts.find("f"), size(hidden)
        if f >= 0:
            self.b.storage[f * H : (f + 1) * H] = forget_bias
        elif forget_bias:
            raise UsageError(f"{type(self).__name__} has no forget gate to bias")

    def gates(self, x: Variable, state: LSTMState) -> LSTMGates:
        """i, f, o, g of one step, or of all steps from all states, for pictures.

        Shapes: x: float[..., D], state: float[..., H] each, gates: float[..., H].
        Raises: UsageError for a cell without gates.
        """
        raise UsageError(f"{type(self).__name__} must define gates(x_t, state)")

    def __call__(self, x: Variable, state: LSTMState) -> tuple[Variable, LSTMState]:
        i, f, o, g = named(self.gates(x, state))
        c = f * state.c + i * g
        h = o * tanh(c)
        return h, LSTMState(h, c)


class CarouselLSTM(MemoryCell):
    """The first LSTM: a constant error carousel between input and output gate.

        [i o g] = x_t W + h_{t-1} U + b         i, o = σ(·), g = tanh(g)
        c_t = c_{t-1} + i ⊙ g                   (f = 1 for ever)
        h_t = o ⊙ tanh(c_t)

    Shapes: x_t: float[B, D], h, c: float[B, H], W: float[D, 3H], U: float[H, 3H],
        b: float[3H].
    Reference: Hochreiter and Schmidhuber 1997, section 4 (c is their s_c, i and o are
        y^in and y^out). Textbooks squash by tanh, they by g(x) = 4σ(x) - 2 and
        h(x) = 2σ(x) - 1 = tanh(x/2); they cut the gradient at the gates, here it is
        whole.
    """

    parts = "iog"

    def gates(self, x: Variable, state: LSTMState) -> LSTMGates:
        i, o, g = self.sums(x, state.h)
        return LSTMGates(sigmoid(i), ones_like(i), sigmoid(o), tanh(g))


class LSTM(MemoryCell):
    """The LSTM of the Theano tutorial and of textbooks: the carousel may forget.

        [i f o g] = x_t W + h_{t-1} U + b       i, f, o = σ(·), g = tanh(g)
        c_t = f ⊙ c_{t-1} + i ⊙ g
        h_t = o ⊙ tanh(c_t)

    Shapes: x_t: float[B, D], h, c: float[B, H], W: float[D, 4H], U: float[H, 4H],
        b: float[4H].
    Reference: Gers, Schmidhuber and Cummins 2000 (the forget gate), without peepholes;
        deeplearning.net tutorial "LSTM Networks for Sentiment Analysis", equations 1-6.
    """

    def gates(self, x: Variable, state: LSTMState) -> LSTMGates:
        i, f, o, g = self.sums(x, state.h)
        return LSTMGates(sigmoid(i), sigmoid(f), sigmoid(o), tanh(g))


class PeepholeLSTM(LSTM):
    """An LSTM whose gates see the memory: i and f what it was, o what it is now.

        [i f o g] = x_t W + h_{t-1} U + b       g = tanh(g)
        i = σ(i + p_i ⊙ c_{t-1}), f = σ(f + p_f ⊙ c_{t-1})
        c_t = f ⊙ c_{t-1} + i ⊙ g
        o = σ(o + p_o ⊙ c_t)
        h_t = o ⊙ tanh(c_t)

    Shapes: as `LSTM`; p = [p_i p_f p_o]: float[3H].
    Reference: Gers and Schmidhuber 2000; Graves 2013, equations 7-11 (p_i is W_ci).
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
        self.p = parameter(init.zeros, 3 * hidden, rng=rng, name=f"{name}.p")

    def gates(self, x: Variable, state: LSTMState) -> LSTMGates:
        gates, _ = self._gates_and_memory(x, state)
        return gates

    def __call__(self, x: Variable, state: LSTMState) -> tuple[Variable, LSTMState]:
        gates, c = self._gates_and_memory(x, state)
        h = gates.o * tanh(c)
        return h, LSTMState(h, c)

    def _gates_and_memory(
        self, x: Variable, state: LSTMState
    ) -> tuple[LSTMGates, Variable]:
        i, f, o, g = self.sums(x, state.h)
        p_i, p_f, p_o = blocks(self.p, self.hidden, 3)
        i, f, g = sigmoid(i + p_i * state.c), sigmoid(f + p_f * state.c), tanh(g)
        c = f * state.c + i * g
        return named(LSTMGates(i, f, sigmoid(o + p_o * c), g)), c


class CoupledLSTM(MemoryCell):
    """CIFG: what comes in takes the place of what is forgotten.

        [i o g] = x_t W + h_{t-1} U + b         i, o = σ(·), g = tanh(g)
        c_t = (1 - i) ⊙ c_{t-1} + i ⊙ g
        h_t = o ⊙ tanh(c_t)

    Shapes: x_t: float[B, D], h, c: float[B, H], W: float[D, 3H], U: float[H, 3H],
        b: float[3H].
    Reference: Greff et al. 2017, the variant "CIFG": f = 1 - i, here without peepholes.
    """

    parts = "iog"

    def gates(self, x: Variable, state: LSTMState) -> LSTMGates:
        i, o, g = self.sums(x, state.h)
        i = sigmoid(i)
        return LSTMGates(i, 1 - i, sigmoid(o), tanh(g))
