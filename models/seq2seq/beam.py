"""Beam search: the K best beginnings of each sequence go on together."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.ops.alloc import alloc
from symseq.ops.arange import arange
from symseq.ops.cast import cast
from symseq.ops.compare import eq, isinf, or_, switch
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.join import concatenate
from symseq.ops.math import maximum
from symseq.ops.nnet import log_softmax
from symseq.ops.rearrange import repeat
from symseq.ops.reduce import all as every
from symseq.ops.reshape import reshape
from symseq.ops.sort import argtopk, take_along_axis
from symseq.scan.frontend import build_loop
from symseq.scan.returns import until

from ..cells.cell import filled, leaves, map_state
from .search import PADDING, Step, check_beams, check_end, check_marks, ends, rows_of


class Beams(NamedTuple):
    """The K best sequences that a beam search found, the best first.

    Shapes: tokens: int32[T, B, K], with padding after the end mark; scores:
        float[B, K], log probability / length^α, the end mark counted; -inf where
        there are less than K sequences.
    """

    tokens: Variable
    scores: Variable


def beam(
    step: Step,
    start: Any,
    *,
    beams: int,
    first: int,
    end: int | None,
    longest: int | Variable,
    normalize: float = 1.0,
) -> Beams:
    """The sequences of highest Σ_t log p(y_t) / length^α that a search K wide meets.

    Each step goes on from the K best beginnings by each token, and keeps the K best of
    what that gives; a sequence that has ended keeps its place with what it has. The
    states of the kept are gathered. It stops when all K of all sequences have ended.
    Shapes: start: float[B, ...] each; step: with `beams` rows for each row of it.
    Args: normalize: α; 0 leaves sums of log probabilities, which favour the short.
    Raises: UsageError for less than one beam, an α below 0, or marks as `greedy`.
    Reference: Sutskever et al. 2014, section 3.2; Wu et al. 2016, section 7 (α).
    """
    check_marks(first, end, longest)
    check_beams(beams)
    if not normalize >= 0:
        raise UsageError(
            f"scores are divided by length^α with α >= 0; got {normalize}",
            hint="normalize=0 leaves sums of log probabilities",
        )
    batch, K = rows_of(start), beams
    many = map_state(lambda part: repeat(part, K, axis=0) if part.ndim else part, start)
    rows = dimshuffle(arange(batch), [0, "x"]) * K

    def one(
        y: Variable, logp: Variable, length: Variable, ended: Variable, *old: Variable
    ) -> Any:
        logits, state = step(reshape(y, (-1,)), filled(start, iter(old)))
        V = logits.shape[1]
        logs = reshape(log_softmax(logits), (batch, K, V))
        # What has ended goes on by padding alone, at no cost.
        stay = switch(eq(arange(V), PADDING), 0, -np.inf)
        total = beside(logp) + switch(beside(ended), stay, logs)
        longer = length + switch(ended, 0, 1)
        ranks = total / beside(longer**normalize)
        best = argtopk(reshape(ranks, (batch, K * V)), K, axis=1)
        parent, y = best // V, cast(best % V, "int32")
        logp = take_along_axis(reshape(total, (batch, K * V)), best, 1)
        length = take_along_axis(longer, parent, 1)
        ended = or_(take_along_axis(ended, parent, 1), ends(y, end))
        kept = reshape(rows + parent, (-1,))
        new = [part[kept] if part.ndim else part for _, part in leaves(state)]
        # A beam of probability 0 is no beginning: there are less than K as yet.
        done = until(every(or_(ended, isinf(logp))))
        return [y, logp, length, ended, *new, parent], done

    parts = [part for _, part in leaves(many)]
    logits, _ = step(alloc(np.int32(first), batch * K), many)  # only its type is read
    check_end(end, logits)
    zero = np.zeros((), logits.dtype)
    began = [
        alloc(np.int32(first), batch, K),
        concatenate(
            [alloc(zero, batch, 1), alloc(zero - np.inf, batch, K - 1)], axis=1
        ),
        alloc(zero, batch, K),
        alloc(np.bool_(False), batch, K),
    ]
    loop = build_loop(one, None, [*began, *parts, None], n_steps=longest, name="beam")
    last = alloc(dimshuffle(arange(K), ["x", 0]), batch, K)
    tokens = _traced(loop.output(0), loop.output(4 + len(parts)), last)
    return Beams(tokens, loop.last(1) / maximum(loop.last(2), 1) ** normalize)


def _traced(y: Variable, parent: Variable, last: Variable) -> Variable:
    """Each beam's tokens, followed back from its place at the last step by its parents.

    Shapes: y, parent: int[T, B, K], last: int[B, K], returns int32[T, B, K].
    """

    def back(y_t: Variable, parent_t: Variable, at: Variable) -> list[Variable]:
        return [take_along_axis(parent_t, at, 1), take_along_axis(y_t, at, 1)]

    loop = build_loop(back, [y, parent], [last, None], backwards=True, name="trace")
    tokens: Variable = loop.output(1)[::-1]
    return tokens


def beside(x: Variable) -> Variable:
    """x with one more axis behind. Shapes: float[B, K] → float[B, K, 1]."""
    return dimshuffle(x, [0, 1, "x"])
