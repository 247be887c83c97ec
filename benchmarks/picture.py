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
COLUMNS = 2
RATIOS = tuple(4.0**k for k in range(-6, 7))  # where an axis of ratios is labelled
OTHERS = ("#7f7f7f", "#edae49", "#66a182", "#8d6a9f", "#8c564b", "#17becf")


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
    lines, width = -(-len(ratios) // COLUMNS), min(COLUMNS, len(ratios))
    most = max(len(rows) for rows in ratios.values())
    figure, panels = pyplot.subplots(
        lines, width, sharex=True, squeeze=False, layout="constrained",
        figsize=(6.5 * width, 1 + lines * (0.5 + 0.28 * most)),
    )  # fmt: skip
    everyone = {t for rows in ratios.values() for row in rows.values() for t in row}
    targets = [target for target in TARGETS if target in everyone]
    for panel, (name, rows) in zip(panels.flat, ratios.items(), strict=False):
        _panel(panel, name, rows, targets)
    for empty in list(panels.flat)[len(ratios) :]:
        empty.set_visible(False)
    _label_ratios(list(panels.flat)[: len(ratios)])
    figure.supxlabel(
        "symseq's time / the other's (left of 1: symseq is faster)", fontsize=9
    )
    handles, names = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=2, fontsize=8)
    return _save(figure, file)


def _panel(
    panel: Any, name: str, rows: dict[str, dict[str, float]], targets: list[str]
) -> None:
    height = 0.8 / len(targets)
    for k, target in enumerate(targets):
        offset = (k - (len(targets) - 1) / 2) * height
        ys = [y + offset for y, row in enumerate(rows.values()) if target in row]
        values = [row[target] for row in rows.values() if target in row]
        lengths = [value - 1 for value in values]
        bars = panel.barh(
            ys, lengths, height, left=1, color=COLOURS[target], label=target
        )
        texts = [f"{value:.2f}" if value > 0.1 else f"{value:.2g}" for value in values]
        panel.bar_label(bars, texts, padding=2, fontsize=6)
    panel.set_yticks(range(len(rows)), list(rows), fontsize=7)
    panel.set_title(name.replace("\n", "  "), fontsize=8, loc="left")
    panel.axvline(1, color="black", linewidth=0.8)
    panel.invert_yaxis()


def _label_ratios(panels: list[Any]) -> None:
    """One logarithmic axis for all, from the least to the largest bar."""
    ends = [bar.get_x() + bar.get_width() for panel in panels for bar in panel.patches]
    ticks = [x for x in RATIOS if min([*ends, 0.25]) <= x <= max([*ends, 4])]
    for panel in panels:
        panel.set_xscale("log")
        panel.minorticks_off()
        panel.set_xticks(ticks, [f"{x:.2g}" for x in ticks], fontsize=7)
        panel.tick_params(labelbottom=True)
        panel.set_xlim(min([*ends, 0.25]) / 2.5, max([*ends, 4]) * 1.8)
        panel.set_axisbelow(True)
        panel.grid(axis="x", linewidth=0.3)


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
            width, height = (2, 3) if name in COLOURS else (1.2, 2)
            panel.plot(
                xs, ys, "o-", color=colour, label=name, ms=3, lw=width, zorder=height
            )
        fixed = ", ".join(f"{a}={getattr(base, a)}" for a in work.axes if a != axis)
        panel.set_title(fixed, fontsize=9)
        panel.set_xlabel(axis)
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
        panel.minorticks_off()
        measured = sorted({vars(sizes)[axis] for sizes in work.cases.values()})
        panel.set_xticks(measured, [str(length) for length in measured], fontsize=7)
        panel.grid(which="both", linewidth=0.3)
    panels[0][0].set_ylabel("ms")
    handles, names = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right upper", fontsize=8)
    return _save(figure, file)


def _save(figure: Any, file: Path) -> Path:
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
