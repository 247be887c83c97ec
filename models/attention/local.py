"""Local attention: a window of the memory, at a place that moves or is predicted."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.arange import arange
from symseq.ops.compare import and_, gt
from symseq.ops.convert import as_tensor
from symseq.ops.cumulative import cumsum
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.math import abs_, exp, tanh
from symseq.ops.nnet import sigmoid
from symseq.ops.products import dot

from .. import init
from ..module import parameter
from .memory import Memory
from .scores import Score
from .soft import (
    Attention,
    check_look,
    check_score,
    expected,
    masked_softmax,
    scores_of,
)


class LocalAttention(Attention):
    """a_t(s) = softmax(score(h_t, h̄_s)) over the real s in [p_t - D, p_t + D].

    Places are counted from 0 over what is real. A window without a real place gives
    zeros.
    Shapes: query: float[B, Q], memory: values float[S, B, H], p_t: float[B],
        context: float[B, H], weights: float[S, B].
    Raises: UsageError for a window that is no int, or narrower than `least`.
    Reference: Luong, Pham and Manning 2015, section 3.2.
    """

    least = 0  # the narrowest window: the place alone

    def __init__(self, score: Score, *, window: int) -> None:
        if not isinstance(window, (int, np.integer)) or window < self.least:
            raise UsageError(
                f"a window D must be an int of at least {self.least}; got {window}",
                hint="it holds the places from p - D to p + D",
            )
        self.score, self.window = check_score(score), window

    def near(
        self, query: Variable, memory: Memory, place: Variable
    ) -> tuple[Variable, Variable]:
        """The weights in the window around p_t, and s - p_t. Shapes: float[S, B]."""
        scores = scores_of(self.score, query, memory)
        away = places(memory) - dimshuffle(place, ["x", 0])
        inside = abs_(away) <= self.window
        if memory.mask is not None:
            inside = and_(inside, gt(memory.mask, 0))
        return masked_softmax(scores, inside, axis=0), away


class Place(NamedTuple):
    """t: how many looks there were. Shapes: float[B, 1]."""

    t: Variable


class MonotonicAttention(LocalAttention):
    """p_t = t: the window moves one place with each step ("local-m").

    Shapes: query: float[B, Q], memory: values float[S, B, H], context: float[B, H],
        weights: float[S, B].
    Reference: Luong, Pham and Manning 2015, section 3.2.
    """

    def __call__(self, query: Variable, memory: Memory) -> tuple[Variable, Variable]:
        """The first look, at p = 0."""
        return self.at(query, memory, query[:, 0] * 0)

    def at(
        self, query: Variable, memory: Memory, place: Variable
    ) -> tuple[Variable, Variable]:
        """(context, weights) of the window around p. Shapes: place: float[B]."""
        weights, _ = self.near(query, memory, place)
        return expected(weights, memory.values), weights

    def notes(self, places: int | Dim | Variable) -> Any:
        return Place._make((1,))

    def look(
        self, query: Variable, memory: Memory, notes: Place
    ) -> tuple[Variable, Variable, Place]:
        context, weights = self.at(query, memory, notes.t[:, 0])
        return context, weights, Place(notes.t + 1)


class PredictiveAttention(LocalAttention):
    """p_t = S σ(v · tanh(h_t W)), and weights that fall off around p_t ("local-p").

        a_t(s) = align(h_t, h̄_s) exp(-(s - p_t)² / 2σ²),  σ = D / 2

    S is the number of real places. The weights need not sum to 1.
    Shapes: query: float[B, Q], memory: values float[S, B, H], W: float[Q, A],
        v: float[A], p: float[B], context: float[B, H], weights: float[S, B].
    Reference: Luong, Pham and Manning 2015, equations 9 and 10 (W_p, v_p).
    """

    least = 1  # σ = D / 2 divides

    def __init__(
        self,
        score: Score,
        query: int | Dim,
        width: int | Dim,
        *,
        window: int,
        rng: np.random.Generator,
        initial: init.Initializer = init.TUTORIAL_WEIGHT,
        name: str = "local",
    ) -> None:
        super().__init__(score, window=window)
        self.W = parameter(initial, query, width, rng=rng, name=f"{name}.W")
        self.v = parameter(initial, width, rng=rng, name=f"{name}.v")

    def __call__(self, query: Variable, memory: Memory) -> tuple[Variable, Variable]:
        align, away = self.near(query, memory, self.place(query, memory))
        sigma = self.window / 2
        weights = align * exp(-(away * away) / (2 * sigma**2))
        return expected(weights, memory.values), weights

    def place(self, query: Variable, memory: Memory) -> Variable:
        """p_t, equation 9. Shapes: float[B]."""
        check_look(query, memory)
        real = memory.mask
        dtype = memory.values.dtype
        length = memory.values.shape[0] if real is None else real.sum(axis=0)
        return as_tensor(length, dtype) * sigmoid(dot(tanh(dot(query, self.W)), self.v))


def places(memory: Memory) -> Variable:
    """The number of each place among the real ones, from 0. Shapes: float[S, B]."""
    if memory.mask is None:
        steps = arange(memory.values.shape[0]).astype(memory.values.dtype)
        return dimshuffle(steps, [0, "x"])
    return cumsum(memory.mask, axis=0) - 1
