"""Cells made of cells: stacked, residual, normalised, with dropout or zoneout."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from itertools import pairwise
from typing import Any, Self

import numpy as np

from symseq.config import config
from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.random.streams import RandomStreams

from ..layers import LayerNorm
from .cell import Cell, State, check_cell, check_fits, filled, leaves, map_state


class Wrapper(Cell[State]):
    """A cell around a cell: of its widths, its state and its way of training."""

    def __init__(self, cell: Cell[State]) -> None:
        check_cell(cell)
        self.cell = cell
        self.inputs, self.outputs, self.widths = cell.inputs, cell.outputs, cell.widths

    def __call__(self, x: Variable, state: State) -> tuple[Variable, State]:
        return self.cell(x, state)

    def initial(self, batch: Variable | int) -> State:
        """s_0 of the cell inside. Shapes: as its."""
        return self.cell.initial(batch)

    def training(self, streams: RandomStreams, batch: Variable | int) -> Self:
        """A copy around the cell as it is in training."""
        made = copy(self)
        made.cell = self.cell.training(streams, batch)
        return made


class Stacked(Cell[tuple[Any, ...]]):
    """y = cell_n(... cell_1(x_t)): each cell reads what the one below shows.

    Output: that of the last cell. State: the tuple of all cells' states.
    Shapes: x_t: float[B, D_1], y_t: float[B, H_n], where D_k+1 is H_k.
    Raises: UsageError for no cells, or where one does not fit on the one below.
    Reference: Graves 2013, section 2, without the connections that skip layers.
    """

    def __init__(self, cells: Sequence[Cell[Any]]) -> None:
        if isinstance(cells, Cell) or not cells:
            what = type(cells).__name__ if isinstance(cells, Cell) else "none"
            raise UsageError(f"Stacked needs a list of at least one cell; got {what}")
        for cell in cells:
            check_cell(cell)
        for k, (below, above) in enumerate(pairwise(cells)):
            check_fits(f"cell {k + 1}", above.inputs, f"cell {k}", below.outputs)
        self.cells = list(cells)
        self.inputs, self.outputs = cells[0].inputs, cells[-1].outputs
        self.widths = tuple(cell.widths for cell in cells)

    def __call__(
        self, x: Variable, state: tuple[Any, ...]
    ) -> tuple[Variable, tuple[Any, ...]]:
        y, new = x, []
        for cell, old in zip(self.cells, state, strict=True):
            y, made = cell(y, old)
            new.append(made)
        return y, tuple(new)

    def initial(self, batch: Variable | int) -> tuple[Any, ...]:
        """s_0 of every cell. Shapes: as theirs."""
        return tuple(cell.initial(batch) for cell in self.cells)

    def training(self, streams: RandomStreams, batch: Variable | int) -> Stacked:
        """The stack of the cells as they are in training."""
        return Stacked([cell.training(streams, batch) for cell in self.cells])


class Residual(Wrapper[State]):
    """y_t = x_t + cell(x_t): the cell learns what to add.

    Output: y_t. State: the cell's.
    Shapes: x_t, y_t: float[B, H].
    Raises: UsageError for a cell that does not show as many columns as it reads.
    Reference: He et al. 2016, equation 1; between recurrent layers: Wu et al. 2016.
    """

    def __init__(self, cell: Cell[State]) -> None:
        super().__init__(cell)
        check_fits("the input", cell.inputs, "the output", cell.outputs)

    def __call__(self, x: Variable, state: State) -> tuple[Variable, State]:
        y, new = self.cell(x, state)
        return x + y, new


class LayerNormalized(Wrapper[State]):
    """y_t = LN(cell(x_t)), and the next step reads LN(h) where the cell shows h.

    Output: y_t. State: the cell's, what it shows of it normalised.
    Shapes: x_t: float[B, D], y_t: float[B, H].
    Reference: Ba, Kiros and Hinton 2016, equations 3 and 4, on h instead of its sums.
    """

    def __init__(self, cell: Cell[State], *, rng: np.random.Generator) -> None:
        super().__init__(cell)
        self.norm = LayerNorm(cell.outputs, rng=rng)

    def __call__(self, x: Variable, state: State) -> tuple[Variable, State]:
        shown, new = self.cell(x, state)
        y = self.norm(shown)
        changed: State = map_state(lambda part: y if part is shown else part, new)
        return y, changed


class VariationalDropout(Wrapper[State]):
    """cell(x_t ⊙ m_x, h_{t-1} ⊙ m_h): one m_x and one m_h for all steps, in training.

    m ~ Bernoulli(1 - rate) / (1 - rate); every part of the state named h has one of its
    own, what else a cell remembers (the c of an LSTM) is never dropped.
    Output and state: the cell's.
    Shapes: x_t, m_x: float[B, D], h, m_h: float[B, H].
    Raises: UsageError for a rate outside of 0 to 1.
    Reference: Gal and Ghahramani 2016, section 4, in the tied form: all gates read the
        same masked x and h.
    """

    def __init__(
        self, cell: Cell[State], rate: float = 0.25, state_rate: float | None = None
    ) -> None:
        super().__init__(cell)
        self.rate = _checked_rate(rate)
        self.state_rate = _checked_rate(rate if state_rate is None else state_rate)
        self.masks: tuple[Variable, list[Variable | None]] | None = None

    def training(self, streams: RandomStreams, batch: Variable | int) -> Self:
        """A copy that holds the masks of all its steps."""
        made = super().training(streams, batch)

        def mask(width: int | Dim, rate: float) -> Variable:
            return _kept(streams, (batch, width), rate, config.floatX) / (1 - rate)

        on_state = [
            mask(width, self.state_rate) if name == "h" else None
            for name, width in leaves(self.widths)
        ]
        made.masks = mask(self.inputs, self.rate), on_state
        return made

    def __call__(self, x: Variable, state: State) -> tuple[Variable, State]:
        if self.masks is None:
            return self.cell(x, state)
        on_x, on_state = self.masks
        parts = zip(leaves(state), on_state, strict=True)
        dropped = [part if m is None else part * m for (_, part), m in parts]
        return self.cell(x * on_x, filled(state, iter(dropped)))


class Zoneout(Wrapper[State]):
    """s_t = d ⊙ s_{t-1} + (1 - d) ⊙ cell(x_t)'s, d ~ Bernoulli(rate) at every step.

    In testing d is its expectation, the rate. A part of the state that is no float (a
    count of steps) goes on. An output that is a part of the state is zoned out with it.
    Output and state: the cell's, each part with draws of its own.
    Shapes: x_t: float[B, D], each part of s_t and its d: float[B, H].

    Args:
        rates: one for all parts of the state, or a state of them: LSTMState(0.05, 0.5).
    Raises: UsageError for a rate outside of 0 to 1, or rates of another form.
    Reference: Krueger et al. 2017, section 3 (their d_t^c and d_t^h).
    """

    def __init__(self, cell: Cell[State], rates: float | State = 0.1) -> None:
        super().__init__(cell)
        count = len(list(leaves(cell.widths)))
        given = (
            [rate for _, rate in leaves(rates)]
            if isinstance(rates, tuple)
            else [rates] * count
        )
        if len(given) != count:
            raise UsageError(f"rates are one, or one for each of {count}; got {rates}")
        self.rates = [_checked_rate(rate) for rate in given]
        self.streams: RandomStreams | None = None

    def training(self, streams: RandomStreams, batch: Variable | int) -> Self:
        """A copy whose steps draw."""
        made = super().training(streams, batch)
        made.streams = streams
        return made

    def __call__(self, x: Variable, state: State) -> tuple[Variable, State]:
        output, new = self.cell(x, state)
        parts = zip(leaves(new), leaves(state), self.rates, strict=True)
        zoned = [self._zoned(made, old, rate) for (_, made), (_, old), rate in parts]
        same = [z for z, (_, n) in zip(zoned, leaves(new), strict=True) if n is output]
        return (same[0] if same else output), filled(new, iter(zoned))

    def _zoned(self, new: Variable, old: Variable, rate: float) -> Variable:
        if rate == 0 or not new.type.is_float:
            return new
        if self.streams is None:
            return rate * old + (1 - rate) * new
        renewed = _kept(self.streams, new.shape, rate, new.dtype)
        return (1 - renewed) * old + renewed * new


def _kept(streams: RandomStreams, size: Any, rate: float, dtype: str) -> Variable:
    """1 with chance 1 - rate, else 0."""
    kept: Variable = streams.binomial(size=size, n=1, p=1 - rate, dtype=dtype)
    return kept


def _checked_rate(rate: float) -> float:
    if not 0 <= rate < 1:
        raise UsageError(f"dropout keeps something: 0 <= rate < 1; got {rate}")
    return rate
