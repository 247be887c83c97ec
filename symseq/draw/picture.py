"""Draw a graph: to a file, or as an object that notebooks show."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from symseq.draw.build import build
from symseq.draw.render import format_of, render, write_whole
from symseq.draw.write import dot_text
from symseq.printing.inside import variables_of


@dataclass(frozen=True, eq=False)
class Picture:
    """A graph's picture: ``dot`` is its text in Graphviz's language."""

    dot: str

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text. Raises: TargetError where Graphviz is missing."""
        return render(self.dot, "svg").decode()

    def save(self, to: str | os.PathLike[str]) -> Path:
        """Write an .svg, .png, .pdf or .dot file, whole or not at all; its path.

        Raises: UsageError for another ending, TargetError where Graphviz is missing.
        """
        path = Path(to)
        form = format_of(path)
        data = self.svg.encode() if form == "svg" else render(self.dot, form)
        write_whole(path, data)
        return path

    def _repr_svg_(self) -> str:
        return self.svg


def draw(
    what: object, to: str | os.PathLike[str] | None = None, *, legend: bool = True
) -> Picture:
    """A picture of the graph of `what`, written to the file `to` where one is given.

    Ellipses are inputs and outputs, cylinders are shared parameters, boxes are
    operations; each edge says its dtype and named lengths; a loop is a frame with its
    body in it, dashed edges carry its states. The user's line is the tooltip.

    Args:
        what: a variable, several, or an object with ``outputs`` or ``variables``.
        to: a file ending in .svg (pip alone), .png, .pdf (Graphviz's dot) or .dot.
        legend: whether to explain the shapes in a row at the bottom.
    Raises: UsageError for another ending, TargetError where Graphviz is missing.
    """
    picture = Picture(dot_text(build(variables_of(what)), legend))
    if to is not None:
        picture.save(to)
    return picture


def pydotprint(
    fct: object, outfile: str | os.PathLike[str] = "graph.svg", **ignored: object
) -> Picture:
    """Theano's name for `draw`; its settings of looks are accepted and ignored."""
    return draw(fct, outfile)
