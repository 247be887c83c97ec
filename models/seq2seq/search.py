"""Greedy search and sampling: one loop until every sequence has ended.

A search knows only ``step(tokens, state) -> (logits, state)`` and the first state. It
is a graph as any other: compiled once, it serves all lengths and batches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.ops.alloc import alloc
from symseq.ops.arange import arange
from symseq.ops.argmax import argmax
from symseq.ops.cast import cast
from symseq.ops.compare import eq, or_, switch
from symseq.ops.create import zeros_like
from symseq.ops.math import log
from symseq.ops.nnet import log_softmax
from symseq.ops.reduce import all as every
from symseq.random.streams import RandomStreams
from symseq.scan.frontend import build_loop
from symseq.scan.returns import until

from ..cells.cell import filled, leaves
from ..layers import check_streams

Step: TypeAlias = Callable[[Variable, Any], tuple[Variable, Any]]
PADDING = 0  # what follows the end of a sequence


class Found(NamedTuple):
    """What a search found, one sequence for each row of the first state.

    Shapes: tokens: int32[T, B], with padding after the end mark; scores: float[B], the
        log probability, Σ_t log p(y_t); states: those of all steps, [T, B, ...]; last:
        the state after them, [B, ...].
    """

    tokens: Variable
    scores: Variable
    states: Any
    last: Any


def greedy(
    step: Step, start: Any, *, first: int, end: int | None, longest: int | Variable
) -> Found:
    """y_t = argmax p(y_t | y_<t), until each sequence has its end or is `longest`.

    With ``end=None`` nothing ends a sequence before it is `longest`.
    Shapes: start: float[B, ...] each; tokens: int32[T, B].
    Raises: UsageError for marks below 0, or an end mark that has no logit.
    """
    return _follow(step, start, lambda z: argmax(z, axis=-1), first, end, longest)


def sample(
    step: Step,
    start: Any,
    *,
    first: int | Variable,
    end: int | None,
    longest: int | Variable,
    streams: RandomStreams,
    temperature: float | Variable = 1.0,
) -> Found:
    """y_t ~ softmax(z_t / temperature), drawn as argmax(z_t / temperature + Gumbel).

    Shapes: first: one number for all, or int32[B]; otherwise as `greedy`.
    Raises: UsageError for a temperature that is not above 0, for no streams, or as
        `greedy`.
    """
    check_streams(streams, "sampling")
    if not isinstance(temperature, Variable) and not temperature > 0:
        raise UsageError(
            f"a temperature must be above 0; got {temperature}",
            hint="greedy search is the limit at 0",
        )

    def draw(z: Variable) -> Variable:
        gumbel = -log(-log(streams.uniform(size=z.shape, dtype=z.dtype)))
        return argmax(z / temperature + gumbel, axis=-1)

    return _follow(step, start, draw, first, end, longest)


def _follow(
    step: Step,
    start: Any,
    choose: Callable[[Variable], Variable],
    first: int | Variable,
    end: int | None,
    longest: int | Variable,
) -> Found:
    """One sequence for each row: y_t = choose(logits_t)."""
    check_marks(first, end, longest)
    parts = [part for _, part in leaves(start)]
    batch = rows_of(start)

    def one(y: Variable, ended: Variable, score: Variable, *old: Variable) -> Any:
        logits, state = step(y, filled(start, iter(old)))
        chosen = cast(choose(logits), "int32")
        gained = log_softmax(logits)[arange(batch), chosen]
        y = switch(ended, np.int32(PADDING), chosen)
        score = score + switch(ended, 0, gained)
        ended = or_(ended, ends(y, end))
        new = [part for _, part in leaves(state)]
        return [y, ended, score, *new], until(every(ended))

    tokens = first if isinstance(first, Variable) else alloc(np.int32(first), batch)
    logits, _ = step(tokens, start)  # only its type is read
    check_end(end, logits)
    began = [
        tokens,
        alloc(np.bool_(False), batch),
        alloc(np.zeros((), logits.dtype), batch),
    ]
    loop = build_loop(one, None, [*began, *parts], n_steps=longest, name="search")
    states = [loop.output(3 + k) for k in range(len(parts))]
    last = (loop.last(3 + k) for k in range(len(parts)))
    return Found(
        loop.output(0), loop.last(2), filled(start, iter(states)), filled(start, last)
    )


def ends(y: Variable, end: int | None) -> Variable:
    """Where y is the end mark; nowhere without one. Shapes: int[...] → bool[...]."""
    return zeros_like(y, dtype="bool") if end is None else eq(y, end)


def check_marks(
    first: int | Variable, end: int | None, longest: int | Variable
) -> None:
    """Raises: UsageError for tokens or a length that cannot be, where they are known.

    A negative token would count from the vocabulary's end, or never be found.
    """
    for name, number in (("first", first), ("end", end), ("longest", longest)):
        if name == "end" and number is None:
            continue
        if name != "end" and isinstance(number, Variable):
            continue
        if not isinstance(number, (int, np.integer)) or number < 0:
            raise UsageError(f"a search's `{name}` is an int >= 0; got {number}")


def check_end(end: int | None, logits: Variable) -> None:
    """Raises: UsageError for an end mark that is never said, as it has no logit."""
    V = logits.type.sizes[-1]
    if end is not None and isinstance(V, int) and end >= V:
        raise UsageError(
            f"a search's `end` is one of the {V} tokens that have logits; got {end}",
            hint="end=None goes on to the longest",
        )


def check_beams(beams: int) -> None:
    """Raises: UsageError for what is no int of at least 1."""
    if isinstance(beams, bool) or not isinstance(beams, (int, np.integer)) or beams < 1:
        raise UsageError(f"a beam search is at least 1 wide, an int; got {beams}")


def rows_of(state: Any) -> Variable:
    """B, the length of a state's first axis.

    Raises: UsageError where no part has one.
    """
    for _, part in leaves(state):
        if part.ndim:
            length: Variable = part.shape[0]
            return length
    raise UsageError(f"a search needs a state with a row per sequence; got {state}")
