"""The bounds that symseq is held to, and whether results meet them.

    python -m benchmarks.bounds FILE.json...

A bound is on symseq over another: below 1, symseq is faster or smaller.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from .floor import FLOOR
from .peers import Kind
from .results import Case, Works, read
from .table import best

# What is measured, and beside whom: from a case's results and a target of symseq.
Measured = tuple[float, str] | None
Measure = Callable[[Case, str], Measured]


def best_peer(case: Case, target: str) -> Measured:
    """symseq's time over that of the peer that is hardest to beat."""
    other, ratio = best(case, Kind.FRAMEWORK).get(target, ("", 0.0))
    return (ratio, other) if other else None


def over(other: str) -> Measure:
    """symseq's time over that of `other`."""

    def measure(case: Case, target: str) -> Measured:
        for found in case.values():
            ratio = found.get("ratios", {}).get(target, {}).get(other)
            if ratio is not None:
                return ratio, other
        return None

    return measure


def compile_seconds(state: str) -> Measure:
    """Seconds that symseq compiles: the median of processes with cold or warm caches.

    The target's library was imported before.
    """

    def measure(case: Case, target: str) -> Measured:
        parts = [
            found["implementations"][target]["seconds"]
            for process, found in case.items()
            if process.endswith(state) and _ready(found, target)
        ]
        seconds = [part["compile"] for part in parts]
        return (median(seconds), "") if seconds else None

    return measure


def until_ready(case: Case, target: str) -> Measured:
    """The time until symseq's first result over JAX's first call, which compiles."""
    found = case.get("jax cold", {})
    if not (_ready(found, target) and _ready(found, "jax")):
        return None
    made = found["implementations"]
    mine, theirs = made[target]["seconds"], made["jax"]["seconds"]
    return mine["until ready"] / theirs["first call"], "jax"


def memory(case: Case, target: str) -> Measured:
    """symseq's bytes for one call over JAX's."""
    found = case.get("jax", {})
    if not (_ready(found, target) and _ready(found, "jax")):
        return None
    made = found["implementations"]
    mine, theirs = (sum(made[name]["bytes"].values()) for name in (target, "jax"))
    return mine / theirs, "jax"


def _ready(found: dict[str, Any], name: str) -> bool:
    return "seconds" in found.get("implementations", {}).get(name, {})


@dataclass(frozen=True)
class Bound:
    """What is measured of a case stays at or under a limit for each target.

    A target without a limit has its value stated, if it is named at all.
    """

    what: str
    work: str
    case: str
    measure: Measure
    limits: dict[str, float | None]


@dataclass(frozen=True)
class Verdict:
    bound: Bound
    target: str
    value: float | None  # None: was not measured
    beside: str

    @property
    def limit(self) -> float | None:
        return self.bound.limits[self.target]

    @property
    def met(self) -> bool | None:
        if self.value is None or self.limit is None:
            return None
        return self.value <= self.limit


NUMPY, NUMBA = "symseq numpy", "symseq numba"
LSTM, TUTORIAL, COMPILE = "lstm_layer", "T=100 B=16 D=128 V=10000", "T=100 fixed"
NARROW, WIDE, WIDER = "T=100 B=16 H=128", "T=100 B=64 H=256", "T=50 B=64 H=512"
THIN, LONG = "T=100 B=1 H=64", "T=1000 B=1 H=32"
STORIES = "B=32 N=50 L=7 d={} V=177"


def _peer(work: str, case: str, numpy: float, numba: float) -> Bound:
    return Bound("best peer", work, case, best_peer, {NUMPY: numpy, NUMBA: numba})


def _floor(case: str, numpy: float, numba: float) -> Bound:
    return Bound("floor", LSTM, case, over(FLOOR), {NUMPY: numpy, NUMBA: numba})


def _compile(what: str, measure: Measure, limits: dict[str, float | None]) -> Bound:
    return Bound(what, "compile", COMPILE, measure, limits)


BOUNDS = (
    _peer(LSTM, NARROW, 1.05, 0.85),
    _peer(LSTM, WIDE, 1.1, 1.0),
    _peer(LSTM, WIDER, 1.1, 1.0),
    Bound("jax", LSTM, WIDE, over("jax"), {NUMBA: 0.85}),
    Bound("jax", LSTM, WIDER, over("jax"), {NUMBA: 0.85}),
    _peer(LSTM, THIN, 2.0, 0.6),
    _peer(LSTM, LONG, 3.0, 0.6),
    _peer("plain_rnn", LONG, 3.0, 0.6),
    _peer("tutorial", TUTORIAL, 1.1, 0.8),
    _peer("char_gru", "T=50 B=32 H=512 V=100", 1.1, 0.8),
    _peer("attention", "T=30 B=32 H=256 V=4000", 1.1, 0.8),
    _peer("memory_network", STORIES.format(20), 2.0, 0.8),
    _peer("memory_network", STORIES.format(100), 2.0, 0.8),
    _floor(NARROW, 1.7, 1.4),
    _floor(WIDE, 1.45, 1.3),
    _floor(WIDER, 1.45, 1.3),
    _compile("cold compile, s", compile_seconds("cold"), {NUMPY: 0.4, NUMBA: None}),
    _compile("jax's first call", until_ready, {NUMPY: 0.7, NUMBA: None}),
    _compile("warm compile, s", compile_seconds("warm"), {NUMBA: 0.4}),
    Bound("jax's memory", "tutorial", TUTORIAL, memory, {NUMPY: 1.0, NUMBA: 1.0}),
)


def judge(works: Works) -> list[Verdict]:
    """What was measured beside every bound, in their order."""
    verdicts = []
    for bound in BOUNDS:
        case = works.get(bound.work, {}).get(bound.case, {})
        for target in bound.limits:
            value, beside = bound.measure(case, target) or (None, "")
            verdicts.append(Verdict(bound, target, value, beside))
    return verdicts


def rows(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """As data, without what was not measured."""
    return [
        {"work": v.bound.work, "case": v.bound.case, "target": v.target,
         "over": v.beside or v.bound.what, "value": v.value, "bound": v.limit,
         "met": v.met}
        for v in verdicts if v.value is not None
    ]  # fmt: skip


def lines(verdicts: Iterable[Verdict]) -> list[str]:
    """A line for each bound."""
    head = f"{'':42}{'target':14}{'value':>7}{'bound':>7}  over"
    return [head, *(_line(verdict) for verdict in verdicts)]


def _line(v: Verdict) -> str:
    value = "" if v.value is None else f"{v.value:.2f}"
    limit = "" if v.limit is None else f"{v.limit:.2f}"
    said = {True: "met", False: "MISSED", None: "stated"}[v.met]
    over = v.bound.what + (f": {v.beside}" if v.beside not in v.bound.what else "")
    end = said if value else "not measured"
    name = f"{v.bound.work} {v.bound.case}"
    return f"{name:42}{v.target:14}{value:>7}{limit:>7}  {over:28}{end}"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bounds",
        description=(__doc__ or "").splitlines()[0],
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE.json")
    print(*lines(judge(read(parser.parse_args().files))), sep="\n")


if __name__ == "__main__":
    main()
