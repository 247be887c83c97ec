"""Pictures of results, with matplotlib (extra ``examples``), on no screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, fontManager, get_font

from symseq.errors import UsageError
from symseq.types import Array

from .metrics import confusion

OWN_FONT = "DejaVu Sans"


def draw_confusion(
    predicted: Array, labels: Array, classes: Sequence[str], path: str | Path
) -> None:
    """Save a picture of how often each class is taken for which, in % of the class.

    Shapes: predicted, labels: int[N].
    """
    counts = confusion(predicted, labels, len(classes))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    edge = 3 + 0.32 * len(classes)
    figure, axes = new_figure(edge, edge)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(classes)), classes, rotation=90)
    axes.set_yticks(range(len(classes)), classes)
    axes.set(xlabel="predicted", ylabel="true")
    for (row, column), share in np.ndenumerate(shares):
        if counts[row, column]:
            ink = "white" if share > 0.5 else "black"
            shown = f"{100 * share:.0f}"
            axes.text(column, row, shown, ha="center", va="center", c=ink, size=7)
    figure.savefig(path, dpi=120)


def draw_attention(
    weights: Array,
    source: Sequence[str],
    target: Sequence[str],
    path: str | Path,
    *,
    title: str = "",
) -> None:
    """Save a heat map: how much each target token attended to each source token.

    Tokens may be in any script that an installed font has (Debian: fonts-noto-cjk).
    Shapes: weights: float[T, S], rows for target tokens, from 0 to 1.
    Raises: UsageError where the tokens are not as many as the weights.
    """
    if weights.shape != (len(target), len(source)):
        raise UsageError(
            "an attention picture has a row per target token and a column per source "
            f"token; got {len(target)} and {len(source)} for weights "
            f"[{', '.join(map(str, weights.shape))}]"
        )
    with font_for("".join([*source, *target, title])):
        figure, axes = new_figure(2 + 0.34 * len(source), 1.6 + 0.34 * len(target))
        image = axes.imshow(weights, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(source)), source, rotation=90)
        axes.set_yticks(range(len(target)), target)
        axes.set(xlabel="source", ylabel="target", title=title)
        figure.colorbar(image, ax=axes, shrink=0.8, label="attention weight")
        figure.savefig(path, dpi=120)


def draw_curves(
    curves: Mapping[str, Sequence[float]],
    path: str | Path,
    *,
    x: str = "epoch",
    y: str = "loss",
    title: str = "",
) -> None:
    """Save a picture of some numbers by epoch, one line each, from epoch 1 on."""
    figure, axes = new_figure(6, 4)
    for name, values in curves.items():
        axes.plot(range(1, len(values) + 1), values, label=name, marker=".")
    axes.set(xlabel=x, ylabel=y, title=title)
    axes.grid(alpha=0.3)
    if curves:
        axes.legend()
    figure.savefig(path, dpi=120)


def new_figure(width: float, height: float, *, rows: int = 1) -> tuple[Figure, Any]:
    """A figure on no screen, so many inches wide and high, and its axes.

    Returns: axes, or with several rows an array of them.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows)


def font_for(text: str) -> AbstractContextManager[None]:
    """Pictures drawn inside take each letter of `text` from a font that has it.

    matplotlib's own font comes first; a letter that no installed font has stays a box.
    """
    missing = {ord(letter) for letter in text if not letter.isspace()}
    families = [OWN_FONT]
    missing -= _letters(findfont(OWN_FONT))
    for font in sorted(fontManager.ttflist, key=lambda font: (font.name, font.fname)):
        if not missing:
            break
        plain = font.style == "normal" and font.weight in (400, "normal")
        plain = plain and not font.name.startswith("Last Resort")  # boxes for all
        if plain and missing & _letters(font.fname):
            missing -= _letters(font.fname)
            families.append(font.name)
    return rc_context({"font.family": families})


@cache
def _letters(path: str) -> frozenset[int]:
    """The code points that a font file has."""
    return frozenset(get_font(path).get_charmap())
