"""Slices: the part of an array that a key keeps, or that is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from symseq.draw.arrays.moves import moved, with_cells
from symseq.draw.arrays.panel import PALETTE, Mark, Panel, Step
from symseq.draw.arrays.sizes import UNKNOWN
from symseq.draw.arrays.trace import Line
from symseq.draw.labels import inline, uncast
from symseq.graph import Apply, Variable, known_length
from symseq.ops.keys import Key, Range, bind
from symseq.ops.subtensor import IncSubtensor, Subtensor
from symseq.printing.formula import Term, term_of
from symseq.types import Array

if TYPE_CHECKING:
    from symseq.draw.arrays.describe import Describer

Made = tuple[Step, list[Variable]]
Box = tuple[tuple[int, int], ...]  # a range along each axis
MOST_BOXES = 12


def kept_part(describer: Describer, node: Apply) -> Made:
    """The part of an array that a key keeps; slices side by side in one step."""
    assert isinstance(node.op, Subtensor)
    x, entries = node.inputs[0], node.op.key
    if any(isinstance(e, Range) and e.step not in (None, 1) for e in entries):
        return jump(describer, node)
    nodes = describer.slices.get(id(node), [node])
    whole, results = describer.panel(x), []
    marks: list[Mark] = []
    for k, one in enumerate(nodes):
        colour = PALETTE[k % len(PALETTE)]
        name = describer.pieces.get(id(one), "")
        boxes = kept_boxes(describer, one)
        made = describer.panel(one.outputs[0])
        if boxes is not None:
            marks += [Mark(box, colour, name) for box in boxes]
            made = sized(describer, made, one, boxes)
            full = tuple((0, side.size) for side in made.sides)
            made = replace(made, marks=(Mark(full, colour),))
        results.append(made)
    whole = replace(whole, marks=tuple(marks))
    note = f"parts of {describer.called.name(x)}" if len(nodes) > 1 else ""
    key = "" if len(nodes) > 1 else key_text(describer, node)
    pieces = (whole, key) if key else (whole,)
    return Step(pieces, tuple(results), note=note), [x]


def sized(
    describer: Describer, panel: Panel, node: Apply, boxes: Sequence[Box]
) -> Panel:
    """A part whose lengths nobody named, as long as what is marked of the whole."""
    assert isinstance(node.op, Subtensor)
    key, rank = node.op.key, node.inputs[0].ndim
    kept = [k for k in range(rank) if k >= len(key) or isinstance(key[k], Range)]
    sides = list(panel.sides)
    for at, (axis, size) in enumerate(
        zip(kept, describer.sizes.shape(node.outputs[0]), strict=True)
    ):
        if size is None:
            runs = {box[axis] for box in boxes}
            length = sum(stop - start for start, stop in runs)
            sides[at] = replace(sides[at], size=length)
    return replace(panel, sides=tuple(sides))


def written(describer: Describer, node: Apply) -> Made:
    """An array of which a part is set, or added to: the result has that part marked."""
    assert isinstance(node.op, IncSubtensor)
    step, read = describer.formula(node)
    boxes = region(describer, node.op.key, node.inputs[0], node.inputs[2:])
    if boxes is None:
        return step, read
    marks = tuple(Mark(box, PALETTE[0]) for box in boxes)
    (result,) = step.results
    return replace(step, results=(replace(result, marks=marks),)), read


def jump(describer: Describer, node: Apply) -> Made:
    """A slice that leaves out elements or turns them round: numbered cells."""
    x, y = node.inputs[0], node.outputs[0]
    source, result = describer.panel(x), describer.panel(y)
    found = moved(node, describer.sizes, describer.values)
    if found is not None:
        source, result = with_cells(source, found[0]), with_cells(result, found[1])
    return Step((source, key_text(describer, node)), (result,)), [x]


def key_text(describer: Describer, node: Apply) -> str:
    """[1:3] or [i, :n]."""
    indices = map(uncast, node.inputs[1:])
    terms = [inline(v) or Term(describer.called.name(v)) for v in indices]
    blank = Line(set()).operand(node.inputs[0], (), ())
    text = term_of(node, [blank, *terms]).text
    return text[text.index("[") :] if "[" in text else ""


def kept_boxes(describer: Describer, node: Apply) -> list[Box] | None:
    """Where a slice's elements lie in what it is a slice of; None where not known."""
    assert isinstance(node.op, Subtensor)
    return region(describer, node.op.key, node.inputs[0], node.inputs[1:])


def region(
    describer: Describer, key: Key, x: Variable, indices: Sequence[Variable]
) -> list[Box] | None:
    """The ranges of x that a key keeps, along each axis; None where not known."""
    shape = [UNKNOWN if n is None else n for n in describer.sizes.shape(x)]
    held = [number(describer, v) for v in indices]
    if any(n is None for n in held):
        return None
    boxes: list[Box] = [()]
    entries = bind(key, iter(held))
    for axis, size in enumerate(shape):
        entry = entries[axis] if axis < len(entries) else slice(None)
        if not isinstance(entry, slice) and not -size <= entry < size:
            return None  # beyond what is drawn of an unknown length
        kept = np.arange(size)[entry if isinstance(entry, slice) else [entry]]
        runs = runs_of(np.sort(kept))
        if not runs or len(runs) * len(boxes) > MOST_BOXES:
            return None
        boxes = [(*box, run) for box in boxes for run in runs]
    return boxes


def number(describer: Describer, variable: Variable) -> int | None:
    """The number that an index is here, if one is known."""
    length = known_length(variable)
    if length is not None:
        return describer.sizes.number(length)
    value = describer.values.of(uncast(variable))
    return None if value is None else int(value)


def runs_of(kept: Array) -> list[tuple[int, int]]:
    """Neighbouring numbers as ranges."""
    if not kept.size:
        return []
    cuts = np.flatnonzero(np.diff(kept) > 1)
    starts, stops = [0, *(cuts + 1)], [*cuts, kept.size - 1]
    return [
        (int(kept[a]), int(kept[b]) + 1) for a, b in zip(starts, stops, strict=True)
    ]


def is_cut(node: Apply) -> bool:
    """Whether a node is a slice along one axis, of ranges alone."""
    if not isinstance(node.op, Subtensor):
        return False
    entries = node.op.key
    cut = [e for e in entries if not (isinstance(e, Range) and e.is_full)]
    return len(cut) == 1 and isinstance(cut[0], Range)


def cut_axis(node: Apply) -> int:
    """The axis along which a slice is one."""
    assert isinstance(node.op, Subtensor)
    return next(
        k for k, e in enumerate(node.op.key) if not (isinstance(e, Range) and e.is_full)
    )
