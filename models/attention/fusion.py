"""Deep fusion: an LSTMN that decodes, and remembers what its encoder remembered."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from symseq.errors import ShapeError, UsageError
from symseq.graph import Variable
from symseq.lengths import size_of
from symseq.ops.join import concatenate
from symseq.ops.math import tanh
from symseq.ops.nnet import sigmoid
from symseq.ops.products import dot

from .. import init
from ..cells.cell import Cell, blocks
from ..module import Module, parameter
from .lstmn import LSTMN, LSTMNState
from .memory import Memory, check_memory
from .soft import expected, masked_softmax


class FusedState(NamedTuple):
    """inner: the LSTMN's; context: γ̃_t; weights: p over the source.

    Shapes: context: float[B, H], weights: float[B, S].
    """

    inner: LSTMNState
    context: Variable
    weights: Variable


class DeepFusion(Module):
    """An LSTMN whose memory takes in what the encoder's tapes hold, by a gate r.

        b_j = u · tanh(γ_j W_g + x_t W_x + γ̃_{t-1} W_a)     over the source   (10)
        p = softmax(b)                                                    (11)
        γ̃_t = Σ_j p_j γ_j,  α̃_t = Σ_j p_j α_j                             (12)
        r_t = σ([γ̃_t; x_t] W_r)                                           (13)
        c_t = r ⊙ α̃_t + f ⊙ c̃_t + i ⊙ ĉ                                   (14)
        h_t = o ⊙ tanh(c_t)                                               (15)

    with h̃, c̃, i, f, o and ĉ of the LSTMN. Shallow fusion needs no model of its own:
    it is a `BahdanauDecoder` around `lstmn.over(steps)`.
    Output: h_t. The memory holds [γ_j; α_j], the encoder's h and c side by side.
    Shapes: x_t: float[B, D], h, c, γ, α: float[B, H], memory: values float[S, B, 2H],
        W_g, W_a: float[H, A], W_x: float[D, A], u: float[A], W_r: float[H + D, H].
    Reference: Cheng, Dong and Lapata 2016, equations 10-15.
    """

    def __init__(
        self,
        lstmn: LSTMN,
        *,
        rng: np.random.Generator,
        initial: init.Initializer = init.TUTORIAL_WEIGHT,
        name: str = "fusion",
    ) -> None:
        if not isinstance(lstmn, LSTMN):
            raise UsageError(
                f"deep fusion is an LSTMN's; got {type(lstmn).__name__}",
                hint="shallow fusion works with any cell: BahdanauDecoder",
            )
        D, H, A = lstmn.inputs, lstmn.hidden, lstmn.width
        self.lstmn = lstmn
        self.W_g = parameter(initial, H, A, rng=rng, name=f"{name}.W_g")
        self.W_x = parameter(initial, D, A, rng=rng, name=f"{name}.W_x")
        self.W_a = parameter(initial, H, A, rng=rng, name=f"{name}.W_a")
        self.u = parameter(initial, A, rng=rng, name=f"{name}.u")
        self.W_r = parameter(initial, H + D, H, rng=rng, name=f"{name}.W_r")

    def over(self, memory: Memory, steps: Variable | int) -> Fused:
        """The cell that reads `memory`, with tapes of its own for so many steps.

        Raises: ShapeError for a memory that is not two tapes wide.
        """
        check_memory(memory)
        H, width = size_of(self.lstmn.hidden), memory.values.type.sizes[-1]
        if width is not None and width != 2 * (H or 0):
            raise ShapeError(
                f"deep fusion reads values[S, B, 2H] with H = {H}; got "
                f"{memory.values.type}",
                hint="join the encoder's h and c along the last axis",
            )
        return Fused(self, memory, steps)

    def step(
        self, x: Variable, state: FusedState, memory: Memory
    ) -> tuple[Variable, FusedState]:
        """(h_t, state). Shapes: x: float[B, D], h: float[B, H]."""
        hidden, _ = blocks(memory.values, self.lstmn.hidden, 2)  # γ, α
        query = dot(x, self.W_x) + dot(state.context, self.W_a)
        b = dot(tanh(dot(hidden, self.W_g) + query), self.u)
        p = masked_softmax(b, memory.mask, axis=0)
        both = expected(p, memory.values)
        context, remembered = blocks(both, self.lstmn.hidden, 2)  # γ̃, α̃
        r = sigmoid(dot(concatenate([context, x], axis=-1), self.W_r))
        attended, own, weights = self.lstmn.attend(x, state.inner)
        i, f, o, new = self.lstmn.gates(x, attended)
        c = r * remembered + f * own + i * new
        h = o * tanh(c)
        _, inner = self.lstmn.write(h, c, attended, weights, state.inner)
        return h, FusedState(inner, context, p.T)


class Fused(Cell[FusedState]):
    """A decoder by deep fusion, with what it decodes, is a cell.

    Output: h_t. State: FusedState.
    Shapes: x_t: float[B, D], h_t: float[B, H].
    """

    def __init__(
        self, fusion: DeepFusion, memory: Memory, steps: Variable | int
    ) -> None:
        self.fusion, self.memory = fusion, memory
        self.taped = fusion.lstmn.over(steps)
        self.inputs, self.outputs = self.taped.inputs, self.taped.outputs
        source: Any = (self.outputs, memory.values.shape[0])
        self.widths = FusedState(self.taped.widths, *source)

    def __call__(self, x: Variable, state: FusedState) -> tuple[Variable, FusedState]:
        return self.fusion.step(x, state, self.memory)

    def initial(self, batch: Variable | int, inner: LSTMNState | None = None) -> Any:
        """Zeros, and the LSTMN's first tapes. Shapes: as the state."""
        begun = self.taped.initial(batch) if inner is None else inner
        return super().initial(batch)._replace(inner=begun)
