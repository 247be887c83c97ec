"""Results as text: a line for each implementation, with symseq's time beside it."""

from __future__ import annotations

from statistics import median
from typing import Any

from .peers import PEERS, Kind
from .work import Work

Found = dict[str, Any]  # what a worker found
TARGETS = ("symseq numpy", "symseq numba")
WIDTH = 16


def title(work: Work, case: str) -> list[str]:
    if not work.timed:
        return ["", f"{work.title}: {case}"]
    head = f"  {'':{WIDTH}}{'ms':>9} |{'numpy ms':>10}{'ratio':>7} |"
    return [
        "",
        f"{work.title}: {case}",
        f"{head}{'numba ms':>10}{'ratio':>7} |{'error':>7}{'ready s':>9}{'MB':>8}",
    ]


def lines(work: Work, process: str, found: Found, first: bool) -> list[str]:
    """A line for each implementation of a process.

    symseq's own are in every process; they have lines of their own in the first, and
    where they failed.
    """
    made = found.get("implementations", {})
    show = _line if work.timed else _seconds
    shown = [
        show(name, said, found)
        for name, said in made.items()
        if name not in TARGETS or first or not work.timed or "failed" in said
    ]
    if "failed" in found:
        shown.append(f"  {process:{WIDTH}}{found['failed']}")
    return shown if work.timed else [f" {process}", *shown]


def _line(name: str, said: Found, found: Found) -> str:
    if "failed" in said:
        return f"  {name:{WIDTH}}failed: {said['failed']}"
    line = f"  {name:{WIDTH}}{_number(_median(said), 9, 2)} |"
    for target in TARGETS:
        ratio = found.get("ratios", {}).get(target, {}).get(name)
        beside = None if ratio is None else _median(found["implementations"][target])
        line += f"{_number(beside, 10, 2)}{_number(ratio, 7, 2)} |"
    error, total = said.get("relative_error"), sum(said.get("bytes", {}).values())
    line += f"{'' if error is None else f'{error:.0e}':>7}"
    line += _number(said["seconds"]["until ready"], 9, 2)
    return line + _number(total / 1e6 or None, 8, 1)


def _seconds(name: str, said: Found, found: Found) -> str:
    """Where the time until ready went: building, compiling, the first call."""
    if "failed" in said:
        return f"  {name:{WIDTH}}failed: {said['failed']}"
    parts = [f"{part} {seconds:.3f} s" for part, seconds in said["seconds"].items()]
    return f"  {name:{WIDTH}}{', '.join(parts)}"


def _median(said: Found) -> float | None:
    return median(said["milliseconds"]) if "milliseconds" in said else None


def _number(value: float | None, width: int, digits: int) -> str:
    return " " * width if value is None else f"{value:{width}.{digits}f}"


def best(case: dict[str, Found], kind: Kind) -> dict[str, tuple[str, float]]:
    """For each target which of a kind is hardest to beat, and symseq / that one."""
    found: dict[str, tuple[str, float]] = {}
    for process, result in case.items():
        if process not in PEERS or PEERS[process].kind is not kind:
            continue
        for target, others in result.get("ratios", {}).items():
            for other, value in others.items():
                if value > found.get(target, ("", 0.0))[1]:
                    found[target] = other, value
    return found


def best_lines(case: dict[str, Found]) -> list[str]:
    return [
        f"  {target} / {kind.value}: {value:.2f}"
        + (f" ({other})" if other != kind.value else "")
        for kind in Kind
        for target, (other, value) in best(case, kind).items()
    ]
