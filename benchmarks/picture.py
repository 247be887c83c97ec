"""Results as pictures: bars of ratios, and time against each length.

python -m benchmarks.picture PICTURE FILE.json...
"""

from __future__ import annotations

import argparse
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib
from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter

from .results import Works, read
from .table import TARGETS
from .work import Work
from .works import WORKS

Cases = dict[str, dict[str, Any]]
COLOURS = dict(zip(TARGETS, ("#1f4e8c", "#d1495b"), strict=True))
OTHERS = ("#7f7f7f", "#edae49", "#66a182", "#8d6a9f", "#2e4057", "#a0c4e2")


def draw(results: Works, file: Path) -> list[Path]:
    """The ratios into `file`; what has axes into files beside it. Returns the files."""
    matplotlib.use("agg")
    made = []
    ratios = ratios_of({k: v for k, v in results.items() if not WORKS[k].axes})
    if ratios:
        made.append(_bars(ratios, file))
    for name, cases in results.items():
        if WORKS[name].axes and "tiny" not in cases:
            beside = file.with_name(f"{file.stem}_{name}{file.suffix}")
            made.append(_curves(WORKS[name], cases, beside))
    return made


def ratios_of(results: dict[str, Cases]) -> dict[str, dict[str, dict[str, float]]]:
    """work and case → other implementation → target → ratio."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for work, cases in results.items():
        for case, peers in cases.items():
            rows = found.setdefault(f"{work}\n{case}", {})
            for result in peers.values():
                for target, others in result.get("ratios", {}).items():
                    for other, value in others.items():
                        rows.setdefault(other, {})[target] = value
    return {name: rows for name, rows in found.items() if rows}


def _bars(ratios: dict[str, dict[str, dict[str, float]]], file: Path) -> Path:
    """One panel a case, one line a peer: symseq's time over the peer's."""
    heights = [len(rows) for rows in ratios.values()]
    figure, panels = pyplot.subplots(
        len(ratios), 1, sharex=True, squeeze=False, layout="constrained",
        figsize=(8, 0.7 + 0.3 * sum(heights) + 0.4 * len(heights)),
        gridspec_kw={"height_ratios": heights},
    )  # fmt: skip
    for panel, (name, rows) in zip(panels[:, 0], ratios.items(), strict=True):
        for k, target in enumerate(TARGETS):
            points = [(y + 0.4 * k, row[target]) for y, row in enumerate(rows.values())
                      if target in row]  # fmt: skip
            if points:
                ys, values = zip(*points, strict=True)
                lengths = [value - 1 for value in values]
                panel.barh(
                    ys, lengths, 0.38, left=1, color=COLOURS[target], label=target
                )
        panel.set_yticks([y + 0.2 for y in range(len(rows))], list(rows), fontsize=7)
        panel.set_title(name.replace("\n", "  "), fontsize=8, loc="left")
        panel.set_xscale("log")
        panel.axvline(1, color="black", linewidth=0.8)
        panel.invert_yaxis()
        panel.grid(axis="x", which="both", linewidth=0.3)
    low = panels[-1, 0]
    low.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    left, right = low.get_xlim()
    low.set_xlim(min(left, 0.5), max(right, 2))
    low.set_xlabel("symseq's time / the other's (left of 1: symseq is faster)")
    panels[0, 0].legend(fontsize=7)
    figure.savefig(file, dpi=110)
    pyplot.close(figure)
    return file


def _curves(work: Work, cases: Cases, file: Path) -> Path:
    """Milliseconds against each length, the others as in the case all axes share."""
    figure, panels = pyplot.subplots(
        1, len(work.axes), sharey=True, figsize=(4 * len(work.axes), 4),
        layout="constrained", squeeze=False,
    )  # fmt: skip
    base = work.cases[shared_case(work)]
    for panel, axis in zip(panels[0], work.axes, strict=True):
        others = cycle(OTHERS)
        for name, points in curves(work, cases, axis).items():
            colour = COLOURS.get(name) or next(others)
            xs, ys = zip(*sorted(points), strict=True)
            width = 2 if name in COLOURS else 1.2
            panel.plot(xs, ys, "o-", color=colour, label=name, ms=3, lw=width)
        fixed = ", ".join(f"{a}={getattr(base, a)}" for a in work.axes if a != axis)
        panel.set_title(fixed, fontsize=9)
        panel.set_xlabel(axis)
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.minorticks_off()
        measured = sorted({vars(sizes)[axis] for sizes in work.cases.values()})
        panel.set_xticks(measured, [str(length) for length in measured], fontsize=7)
        panel.grid(which="both", linewidth=0.3)
    panels[0][0].set_ylabel("ms")
    panels[0][0].legend(fontsize=7)
    figure.savefig(file, dpi=110)
    pyplot.close(figure)
    return file


def shared_case(work: Work) -> str:
    """The case that differs from every other in one length only."""

    def off_axis(case: str) -> int:
        mine = vars(work.cases[case])
        return sum(
            sum(mine[a] != vars(other)[a] for a in work.axes) > 1
            for other in work.cases.values()
        )

    return min(work.cases, key=off_axis)


def curves(work: Work, cases: Cases, axis: str) -> dict[str, list[tuple[int, float]]]:
    """implementation → (length, milliseconds), along one axis of the shared case."""
    base = vars(work.cases[shared_case(work)])
    found: dict[str, dict[int, list[float]]] = {}
    for case, peers in cases.items():
        if case not in work.cases:
            continue
        sizes = vars(work.cases[case])
        if any(sizes[a] != base[a] for a in work.axes if a != axis):
            continue
        for result in peers.values():
            for name, said in result.get("implementations", {}).items():
                if "milliseconds" in said:
                    times = found.setdefault(name, {}).setdefault(sizes[axis], [])
                    times.append(median(said["milliseconds"]))
    return {
        name: [(length, median(times)) for length, times in points.items()]
        for name, points in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.picture")
    parser.add_argument("picture", type=Path)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE.json")
    options = parser.parse_args()
    for file in draw(read(options.files), options.picture):
        print(file)


if __name__ == "__main__":
    main()
