"""Nodes that look at memory in another way, or write a part of it."""

from __future__ import annotations

from collections.abc import Sequence

from symseq.graph import Apply, Variable
from symseq.ops import math
from symseq.ops.alloc import Alloc
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.reshape import Reshape
from symseq.ops.shape import SpecifyShape
from symseq.ops.subtensor import INPUT, IncSubtensor, Key, Range, Subtensor
from symseq.ops.take import Put, PutRows

from ..passes.runs import PutRuns, SumRuns
from ..program import Compute, Copy, Kernel, Kind, Value, View
from ..recipe import flatten
from .lowering import Lowering, compute, lowers, lowers_op


@lowers(DimShuffle)
def lower_dimshuffle(lowering: Lowering, node: Apply) -> None:
    """x.transpose(...)[..., None]: axes moved, dropped, inserted."""
    op, (variable,) = node.op, node.outputs
    assert isinstance(op, DimShuffle)
    source = lowering.read(node.inputs[0])
    kept = [axis for axis in op.order if axis != "x"]
    dropped = [axis for axis in range(node.inputs[0].ndim) if axis not in kept]
    moved = [*kept, *dropped]
    text = "{0}"
    if moved != sorted(moved):
        text += f".transpose({', '.join(map(str, moved))})"
    if dropped or "x" in op.order:
        index = ["None" if axis == "x" else ":" for axis in op.order]
        index += ["0"] * len(dropped)
        # A view, where plain integers would give a number.
        text += f"[{', '.join(index if op.order else [*index, '...'])}]"
    ordered = moved == sorted(moved)
    rank = variable.ndim
    inherited = _shifted(op, source.contiguous_from, rank) if ordered else rank
    if source.contiguous_from == 0 and ordered:
        inherited = 0
    flips = not ordered and rank == 2 and source.is_contiguous and len(kept) == 2
    lowering.view(variable, source, text, inherited, transposed=flips)


def _shifted(op: DimShuffle, contiguous_from: int, rank: int) -> int:
    """The first contiguous axis, counted after axes of length 1 came or went."""
    for place, axis in enumerate(op.order):
        if axis != "x" and isinstance(axis, int) and axis >= contiguous_from:
            return place
    return rank


@lowers(Reshape)
def lower_reshape(lowering: Lowering, node: Apply) -> None:
    """x.reshape(lengths): a view of what lies in C order, else of a copy."""
    (variable,) = node.outputs
    source = lowering.read(node.inputs[0])
    if not source.is_contiguous:
        copied = lowering.value(node.inputs[0], Kind.BUFFER, f"{source.name}_c")
        lowering.add(Copy(copied, source, node))
        source = copied
    lowering.view(variable, source, "{0}.reshape({shape})", 0)


@lowers(SpecifyShape)
def lower_specify_shape(lowering: Lowering, node: Apply) -> None:
    """The same array: its lengths were checked when the sizes were worked out."""
    lowering.env[id(node.outputs[0])] = lowering.read(node.inputs[0])


@lowers(Subtensor)
def lower_subtensor(lowering: Lowering, node: Apply) -> None:
    """x[i, a:b]: a view where indices are known at bind, else a copy at each run."""
    op = node.op
    assert isinstance(op, Subtensor)
    x, *indices = node.inputs
    if not all(map(lowering.is_early, indices)):
        compute(lowering, node)
        return
    text, uses = _part(lowering, op.key, indices)
    source = lowering.read(x)
    flat = _contiguous_from(op, source, x)
    lowering.view(node.outputs[0], source, text, flat, uses=uses)


def _part(
    lowering: Lowering, key: Key, indices: Sequence[Variable]
) -> tuple[str, tuple[Value, ...]]:
    """The text of x[key], and the early values that it names."""
    values = tuple(lowering.read(v) for v in indices)
    names = iter(values)
    shown = [_entry(entry, names) for entry in key]
    if not any(":" in entry for entry in shown):
        shown.append("...")  # a view, where plain integers would give a number
    return f"{{0}}[{', '.join(shown)}]", values


@lowers(IncSubtensor)
def lower_inc_subtensor(lowering: Lowering, node: Apply) -> None:
    """x[key] += y: over x's own memory where it is free, through a view of the part."""
    op, (variable,) = node.op, node.outputs
    assert isinstance(op, IncSubtensor)
    x, y, *indices = node.inputs
    if not all(map(lowering.is_early, indices)):
        compute(lowering, node)
        return
    base, added = lowering.read(x), lowering.read(y)
    out = lowering.new(variable)
    if out is not base:
        lowering.add(Copy(out, base, node, overwrites=True))
    text, uses = _part(lowering, op.key, indices)
    part = lowering.value(y, Kind.VIEW, f"{out.name}_part")
    part.source, part.loop = out, out.loop
    part.contiguous_from = _contiguous_from(op, out, x)
    lowering.add(View(part, text, node, uses))
    if op.replace:
        lowering.add(Copy(part, added, node))
    else:
        lowering.add(
            Kernel(part, (part, added), flatten(math.add.op.text, 2), (), node)
        )


@lowers(Put, PutRows)
def lower_put(lowering: Lowering, node: Apply) -> None:
    """x[ids] += y: over x's own memory where it is free."""
    if not adds_in_place(node):
        compute(lowering, node)
        return
    inputs = tuple(lowering.read(v) for v in node.inputs)
    out = lowering.new(node.outputs[0])
    lowering.add(Compute((out,), inputs, overwrites=True, node=node))


@lowers(SumRuns, PutRuns)
def lower_runs(lowering: Lowering, node: Apply) -> None:
    """rows or x changed: over their own memory where it is free."""
    inputs = tuple(lowering.read(v) for v in node.inputs)
    out = lowering.new(node.outputs[0])
    lowering.add(Compute((out,), inputs, overwrites=True, node=node))


def adds_in_place(node: Apply) -> bool:
    """Whether a node adds to elements that leading indices of its first input name."""
    op = node.op
    if not isinstance(op, Put) or op.axis or op.replace:
        return False
    if node.outputs[0].dtype == "bool":
        return False  # NumPy adds no bools up, and raises
    x, y, *ids = node.inputs
    flags = tuple(
        all(axis) for axis in zip(*(one.broadcastable for one in ids), strict=True)
    )
    return y.broadcastable == (*flags, *x.broadcastable[len(ids) :])


def check_indices(lowering: Lowering, node: Apply) -> None:
    """A step without results that raises where a scatter in the updates would."""
    x, _, *ids = node.inputs
    inputs = tuple(lowering.read(v) for v in (x, *ids))
    lowering.add(Compute((), inputs, node=node))


@lowers(Alloc)
def lower_alloc(lowering: Lowering, node: Apply) -> None:
    """A value repeated: one broadcasting copy."""
    value = lowering.read(node.inputs[0])
    lowering.add(Copy(lowering.new(node.outputs[0]), value, node))


@lowers_op(math.fill.op)
def lower_fill(lowering: Lowering, node: Apply) -> None:
    """The second operand stretched: one broadcasting copy."""
    value = lowering.read(node.inputs[1])
    lowering.add(Copy(lowering.new(node.outputs[0]), value, node))


def _entry(entry: object, values: object) -> str:
    def show(bound: object) -> str:
        if bound == INPUT:
            value = next(values)  # type: ignore[call-overload]
            return f"int({value.name})"
        return "" if bound is None else str(bound)

    if isinstance(entry, Range):
        start, stop, step = map(show, entry.bounds)
        return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"
    return show(entry)


def _contiguous_from(op: Subtensor | IncSubtensor, source: Value, x: Variable) -> int:
    """From which axis of x[key] on the elements lie side by side."""
    whole, axis_out = source.contiguous_from, 0
    answer = 0
    for axis in range(x.ndim):
        entry = op.key[axis] if axis < len(op.key) else Range()
        if not isinstance(entry, Range):
            if axis_out:
                answer = axis_out
            continue
        if entry.step not in (None, 1):
            answer = axis_out + 1
        elif not entry.is_full and axis_out:
            answer = axis_out
        if axis < whole:
            answer = max(answer, axis_out + 1)
        axis_out += 1
    return min(answer, axis_out)
