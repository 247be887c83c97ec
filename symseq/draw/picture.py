"""Draw a graph: to a file, or as an object that notebooks show."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from inspect import signature
from pathlib import Path
from typing import Any

from symseq.draw.arrays.picture import draw_arrays
from symseq.draw.build import build
from symseq.draw.cell import cell_dot
from symseq.draw.legible import legible
from symseq.draw.levels import at_level, stress
from symseq.draw.render import format_of, render
from symseq.draw.scene import Scene
from symseq.draw.tree import tree
from symseq.draw.write import dot_text
from symseq.errors import UsageError
from symseq.files import write_whole
from symseq.graph import SharedVariable, Variable
from symseq.printing.inside import variables_of
from symseq.span import here

WIDEST = 690  # points: the column of a notebook


@dataclass(frozen=True, eq=False)
class Picture:
    """A graph's picture: ``dot`` is its text in Graphviz's language."""

    dot: str

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text. Raises: TargetError where Graphviz is missing."""
        return legible(render(self.dot, "svg").decode())

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
        return fitted(self.svg)

    def _repr_mimebundle_(self, **asked: object) -> dict[str, str]:
        """For notebooks: the image, and text for those that show none."""
        return {"image/svg+xml": self._repr_svg_(), "text/plain": repr(self)}


def fitted(svg: str) -> str:
    """A picture that is wider than the column of a notebook, made as wide as that."""
    found = re.search(r'<svg width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    scale = WIDEST / float(found[1]) if found else 1.0
    if found is None or scale >= 1:
        return svg
    edges = f'<svg width="{WIDEST}pt" height="{scale * float(found[2]):.0f}pt"'
    return svg[: found.start()] + edges + svg[found.end() :]


# What draws each style: name → function(what, **options). Other kinds of pictures
# enter themselves.
STYLES: dict[str, Callable[..., Any]] = {}


def draw_graph(
    what: object,
    *,
    legend: bool = True,
    detail: str = "full",
    max_nodes: int | None = 400,
    highlight: Sequence[Variable] = (),
    rewritten: bool = False,
) -> Picture:
    """The graph itself: style "graph" of `draw`, which says what each argument is."""
    if rewritten:
        what = getattr(what, "rewritten", None)
        if what is None:
            raise UsageError("only a compiled function has a rewritten graph")
    if not all(isinstance(v, Variable) for v in highlight):
        raise UsageError(f"highlight takes variables; got {highlight!r}")
    scene = scene_of(what, highlight)
    if highlight:
        scene = stress(scene, scene.marks)
    return Picture(dot_text(at_level(scene, detail, max_nodes), legend))


def scene_of(what: object, marks: Sequence[Variable] = ()) -> Scene:
    """The scene of a graph; of what has a ``scene()`` of its own; of a model's tree."""
    own, parameters = getattr(what, "scene", None), _parameters(what)
    if marks and (callable(own) or parameters is not None):
        raise UsageError(f"highlight needs a graph; got {type(what).__name__}")
    if callable(own):
        scene: Scene = own()
        return scene
    if parameters is not None:
        return tree(parameters, type(what).__name__)
    updates = {} if isinstance(what, Mapping) else getattr(what, "updates", {})
    shown = variables_of(what)
    if not shown and not updates:
        raise UsageError("there is nothing to draw: got no variable and no update")
    return build(shown, dict(updates), marks)


def _parameters(what: object) -> Mapping[str, SharedVariable] | None:
    """Those of a model: of what has `parameters()`."""
    own = getattr(what, "parameters", None)
    return own() if callable(own) and not isinstance(what, (Variable, type)) else None


def called_with(model: object, inputs: Sequence[object]) -> object:
    """What a model makes of its inputs. Raises: UsageError for what is no model."""
    if _parameters(model) is None or not callable(model):
        raise UsageError(f"only a model has `inputs`; got {type(model).__name__}")
    return model(*inputs)


def draw_cell(what: object) -> Picture:
    """The cells of the loops that `what` needs, as textbooks draw them: style "cell".

    Raises: UsageError where no scan is needed.
    """
    return Picture(cell_dot(what))


STYLES["graph"] = draw_graph
STYLES["cell"] = draw_cell
STYLES["arrays"] = draw_arrays


def draw(
    what: object,
    to: str | os.PathLike[str] | None = None,
    *,
    style: str = "graph",
    inputs: Sequence[object] | Variable = (),
    **options: Any,
) -> Any:
    """A picture of the graph of `what`, written to the file `to` where one is given.

    Ellipses are inputs and outputs, cylinders are shared parameters, boxes are
    operations; each edge says its dtype and named lengths; a loop is a frame with its
    body in it, dashed edges carry its states. The user's line is the tooltip.

    Args:
        what: a variable, several, a function (with its updates), a plan (``f.plan``:
            its steps in order, by what they read and write), or a model.
        to: a file ending in .svg (pip alone), .png, .pdf (Graphviz's dot) or .dot.
        inputs: what a model is called with: its graph is drawn. Without them it is
            drawn as it stands: its modules, and the parameters in each.
        style: "graph", or another kind of picture with options of its own: "arrays"
            (`symseq.draw.arrays`: shapes, values, ops, fold, max_nodes), "cell" (the
            step of each loop as textbooks draw it, its equations below).
        legend: whether to explain the shapes in a row at the bottom.
        detail: "full"; "ops" draws a run of elementwise ops as its formula and leaves
            out what only computes lengths, which the edges say; "layers" closes groups
            (`ss.group`, the modules of a model) to boxes besides.
        max_nodes: how many nodes a picture may have (None: any number): what has more
            closes its innermost loops and groups, the largest first, then what single
            lines of the user's wrote, and says so under the picture.
        highlight: variables: all that leads from each to the next is strong, the rest
            pale. `highlight=(x, cost)` is what `cost` reads of `x`.
        rewritten: of a function, the graph that runs, after all passes.
    Raises: UsageError for another ending, style, option or detail, where there is
        nothing to draw, or where nothing leads from one variable to the next;
        TargetError where Graphviz is missing.
    """
    if style not in STYLES:
        known = ", ".join(sorted(STYLES))
        raise UsageError(f"style is one of {known}; got {style!r}")
    check_options(style, options)
    given = [inputs] if isinstance(inputs, Variable) else list(inputs)
    picture = STYLES[style](called_with(what, given) if given else what, **options)
    if to is not None:
        picture.save(to)
    return picture


def check_options(style: str, options: Mapping[str, object]) -> None:
    """Raises: UsageError for what a style does not take, which says what it takes."""
    takes = [
        name
        for name in signature(STYLES[style]).parameters
        if name not in ("what", "to")
    ]
    for name in options:
        if name not in takes:
            near = get_close_matches(name, takes, 1)
            raise UsageError(
                f"a picture of style {style!r} takes no {name!r}",
                hint=f"did you mean {near[0]!r}?" if near
                else f"it takes {', '.join(takes)}" if takes else "it takes no options",
            ).at(here())  # fmt: skip


def pydotprint(
    fct: object, outfile: str | os.PathLike[str] = "graph.svg", **ignored: object
) -> Picture:
    """Theano's name for `draw`; its settings of looks are accepted and ignored."""
    picture: Picture = draw(fct, outfile)
    return picture
