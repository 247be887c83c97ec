"""Pictures of results, with matplotlib (extra ``examples``), on no screen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from symseq.types import Array

from .metrics import confusion


def draw_confusion(
    predicted: Array, labels: Array, classes: Sequence[str], path: str | Path
) -> None:
    """Save a picture of how often each class is taken for which, in % of the class.

    Shapes: predicted, labels: int[N].
    """
    counts = confusion(predicted, labels, len(classes))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    edge = 3 + 0.32 * len(classes)
    figure = Figure(figsize=(edge, edge), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
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
