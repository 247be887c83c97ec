"""The clockwork RNN: modules of neurons that each run at a clock of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.compare import eq, switch
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.join import concatenate
from symseq.ops.math import tanh
from symseq.ops.products import dot
from symseq.ops.reduce import any as some
from symseq.ops.rounding import mod
from symseq.scan.control import ifelse

from .. import init
from ..module import parameter, size
from .cell import Cell


class ClockworkState(NamedTuple):
    """h: all modules side by side, the fast first; t: the steps of each sequence.

    Shapes: h: float[B, H], t: int64[B].
    """

    h: Variable
    t: Variable


class Clockwork(Cell[ClockworkState]):
    """Module i runs where its period T_i divides t, else it keeps what it has.

        h_i,t = tanh(x_t W_i + [h_i ... h_g],t-1 U_i + b_i)   where t mod T_i = 0
        h_i,t = h_i,t-1                                       elsewhere

    A module reads itself and the slower ones; the first step is t = 0, when all run. A
    module that runs for no sequence of the batch is not computed: its branch is not
    taken. Padding does not count: the clock is a part of the state, carried with it.
    Output: h_t. State: (h_t, t + 1).
    Shapes: x_t: float[B, D], h: float[B, H], W_i: float[D, H/g],
        U_i: float[(g - i + 1) H/g, H/g], b_i: float[H/g], t: int64[B].
    Raises: UsageError where the modules cannot share H evenly, or a period is below 1.
    Reference: Koutník et al. 2014, equations 1, 3 and 4 (U_i is the part of W_H's
        block row that is not zero).
    """

    def __init__(
        self,
        inputs: int | Dim,
        hidden: int | Dim,
        *,
        rng: np.random.Generator,
        periods: Sequence[int] = (1, 2, 4, 8),
        initial: init.Initializer = init.TUTORIAL_RECURRENT,
        name: str = "clockwork",
    ) -> None:
        self.periods = tuple(sorted(periods))
        modules, H = len(self.periods), size(hidden)
        whole = all(isinstance(period, (int, np.integer)) for period in self.periods)
        if not modules or H % modules or not whole or self.periods[0] < 1:
            raise UsageError(
                f"modules of whole periods of at least 1 share the width evenly; "
                f"got periods {self.periods} for {H}"
            )
        self.inputs, self.outputs, self.width = inputs, hidden, H // modules
        self.widths = ClockworkState._make((hidden, None))
        read = [H - i * self.width for i in range(modules)]
        self.W = [
            parameter(initial, inputs, self.width, rng=rng, name=f"{name}.W_{i}")
            for i in range(modules)
        ]
        self.U = [
            parameter(initial, rows, self.width, rng=rng, name=f"{name}.U_{i}")
            for i, rows in enumerate(read)
        ]
        self.b = [
            parameter(init.zeros, self.width, rng=rng, name=f"{name}.b_{i}")
            for i in range(modules)
        ]

    def __call__(
        self, x: Variable, state: ClockworkState
    ) -> tuple[Variable, ClockworkState]:
        h = concatenate(
            [self._module(i, x, state) for i in range(len(self.periods))], axis=-1
        )
        return h, ClockworkState(h, state.t + 1)

    def _module(self, i: int, x: Variable, state: ClockworkState) -> Variable:
        start = i * self.width
        kept, read = state.h[:, start : start + self.width], state.h[:, start:]
        new = tanh(dot(x, self.W[i]) + dot(read, self.U[i]) + self.b[i])
        runs = eq(mod(state.t, self.periods[i]), 0)
        made = ifelse(some(runs), new, kept)  # nothing where it runs for none
        own: Variable = switch(dimshuffle(runs, [0, "x"]), made, kept)
        return own

    def flops(self, t: int) -> int:
        """Multiplications and additions of the products at step t, for one sequence.

        >>> cell = Clockwork(2, 4, rng=np.random.default_rng(0), periods=(1, 2))
        >>> [cell.flops(t) for t in range(4)]
        [40, 24, 40, 24]
        """
        return sum(
            2 * (W.storage.size + U.storage.size)
            for W, U, period in zip(self.W, self.U, self.periods, strict=True)
            if t % period == 0
        )
