"""``draw(x, style="arrays")``: the arrays of a graph, as learners draw them."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from symseq.draw.arrays.describe import Describer
from symseq.draw.arrays.named import Called
from symseq.draw.arrays.page import Page
from symseq.draw.arrays.panel import Heading, Step
from symseq.draw.arrays.sizes import Sizes
from symseq.draw.arrays.steps import Rows, Steps
from symseq.draw.arrays.values import Values, given_values
from symseq.errors import TargetError, UsageError
from symseq.files import write_whole
from symseq.graph import BodyOp, Variable
from symseq.printing.inside import variables_of
from symseq.traverse import leaves, sort_nodes

CAIRO = "cairosvg"
FORMATS = ("svg", "png", "pdf")
LabelBox = tuple[float, float, float, float, str]


@dataclass(frozen=True, eq=False)
class ArraysPicture:
    """A picture of arrays; ``labels``: boxes (x, y, width, height) of all text."""

    svg: str
    labels: tuple[LabelBox, ...]
    hidden: int  # how many steps were left out

    def save(self, to: str | os.PathLike[str]) -> Path:
        """Write an .svg, .png or .pdf file, whole or not at all; its path.

        Raises: UsageError for another ending; TargetError for .png and .pdf without
            the package cairosvg.
        """
        path = Path(to)
        form = path.suffix.lstrip(".").lower()
        if form not in FORMATS:
            raise UsageError(
                f"a picture of arrays must end in .svg, .png or .pdf; got {path.name!r}"
            )
        write_whole(path, self.svg.encode() if form == "svg" else self._converted(form))
        return path

    def _converted(self, form: str) -> bytes:
        if importlib.util.find_spec(CAIRO) is None:
            raise TargetError(
                f"{form} of a picture of arrays needs the package {CAIRO}, "
                "which is not here",
                hint=f"pip install {CAIRO}, or save as .svg, which needs nothing",
            )
        # Loaded when asked for: it is optional.
        cairo = importlib.import_module(CAIRO)
        convert = cairo.svg2png if form == "png" else cairo.svg2pdf
        how = {"scale": 2.0} if form == "png" else {}
        return bytes(convert(bytestring=self.svg.encode(), **how))

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_mimebundle_(self, **asked: object) -> dict[str, str]:
        """For notebooks: the image, and text for those that show none."""
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}


def draw_arrays(
    what: object,
    to: str | os.PathLike[str] | None = None,
    *,
    shapes: Mapping[str, int] | None = None,
    values: Mapping[object, object] | None = None,
    ops: Collection[str] = (),
    fold: bool = True,
    max_nodes: int = 60,
) -> ArraysPicture:
    """The arrays of `what`, step by step: operands → result, their axes named.

    A vector is a strip, a matrix a rectangle, rank 3 a cuboid (its first axis goes
    back), higher ranks a row of cuboids. An axis that is summed is coloured, in both
    factors; what is stretched is dashed; parts that are cut, taken or joined, and
    elements that a reshape moves, have equal colours before and after. A loop's step
    is in a frame.

    Args:
        what: a variable, several, or an object with ``outputs`` or ``variables``.
        to: a file ending in .svg; .png and .pdf need the package cairosvg.
        shapes: numbers for named lengths without a size, by name: ``{"T": 5}``.
        values: arrays for inputs, by variable or name: shows which rows are taken.
        ops: names of the ops that are drawn (all where empty).
        fold: whether the ops on one line of the user's are one step.
        max_nodes: how many steps are drawn at most: those nearest to `what`.
    Raises: UsageError for a length or value that does not fit, another ending, or where
        there is nothing to draw; TargetError for a .png or .pdf without cairosvg.

    >>> import symseq as ss
    >>> x = ss.TensorType("float32", ss.dims("B D"))("x")
    >>> W = ss.TensorType("float32", ss.dims("D H"))("W")
    >>> "D is summed over" in ss.draw(ss.tensor.dot(x, W), style="arrays").svg
    True
    """
    outputs = variables_of(what)
    if not outputs:
        raise UsageError("there is nothing to draw: got no variable")
    given = given_values(values or {}, leaves(outputs))
    sizes = Sizes(shapes or {})
    sizes.enter(_variables(outputs), given)
    describer = Describer(
        sizes, Values(given), Called(), outputs={id(v) for v in outputs}
    )
    rows = Steps(describer, fold, ops=ops).rows(outputs)
    if not rows:
        rows = [Step((), tuple(describer.panel(v) for v in outputs))]
    rows, hidden = _bounded(rows, max_nodes)
    page = Page(sizes)
    svg = page.write(rows)
    picture = ArraysPicture(svg, tuple(page.canvas.labels), hidden)
    if to is not None:
        picture.save(to)
    return picture


def _variables(outputs: list[Variable]) -> list[Variable]:
    """All variables of a graph, those inside of loops too; inputs first."""
    found: dict[int, Variable] = {}
    stack = [outputs]
    while stack:
        some = stack.pop()
        nodes = sort_nodes(some)
        for variable in [*leaves(some), *(v for n in nodes for v in n.outputs)]:
            found.setdefault(id(variable), variable)
        for node in nodes:
            if isinstance(node.op, BodyOp):
                stack += [list(made) for _, made in node.op.bodies()]
    return list(found.values())


def _bounded(rows: Rows, most: int) -> tuple[Rows, int]:
    """The last rows where there are too many, under a word about the others."""
    steps = [k for k, row in enumerate(rows) if isinstance(row, Step)]
    hidden = max(len(steps) - most, 0)
    if not hidden:
        return rows, 0
    kept = rows[steps[hidden] :]
    # The headings of the loops that the first of them is in.
    open_: dict[int, Heading] = {}
    for row in rows[: steps[hidden]]:
        open_ = {d: title for d, title in open_.items() if d <= row.depth}
        if isinstance(row, Heading):
            open_[row.depth] = row
    around = [title for depth, title in open_.items() if depth <= kept[0].depth]
    word = f"{hidden} earlier step{'s' * (hidden > 1)} not drawn (max_nodes={most})"
    return [Heading(word), *around, *kept], hidden
