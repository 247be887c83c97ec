"""Scheduled sampling: in training, some inputs are what the model itself has said."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.ops.argmax import argmax
from symseq.ops.cast import cast
from symseq.ops.compare import switch
from symseq.random.streams import RandomStreams

from ..cells.cell import Cell

Layer = Callable[[Variable], Variable]


class Guessing(NamedTuple):
    """inner: the decoder's state; guess: the likeliest token after it.

    Shapes: guess: int[B].
    """

    inner: Any
    guess: Variable


class ScheduledSampling(Cell[Any]):
    """Reads y_{t-1} with probability ε, else argmax p(y_{t-1}), in training.

        x_t = coin_t ? y_{t-1} : ŷ_{t-1}        coin_t ~ Bernoulli(ε)
        o_t, s_t = cell(E x_t, s_{t-1})
        ŷ_t = argmax(logits_t),                 logits_t = output(o_t)

    Output: logits_t. Without training each coin shows the truth.
    Shapes: y: int[B], logits: float[B, V], ŷ: int[B].
    Reference: Bengio et al. 2015, section 2.4 (ε is their ε_i; one coin a token).
    """

    def __init__(
        self, cell: Cell[Any], embed: Layer, output: Layer, truth: float | Variable
    ) -> None:
        self.cell, self.embed, self.output, self.truth = cell, embed, output, truth
        self.widths = Guessing._make((cell.widths, None))
        self.streams: RandomStreams | None = None

    def __call__(self, x: Variable, state: Guessing) -> tuple[Variable, Guessing]:
        read = x
        if self.streams is not None:
            coin = self.streams.binomial(size=x.shape, p=self.truth, dtype="bool")
            read = switch(coin, x, state.guess)
        output, inner = self.cell(self.embed(read), state.inner)
        logits = self.output(output)
        return logits, Guessing(inner, cast(argmax(logits, axis=-1), x.dtype))

    def training(
        self, streams: RandomStreams, batch: Variable | int
    ) -> ScheduledSampling:
        """The cell that tosses coins."""
        cell = self.cell.training(streams, batch)
        made = ScheduledSampling(cell, self.embed, self.output, self.truth)
        made.streams = streams
        return made


def inverse_sigmoid(update: int, k: float) -> float:
    """ε_i = k / (k + exp(i / k)): a schedule from near 1 to 0, half way at i = k ln k.

    Raises: UsageError for a k that is not above 0.
    Reference: Bengio et al. 2015, section 2.4 (k ≥ 1 there).

    >>> round(inverse_sigmoid(0, k=9), 9), inverse_sigmoid(10**6, k=9) < 1e-9
    (0.9, True)
    """
    if not k > 0:
        raise UsageError(f"a schedule needs a k above 0; got {k}")
    return k / (k + math.exp(min(update / k, 700.0)))
