"""Timing in turns: every implementation meets the same machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from .work import Array

TURN = 0.02  # seconds: short calls are repeated within a turn
ALL_TURNS = 4.0  # seconds: who would take longer has fewer turns, but three
LEAST = 3
MINE = "symseq"  # how its targets' names begin
TOLERANCE = 1e-3


def once(run: Callable[[], Any]) -> float:
    began = perf_counter()
    run()
    return perf_counter() - began


def interleave(
    runs: Mapping[str, Callable[[], Any]], rounds: int
) -> Iterator[dict[str, list[float]]]:
    """After each round: milliseconds a call, one value a round, for each of `runs`.

    A turn begins with a call that is not timed: threads and caches are then its own.
    Who is slow sits out the later rounds; symseq takes part as long as any other.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    calls = {name: min(once(run), once(run)) for name, run in runs.items()}
    repeats, turns = {}, {}
    for name, seconds in calls.items():
        repeats[name] = max(1, min(100, int(TURN / max(seconds, 1e-6))))
        turns[name] = turns_of(seconds * (1 + repeats[name]), rounds)
    others = [count for name, count in turns.items() if not name.startswith(MINE)]
    for round_ in range(max(others, default=rounds)):
        for name, run in runs.items():
            if round_ < turns[name]:
                run()
                taken = [once(run) for _ in range(repeats[name])]
                times[name].append(1e3 * median(taken))
        yield times


def turns_of(seconds: float, rounds: int) -> int:
    """In how many of the rounds one takes part whose turn takes so long."""
    return min(rounds, max(LEAST, int(ALL_TURNS / max(seconds, 1e-6))))


def ratio(mine: list[float], theirs: list[float]) -> float:
    """The median of mine / theirs over the rounds in which both took part."""
    return median(a / b for a, b in zip(mine, theirs, strict=False))


def relative_error(mine: Mapping[str, Array], theirs: Mapping[str, Array]) -> float:
    """The largest difference of any result, relative to that result's largest value.

    Raises: ValueError where results are missing or have other shapes or dtypes.
    """
    if set(mine) != set(theirs):
        raise ValueError(f"other results: {sorted(set(mine) ^ set(theirs))}")
    worst = 0.0
    for name, b in theirs.items():
        a = np.asarray(mine[name])
        if a.shape != np.shape(b) or a.dtype != np.asarray(b).dtype:
            raise ValueError(
                f"{name}: {a.dtype}{a.shape} beside {np.asarray(b).dtype}{np.shape(b)}"
            )
        scale = max(float(np.max(np.abs(b))), 1e-30)
        worst = max(worst, float(np.max(np.abs(a - b))) / scale)
    return worst
