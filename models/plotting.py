"""Pictures of training and its results, with matplotlib (extra ``cli``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from matplotlib import rc_context
from matplotlib.ticker import MaxNLocator

from symseq.errors import UsageError
from symseq.types import Array

from .chart import Chart, chart_of, new_figure
from .fonts import lettering
from .metrics import confusion

# Told apart by the colour-blind (Okabe and Ito, 2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK, FAINT = "#333333", "#DDDDDD"
LOOK: dict[Any, Any] = {  # matplotlib's names of its settings
    "axes.edgecolor": "#888888",
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "legend.frameon": False,
    "svg.hashsalt": "symseq",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
BOXED = {"axes.spines.right": True, "axes.spines.top": True}
CELL, LONGEST = 0.34, 40.0  # inches: an edge of a heat map's cell, of a picture


def draw_confusion(
    predicted: Array,
    labels: Array,
    classes: Sequence[str],
    path: str | Path | None = None,
) -> Chart:
    """A picture of how often each class is taken for which, in % of the class.

    Shapes: predicted, labels: int[N].
    """
    counts = confusion(predicted, labels, len(classes))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    edge = 3 + 0.32 * len(classes)
    settings, shown = lettering(classes)
    settings = LOOK | settings | BOXED
    with rc_context(settings):
        figure, axes = new_figure(edge, edge)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(classes)), shown, rotation=90)
        axes.set_yticks(range(len(classes)), shown)
        axes.set(xlabel="predicted", ylabel="true")
        for (row, column), share in np.ndenumerate(shares):
            if counts[row, column]:
                ink = "white" if share > 0.5 else "black"
                said = f"{100 * share:.0f}"
                axes.text(column, row, said, ha="center", va="center", c=ink, size=7)
    return chart_of(figure, settings, path)


def draw_attention(
    weights: Array,
    source: Sequence[str],
    target: Sequence[str],
    path: str | Path | None = None,
    *,
    title: str = "",
) -> Chart:
    """A heat map: how much each target token attended to each source token.

    Tokens may be in any script that an installed font has (Debian: fonts-noto-cjk);
    where none has it, a warning says so and the picture has the letters' code points.
    Shapes: weights: float[T, S], rows for target tokens, from 0 to 1.
    Raises: UsageError where the tokens are not as many as the weights.
    """
    if weights.shape != (len(target), len(source)):
        raise UsageError(
            "an attention picture has a row per target token and a column per source "
            f"token; got {len(target)} and {len(source)} for weights "
            f"[{', '.join(map(str, weights.shape))}]"
        )
    settings, shown = lettering([*source, *target, title])
    settings = LOOK | settings | BOXED
    columns, rows, said = shown[: len(source)], shown[len(source) : -1], shown[-1]
    wide, high = (min(LONGEST, CELL * len(tokens)) for tokens in (source, target))
    with rc_context(settings):
        figure, axes = new_figure(2.2 + wide, 1.6 + high)
        grid = np.asarray(weights, "float64")
        if not grid.size:  # no tokens: one empty cell
            grid = np.full([max(size, 1) for size in grid.shape], np.nan)
        colours = axes.imshow(grid, cmap="Blues", vmin=0, vmax=1)
        short = max(map(len, columns), default=0) <= 2
        axes.set_xticks(range(len(source)), columns, rotation=0 if short else 90)
        axes.set_yticks(range(len(target)), rows)
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
        axes.tick_params(length=0)
        _part_cells(axes, *grid.shape)
        axes.set(xlabel="source", ylabel="target")
        axes.set_title(said, pad=10, fontweight="bold")
        bar = figure.colorbar(colours, ax=axes, shrink=0.7, aspect=18, pad=0.03)
        bar.set_label("attention weight")
        bar.outline.set_visible(False)
    return chart_of(figure, settings, path)


def draw_curves(
    curves: Mapping[str, Sequence[float]],
    path: str | Path | None = None,
    *,
    x: str = "epoch",
    y: str = "loss",
    title: str = "",
) -> Chart:
    """Some numbers by epoch, one line each, from epoch 1 on."""
    settings, shown = lettering([*curves, x, y, title])
    settings = LOOK | settings
    with rc_context(settings):
        figure, axes = new_figure(6, 4)
        for k, (name, values) in enumerate(zip(shown, curves.values(), strict=False)):
            _line(axes, values, COLOURS[k % len(COLOURS)], name)
        x, y, title = shown[len(curves) :]
        axes.set(xlabel=x, ylabel=y, title=title)
        if curves:
            axes.legend()
    return chart_of(figure, settings, path)


class Progressed(Protocol):
    """What `train.fit` gives back: a `train.History`."""

    losses: list[float]
    scores: list[float]

    @property
    def best(self) -> int: ...


def draw_training(
    history: Progressed, path: str | Path | None = None, *, metric: str = "score"
) -> Chart:
    """The training loss by epoch, and below it the validation score, its best marked.

    Args:
        metric: what the score is. With a minus in front ("-bits") its negative is drawn
            and named without it: what is lower, the better.
    """
    sign, name = (-1, metric[1:]) if metric.startswith("-") else (1, metric)
    settings, (name,) = lettering([name])
    settings = LOOK | settings
    with rc_context(settings):
        figure, (above, below) = new_figure(6, 5, rows=2)
        _line(above, history.losses, COLOURS[0])
        above.set(ylabel="training loss")
        above.tick_params(labelbottom=False)
        scores = sign * np.asarray(history.scores, "float64")
        _line(below, scores, COLOURS[1])
        below.set(ylabel=f"validation {name}", xlabel="epoch")
        below.sharex(above)
        if history.best >= 0:
            _mark_best(below, history.best + 1, float(scores[history.best]))
        figure.align_ylabels()
    return chart_of(figure, settings, path)


def _mark_best(axes: Any, epoch: int, value: float) -> None:
    """A ring around the best epoch, and above the axes what it is."""
    axes.plot(
        [epoch], [value], marker="o", markersize=9, markerfacecolor="none",
        markeredgecolor=INK, markeredgewidth=1.2, clip_on=False,
    )  # fmt: skip
    axes.set_title(f"best {value:.4g} in epoch {epoch}", loc="right", fontsize=9)


def _line(
    axes: Any, values: Sequence[float] | Array, colour: str, name: str = ""
) -> None:
    """One curve over epochs, which are whole numbers."""
    few = len(values) <= 40
    axes.plot(
        range(1, len(values) + 1), values, label=name or None, color=colour,
        marker="." if few else None, linewidth=1.6,
    )  # fmt: skip
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(values) < 2:
        axes.set_xlim(0.5, 2.5)


def _part_cells(axes: Any, rows: int, columns: int) -> None:
    """White lines between the cells of a heat map."""
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.0)
    axes.tick_params(which="minor", length=0)
