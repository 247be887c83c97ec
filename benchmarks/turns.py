"""Timing in turns: every implementation meets the same machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from .work import Array

TURN = 0.02  # seconds: short calls are repeated within a turn
TOLERANCE = 1e-3


def once(run: Callable[[], Any]) -> float:
    began = perf_counter()
    run()
    return perf_counter() - began


def interleave(
    runs: Mapping[str, Callable[[], Any]], rounds: int
) -> dict[str, list[float]]:
    """Milliseconds a call, one value a round, for each of `runs`.

    A turn begins with a call that is not timed: threads and caches are then its own.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    repeats = {
        name: max(1, min(100, int(TURN / max(once(run), 1e-6))))
        for name, run in runs.items()
    }
    for _ in range(rounds):
        for name, run in runs.items():
            run()
            taken = [once(run) for _ in range(repeats[name])]
            times[name].append(1e3 * median(taken))
    return times


def ratio(mine: list[float], theirs: list[float]) -> float:
    """The median over rounds of mine / theirs."""
    return median(a / b for a, b in zip(mine, theirs, strict=True))


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
