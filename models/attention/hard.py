"""Hard attention: one place of the memory, drawn; learned by the score function."""

from __future__ import annotations

from copy import copy
from typing import Any, NamedTuple, Self

from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.argmax import argmax
from symseq.ops.compare import eq, gt, switch
from symseq.ops.gradient_ops import disconnected_grad
from symseq.ops.join import concatenate
from symseq.ops.math import log
from symseq.ops.matrices import to_one_hot
from symseq.ops.reduce import mean
from symseq.ops.reduce import sum as total
from symseq.random.streams import RandomStreams

from .memory import Memory
from .scores import Score
from .soft import Attention, check_score, expected, masked_softmax, scores_of


class Choice(NamedTuple):
    """chosen: 1 at the place that was looked at, else 0. Shapes: float[B, S]."""

    chosen: Variable


class HardAttention(Attention):
    """z = h̄_x with x ~ Categorical(α), α = softmax(score(query, h̄)).

    Only in training is there a draw: without streams x is the likeliest place. No
    gradient goes through the draw; `surrogate` has the one that goes around it. A
    decoder's `state.notes.chosen` says what was drawn, `state.weights` is α.
    Shapes: query: float[B, Q], memory: values float[S, B, H], mask float[S, B];
        context z: float[B, H], weights α: float[S, B].
    Reference: Xu et al. 2015, section 4.1, equations 8 and 9.
    """

    def __init__(self, score: Score) -> None:
        self.score = check_score(score)
        self.streams: RandomStreams | None = None

    def training(self, streams: RandomStreams, batch: Variable | int) -> Self:
        """A copy that draws."""
        made = copy(self)
        made.streams = streams
        return made

    def __call__(self, query: Variable, memory: Memory) -> tuple[Variable, Variable]:
        context, weights, _ = self.look(query, memory, None)
        return context, weights

    def notes(self, places: int | Dim | Variable) -> Any:
        return Choice._make((places,))

    def look(
        self, query: Variable, memory: Memory, notes: Choice | None
    ) -> tuple[Variable, Variable, Choice]:
        scores = scores_of(self.score, query, memory)
        weights = masked_softmax(scores, memory.mask, axis=0)
        chosen = choose(weights, self.streams)
        return expected(chosen, memory.values), weights, Choice(chosen.T)


def choose(weights: Variable, streams: RandomStreams | None) -> Variable:
    """One place for each example, by its weights or, without streams, the likeliest.

    Nothing is chosen where all weights are 0.
    Shapes: weights: float[S, B], returns float[S, B] of zeros and ones.
    """
    fixed = disconnected_grad(weights).T
    # One more place, for those that have none.
    nowhere = eq(total(fixed, axis=1, keepdims=True), 0).astype(fixed.dtype)
    either = concatenate([fixed, nowhere], axis=1)
    if streams is None:
        drawn = to_one_hot(argmax(either, axis=1), either.shape[1], fixed.dtype)
    else:
        drawn = streams.multinomial(pvals=either, dtype=fixed.dtype)
    chosen: Variable = drawn[:, :-1].T
    return chosen


def log_probability(weights: Variable, chosen: Variable, axis: int = -1) -> Variable:
    """log p(x) = Σ_s x_s log α_s; 0 where nothing was chosen.

    Shapes: weights, chosen: float[..., S, ...], summed over S at `axis`.
    """
    at = gt(chosen, 0)
    logs: Variable = total(log(switch(at, weights, 1)), axis=axis)
    return logs


def surrogate(
    f: Variable, log_p: Variable, baseline: Variable | float = 0.0
) -> Variable:
    """What has the gradient of E[f] in expectation: f + (f - b) log p, b and f fixed.

        ∇ E[f] = ∇ Σ_x p(x) f(x)
               = Σ_x p(x) ∇f(x)  +  Σ_x f(x) ∇p(x)
               = E[∇f]  +  E[f ∇log p]              as ∇p = p ∇log p
               = E[∇f]  +  E[(f - b) ∇log p]        as E[∇log p] = ∇ Σ_x p(x) = 0

    Each draw gives one term of either mean, and f is evaluated once a draw. b may
    depend on all but the draw that it is subtracted for. The value is no cost: report
    the mean of f.
    Shapes: f, log_p, b: float[...], as many draws as there are, returns a scalar.
    Reference: Xu et al. 2015, equations 10-12, of -f = log p(y | s, a); Williams 1992.
    """
    gain = disconnected_grad(f - baseline)
    cost: Variable = mean(f + gain * log_p)
    return cost
