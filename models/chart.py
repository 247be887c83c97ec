"""A chart of matplotlib's that shows itself in notebooks and saves itself whole."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from symseq.errors import UsageError
from symseq.files import write_whole


@dataclass(frozen=True, eq=False)
class Chart:
    """A picture that shows itself in a notebook and saves itself to files."""

    figure: Figure
    settings: Mapping[Any, Any] = field(default_factory=dict)

    @cached_property
    def svg(self) -> str:
        return self._written("svg").decode()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write an .svg, .png or .pdf file, whole or not at all; its path.

        Raises: UsageError for another ending.
        """
        to = Path(path)
        write_whole(to, self._written(form_of(to)))
        return to

    def _written(self, form: str) -> bytes:
        file = io.BytesIO()
        dated = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
        with rc_context(dict(self.settings)):
            self.figure.savefig(
                file, format=form, dpi=150, metadata=dated[form],
                bbox_inches="tight", pad_inches=0.1,
            )  # fmt: skip
        return file.getvalue()

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_mimebundle_(self, **asked: object) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}


def form_of(path: Path) -> str:
    """The format that a chart's file asks for. Raises: UsageError for another one."""
    form = path.suffix.lstrip(".").lower()
    if form not in ("svg", "png", "pdf"):
        raise UsageError(f"a chart must end in .svg, .png or .pdf; got {path.name!r}")
    return form


def new_figure(width: float, height: float, *, rows: int = 1) -> tuple[Figure, Any]:
    """A figure on no screen, so many inches wide and high, and its axes.

    Returns: axes, or with several rows an array of them.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows)


def chart_of(
    figure: Figure, settings: dict[Any, Any], path: str | Path | None
) -> Chart:
    """A figure's chart, saved where a path is given."""
    chart = Chart(figure, settings)
    if path is not None:
        chart.save(path)
    return chart
