"""Gradients often read a value only for its lengths: those are taken from inputs.

shape(dot(x, w))[0] → shape(x)[0]        fill(dot(x, w), g) → fill(zeros, g)
"""

from __future__ import annotations

from collections.abc import Sequence

from symseq.graph import Apply, Variable
from symseq.lengths import size_of
from symseq.ops.alloc import alloc
from symseq.ops.convert import constant
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.elementwise import Elementwise
from symseq.ops.gradient_ops import Identity
from symseq.ops.join import Join
from symseq.ops.linalg import BatchedDot, Dot
from symseq.ops.reduce import Reduction
from symseq.ops.shape import ShapeOf, length_of
from symseq.ops.softmax import Normalized
from symseq.ops.subtensor import IncSubtensor, Range, Subtensor
from symseq.ops.take import Gather, Put
from symseq.scan.roles import Roles
from symseq.span import deriving
from symseq.traverse import rebuild, sort_nodes
from symseq.types import is_static_one

# As long as the first input.
SAME = (Normalized, Identity, IncSubtensor, Put)


def read_lengths_only(op: Roles, backward: Sequence[Variable]) -> list[Variable]:
    """The backward step without reads of computed values for their lengths alone."""
    inside = [v for node in op.body.nodes for v in node.outputs]
    native = {id(v) for v in inside}
    new: dict[int, Variable] = {}
    for node in sort_nodes(backward, stop=[*inside, *op.body.inputs]):
        inputs = [new.get(id(v), v) for v in node.inputs]
        with deriving(node.spans, node.kind):
            made = _without(node, inputs, native, op)
        if made is not None:
            new[id(node.outputs[0])] = made
        elif any(id(v) in new for v in node.inputs):
            rebuild(node, inputs, new)
    return [new.get(id(v), v) for v in backward]


def _without(
    node: Apply, inputs: Sequence[Variable], native: set[int], op: Roles
) -> Variable | None:
    """The node's value without its computed operand, or None."""
    if isinstance(node.op, Subtensor) and len(node.op.key) == 1:
        (entry,), source = node.op.key, inputs[0].owner
        if isinstance(entry, int) and source is not None and source.op == ShapeOf():
            (v,) = source.inputs
            return length_inside(v, entry % v.ndim, op) if id(v) in native else None
    if node.op.name == "fill" and id(node.inputs[0]) in native:
        v = node.inputs[0]
        found = [length_inside(v, axis, op) for axis in range(v.ndim)]
        lengths = [n for n in found if n is not None]
        if len(lengths) == v.ndim:
            # A declared 1 must stay one, for it decides what broadcasts.
            return node.op(alloc(constant(0, v.dtype), *lengths), inputs[1])
    return None


def length_inside(v: Variable, axis: int, op: Roles) -> Variable | None:
    """The length of an axis of a value in the body, read off the body's inputs."""
    stack, seen = [(v, axis)], set()
    while stack:
        v, axis = stack.pop()
        found = _length_at(v, axis, op)
        if found is not None:
            return found
        if (id(v), axis) not in seen and v.owner is not None:
            seen.add((id(v), axis))
            stack.extend(same_length(v.owner, axis))
    return None


def _length_at(v: Variable, axis: int, op: Roles) -> Variable | None:
    """The length where it is known here: a number, a name, or an input's own."""
    known = v.type.shape[axis]
    size = size_of(known)
    if size is not None:
        return constant(size, "int64")
    if known is not None:
        for w in op.body.inputs:
            if known in w.type.shape:
                return length_of(w, w.type.shape.index(known))
    return length_of(v, axis) if v in op.body.inputs else None


def same_length(node: Apply, axis: int) -> list[tuple[Variable, int]]:
    """(operand, axis) pairs that have the length of this axis of the node's output."""
    op, inputs = node.op, node.inputs
    if isinstance(op, SAME):
        return [(inputs[0], axis)]
    if isinstance(op, Elementwise):
        return [(x, axis) for x in inputs if not is_static_one(x.type.shape[axis])]
    if isinstance(op, DimShuffle):
        source = op.order[axis]
        return [] if source == "x" else [(inputs[0], source)]
    if isinstance(op, Subtensor):
        key = [*op.key, *[Range()] * (inputs[0].ndim - len(op.key))]
        kept = [k for k, entry in enumerate(key) if isinstance(entry, Range)]
        return [(inputs[0], kept[axis])] if key[kept[axis]] == Range() else []
    if isinstance(op, Reduction):
        return [
            (inputs[0], [k for k in range(inputs[0].ndim) if k not in op.axes][axis])
        ]
    if isinstance(op, Dot):
        a, b = inputs
        return [(a, axis) if axis < a.ndim - 1 else (b, axis - a.ndim + 2)]
    if isinstance(op, BatchedDot):
        return [(x, axis) for k, x in enumerate(inputs) if axis in (0, k + 1)]
    if isinstance(op, Join):
        return [] if axis == op.axis else [(x, axis) for x in inputs]
    return _of_gather(node, op, axis) if isinstance(op, Gather) else []


def _of_gather(node: Apply, op: Gather, axis: int) -> list[tuple[Variable, int]]:
    """Of x[..., ids, ...] where the axis is x's own, or one that an index spans."""
    x, *ids = node.inputs
    rank = ids[0].ndim
    if axis < op.axis:
        return [(x, axis)]
    if axis >= op.axis + rank:
        return [(x, axis - rank + len(ids))]
    place = axis - op.axis
    return [(one, place) for one in ids if not is_static_one(one.type.shape[place])]
