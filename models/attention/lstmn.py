"""The LSTMN: an LSTM that attends to all of its earlier states instead of the last."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.alloc import alloc
from symseq.ops.arange import arange
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.indexing import set_subtensor
from symseq.ops.math import tanh
from symseq.ops.nnet import sigmoid
from symseq.ops.products import dot
from symseq.ops.reduce import sum as total

from .. import init
from ..cells.cell import Cell, blocks
from ..module import Module, parameter, size
from .memory import beside
from .soft import masked_softmax


class LSTMNState(NamedTuple):
    """h (the output), h̃ and the weights of the last step; the tapes, up to now.

    The tapes hold h_i, c_i and h_i W_h for i = 0 ... t, zeros behind; `done` is t.
    Shapes: h, h̃: float[B, H], weights: float[B, S], tapes: float[B, S, H],
        keys: float[B, S, A], done: int[B].
    """

    h: Variable
    attended: Variable
    weights: Variable
    hidden_tape: Variable
    memory_tape: Variable
    keys: Variable
    done: Variable


class LSTMN(Module):
    """A long short-term memory network with two tapes in place of one memory cell.

        a_i = v · tanh(h_i W_h + x_t W_x + h̃_{t-1} W_a)     i = 0 ... t-1   (4)
        s = softmax(a)                                                   (5)
        h̃_t = Σ_i s_i h_i,  c̃_t = Σ_i s_i c_i                           (6)
        [i f o ĉ] = x_t W + h̃_t U + b      i, f, o = σ(·), ĉ = tanh(ĉ)  (7)
        c_t = f ⊙ c̃_t + i ⊙ ĉ                                            (8)
        h_t = o ⊙ tanh(c_t)                                              (9)

    The tapes begin with h_0 = c_0 = 0, which take part like the others: so the first
    step has something to attend to, and each later one may look at nothing. A key
    h_i W_h is made once, when h_i is, and kept on a tape of its own.
    Shapes: x_t: float[B, D], h, c, h̃, c̃: float[B, H], a, s: float[B, S],
        W: float[D, 4H], U: float[H, 4H], b: float[4H], W_h, W_a: float[H, A],
        W_x: float[D, A], v: float[A]. S is 1 + the number of steps.
    Cost: step t reads t rows of the tapes, T² H in all; a gradient keeps the tapes of
        every step.
    Reference: Cheng, Dong and Lapata 2016, equations 4-9.
    """

    def __init__(
        self,
        inputs: int | Dim,
        hidden: int | Dim,
        *,
        rng: np.random.Generator,
        width: int | Dim | None = None,
        initial: init.Initializer = init.TUTORIAL_RECURRENT,
        scoring: init.Initializer = init.TUTORIAL_WEIGHT,
        forget_bias: float = 0.0,
        name: str = "lstmn",
    ) -> None:
        self.inputs, self.hidden = inputs, hidden
        self.width = A = hidden if width is None else width
        gates = init.joined(initial, 4)
        self.W = parameter(gates, inputs, 4 * hidden, rng=rng, name=f"{name}.W")
        self.U = parameter(gates, hidden, 4 * hidden, rng=rng, name=f"{name}.U")
        self.b = parameter(init.zeros, 4 * hidden, rng=rng, name=f"{name}.b")
        self.b.storage[size(hidden) : 2 * size(hidden)] = forget_bias
        self.W_h = parameter(scoring, hidden, A, rng=rng, name=f"{name}.W_h")
        self.W_x = parameter(scoring, inputs, A, rng=rng, name=f"{name}.W_x")
        self.W_a = parameter(scoring, hidden, A, rng=rng, name=f"{name}.W_a")
        self.v = parameter(scoring, A, rng=rng, name=f"{name}.v")

    def over(self, steps: Variable | int) -> Taped:
        """The cell with tapes for so many steps: `Recurrent(lstmn.over(x.shape[0]))`.

        A further step is an IndexError.
        Raises: UsageError for a number of steps that is no int of at least 0.
        """
        if not isinstance(steps, Variable) and (
            not isinstance(steps, (int, np.integer)) or steps < 0
        ):
            raise UsageError(f"tapes have room for an int of steps >= 0; got {steps}")
        return Taped(self, steps)

    def step(self, x: Variable, state: LSTMNState) -> tuple[Variable, LSTMNState]:
        """(h_t, state). Shapes: x: float[B, D], h: float[B, H]."""
        attended, memory, weights = self.attend(x, state)
        i, f, o, new = self.gates(x, attended)
        c = f * memory + i * new
        return self.write(o * tanh(c), c, attended, weights, state)

    def attend(
        self, x: Variable, state: LSTMNState
    ) -> tuple[Variable, Variable, Variable]:
        """h̃_t, c̃_t and s: equations 4-6. Shapes: float[B, H] twice, float[B, S]."""
        query = dot(x, self.W_x) + dot(state.attended, self.W_a)
        a = dot(tanh(state.keys + dimshuffle(query, [0, "x", 1])), self.v)
        places = arange(a.shape[1])
        known = dimshuffle(places, ["x", 0]) <= dimshuffle(state.done, [0, "x"])
        s = masked_softmax(a, known, axis=1)
        attended = total(beside(s) * state.hidden_tape, axis=1)
        return attended, total(beside(s) * state.memory_tape, axis=1), s

    def gates(self, x: Variable, attended: Variable) -> list[Variable]:
        """i, f, o and ĉ: equation 7. Shapes: four times float[B, H]."""
        sums = dot(x, self.W) + dot(attended, self.U) + self.b
        i, f, o, new = blocks(sums, self.hidden, 4)
        return [sigmoid(i), sigmoid(f), sigmoid(o), tanh(new)]

    def write(
        self, h: Variable, c: Variable, attended: Variable, weights: Variable,
        state: LSTMNState,
    ) -> tuple[Variable, LSTMNState]:  # fmt: skip
        """h_t, and the state with h_t and c_t on the tapes. Shapes: h: float[B, H]."""
        done = state.done + 1
        place = arange(h.shape[0]), done
        hidden = set_subtensor(state.hidden_tape[place], h)
        memory = set_subtensor(state.memory_tape[place], c)
        keys = set_subtensor(state.keys[place], dot(h, self.W_h))
        return h, LSTMNState(h, attended, weights, hidden, memory, keys, done)


class Taped(Cell[LSTMNState]):
    """An LSTMN with tapes for so many steps is a cell.

    Output: h_t. State: LSTMNState.
    Shapes: x_t: float[B, D], h_t: float[B, H].
    """

    def __init__(self, lstmn: LSTMN, steps: Variable | int) -> None:
        self.lstmn, self.steps = lstmn, steps
        self.inputs, self.outputs = lstmn.inputs, lstmn.hidden
        H, A, S = lstmn.hidden, lstmn.width, steps + 1
        # Of a tape this is the length of its rows: `initial` makes the zeros.
        self.widths = LSTMNState._make((H, H, S, H, H, A, 1))

    def __call__(self, x: Variable, state: LSTMNState) -> tuple[Variable, LSTMNState]:
        return self.lstmn.step(x, state)

    def initial(self, batch: Variable | int) -> LSTMNState:
        """Tapes that hold h_0 = c_0 = 0, with room for all. Shapes: as LSTMNState."""
        H, A, S = self.lstmn.hidden, self.lstmn.width, self.steps + 1
        nothing = np.zeros((), self.lstmn.W.dtype)

        def zeros(*lengths: Any) -> Variable:
            return alloc(nothing, batch, *lengths)

        tapes = zeros(S, H), zeros(S, H), zeros(S, A)
        done = alloc(np.zeros((), "int64"), batch)
        return LSTMNState(zeros(H), zeros(H), zeros(S), *tapes, done)
