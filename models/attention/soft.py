"""Soft attention: the expected vector of a memory, under weights that scores give."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from symseq.errors import ShapeError, UsageError
from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.compare import switch
from symseq.ops.reduce import sum as total
from symseq.ops.softmax import softmax
from symseq.random.streams import RandomStreams
from symseq.span import here

from ..module import Module
from .memory import Memory, beside, check_memory
from .scores import Score


class Attention(Module):
    """(context, weights) = attention(query, memory): what every way to attend shares.

    What a way remembers from one query of a decoder to the next (a place, a draw) is in
    its notes, a part of the decoder's state. Most have none.
    Shapes: query: float[B, Q], memory: values float[S, B, H], mask float[S, B],
        context: float[B, H], weights: float[S, B].
    """

    def __call__(self, query: Variable, memory: Memory) -> tuple[Variable, Variable]:
        """One look. Raises: UsageError for an attention without an equation."""
        raise UsageError(f"{type(self).__name__} must define __call__(query, memory)")

    def notes(self, places: int | Dim | Variable) -> Any:
        """The widths of what is remembered; `places` is the length of the memory."""
        return ()

    def look(
        self, query: Variable, memory: Memory, notes: Any
    ) -> tuple[Variable, Variable, Any]:
        """(context, weights, new notes), for a decoder. Shapes: as above."""
        return (*self(query, memory), notes)

    def training(self, streams: RandomStreams, batch: Variable | int) -> Self:
        """The attention as it is in training: one that samples keeps the streams."""
        return self


class SoftAttention(Attention):
    """c = Σ_s α_s h̄_s, with α = softmax(score(query, h̄)) over the real s.

    A memory that is all padding gives zeros.
    Shapes: query: float[B, Q], memory: values float[S, B, H], mask float[S, B];
        context c: float[B, H], weights α: float[S, B].
    Reference: Bahdanau, Cho and Bengio 2015, equations 5 and 6;
        Luong, Pham and Manning 2015, equation 7.
    """

    def __init__(self, score: Score) -> None:
        self.score = check_score(score)

    def __call__(self, query: Variable, memory: Memory) -> tuple[Variable, Variable]:
        scores = scores_of(self.score, query, memory)
        weights = masked_softmax(scores, memory.mask, axis=0)
        return expected(weights, memory.values), weights


def check_score(score: Score) -> Score:
    """The score itself. Raises: UsageError for what is none."""
    if not isinstance(score, Score):
        raise UsageError(
            f"an attention looks by a Score; got {type(score).__name__}",
            hint="make one, such as DotScore() or AdditiveScore(query, keys, width)",
        ).at(here())
    return score


def scores_of(score: Score, query: Variable, memory: Memory) -> Variable:
    """score(query, h̄), after a look at the ranks. Shapes: float[S, B]."""
    check_look(query, memory)
    return score(query, memory.values)


def check_look(query: Variable, memory: Memory) -> None:
    """Raises: UsageError for what is no memory, ShapeError for another rank."""
    check_memory(memory)
    if query.ndim != 2:
        raise ShapeError(f"attention reads query[B, Q], of rank 2; got {query.type}")


def masked_softmax(scores: Variable, mask: Variable | None, axis: int) -> Variable:
    """α_s = exp(e_s) / Σ exp(e) over the real s; 0 where `mask` is 0.

    Where nothing is real all weights are 0, as are their gradients.
    Shapes: scores: float[...], mask: as scores (or 1 where it repeats), or None.
    """
    if mask is None:
        return softmax(scores, axis=axis)
    # Half of the lowest float, so that less the largest score it is still finite.
    nowhere = float(np.finfo(scores.dtype).min) / 2
    return switch(mask, softmax(switch(mask, scores, nowhere), axis=axis), 0)


def expected(weights: Variable, values: Variable) -> Variable:
    """Σ_s α_s h̄_s. Shapes: α: float[S, B], h̄: float[S, B, H], returns float[B, H]."""
    context: Variable = total(beside(weights) * values, axis=0)
    return context
