"""Lengths of values are those of what they are made of; the values are not needed."""

from __future__ import annotations

from symseq.graph import Apply, Variable
from symseq.ops.alloc import Alloc
from symseq.ops.convert import constant
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.elementwise import Elementwise
from symseq.ops.gradient_ops import Identity
from symseq.ops.join import Join
from symseq.ops.keys import at_least
from symseq.ops.linalg import Dot
from symseq.ops.reduce import Reduction
from symseq.ops.reshape import Reshape
from symseq.ops.shape import ShapeOf, length_of
from symseq.ops.softmax import Normalized
from symseq.ops.subtensor import IncSubtensor, Subtensor
from symseq.ops.take import Gather, Put

from ..rewrite.patterns import held_int, made_by
from ..rewrite.rules import Replacement, RuleSet
from ..rewrite.unsure_lengths import compares_lengths

SHAPES = RuleSet()
SAME = (Normalized, Identity, IncSubtensor, Put)  # as long as the first input


@SHAPES.rule(Subtensor)
def length_of_result(node: Apply) -> Replacement:
    """length of f(x) → length of x; of a · b → of a; of reshape(x, n) → n; and so on"""
    op, inner = node.op, made_by(node.inputs[0], ShapeOf)
    assert isinstance(op, Subtensor)
    if inner is None or len(op.key) != 1 or not isinstance(op.key[0], int):
        return None
    (x,) = inner.inputs
    if x.owner is None or compares_lengths(x.owner):
        return None
    return _length(x.owner, op.key[0] % x.ndim)


def _length(node: Apply, axis: int) -> Variable | None:
    """The length of the node's one output along `axis`, from its inputs."""
    op, x = node.op, node.inputs[0] if node.inputs else None
    if x is None:
        return None
    if isinstance(op, SAME):
        return length_of(x, axis)
    if isinstance(op, Elementwise):
        full = [v for v in node.inputs if not v.broadcastable[axis]]
        return length_of(full[0], axis) if full else None
    if isinstance(op, DimShuffle):
        source = op.order[axis]
        return constant(1, "int64") if source == "x" else length_of(x, source)
    if isinstance(op, Dot):
        return length_of(x, 0) if axis < x.ndim - 1 else length_of(node.inputs[1], -1)
    if isinstance(op, Reduction):
        return length_of(x, [k for k in range(x.ndim) if k not in op.axes][axis])
    if isinstance(op, (Reshape, Alloc)):
        given = node.inputs[1 + axis]
        return given if isinstance(op, Alloc) or _is_length(given) else None
    if isinstance(op, Join):
        return None if axis == op.axis else length_of(x, axis)
    return _gathered(node, op, axis) if isinstance(op, Gather) else None


def _gathered(node: Apply, op: Gather, axis: int) -> Variable | None:
    """Of x[..., ids, ...] where the axis is x's own, or one that an index spans."""
    x, *ids = node.inputs
    rank = ids[0].ndim
    if axis < op.axis:
        return length_of(x, axis)
    if axis >= op.axis + rank:
        return length_of(x, axis - rank + len(ids))
    full = [one for one in ids if not one.broadcastable[axis - op.axis]]
    return length_of(full[0], axis - op.axis) if full else None


def _is_length(given: Variable) -> bool:
    """Whether a length of a reshape is surely no -1."""
    shape = made_by(given, Subtensor)
    if shape is not None and made_by(shape.inputs[0], ShapeOf):
        return True
    held = held_int(given)
    return held is not None and at_least(held) >= 0
