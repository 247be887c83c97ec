"""Views and casts that cancel: axes moved and moved back, the same lengths again."""

from __future__ import annotations

import numpy as np

from symseq.graph import Apply, Op
from symseq.ops.alloc import Alloc
from symseq.ops.cast import CASTS, cast
from symseq.ops.custom_gradient import CustomGradient
from symseq.ops.dimshuffle import Axis, DimShuffle, dimshuffle
from symseq.ops.elementwise import Elementwise
from symseq.ops.gradient_ops import DisconnectedGrad, GradClip, GradScale, ZeroGrad
from symseq.ops.reshape import Reshape
from symseq.ops.shape import SpecifyShape
from symseq.ops.softmax import Normalized
from symseq.types import is_static_one

from ..rewrite.patterns import (
    as_rank,
    is_length_of,
    is_scalar,
    made_by,
    same_length,
)
from ..rewrite.rules import Replacement, RuleSet

VIEWS = RuleSet()


@VIEWS.rule(DimShuffle)
def merge_dimshuffles(node: Apply) -> Replacement:
    """dimshuffle(dimshuffle(x)) → one dimshuffle, or x: (xᵀ)ᵀ → x"""
    op, (x,) = node.op, node.inputs
    assert isinstance(op, DimShuffle)
    if op.order == tuple(range(x.ndim)):
        return x
    inner = x.owner
    if inner is None or not isinstance(inner.op, DimShuffle):
        return None
    first = inner.op.order
    return dimshuffle(inner.inputs[0], [a if a == "x" else first[a] for a in op.order])


@VIEWS.rule(Reshape)
def useless_reshape(node: Apply) -> Replacement:
    """reshape(x, the lengths of x) → x"""
    x, *given = node.inputs
    if x.ndim != node.outputs[0].ndim:
        return None
    unknown = [k for k, n in enumerate(given) if not is_length_of(n, x, k)]
    # One length alone follows from the others (and from a -1).
    if len(unknown) > 1:
        return None
    rest = [n for k, n in enumerate(x.type.shape) if k not in unknown]
    return x if not unknown or all(_not_zero(n) for n in rest) else None


def _not_zero(length: object) -> bool:
    return isinstance(length, int) and length > 0


@VIEWS.rule(Reshape)
def merge_reshapes(node: Apply) -> Replacement:
    """reshape(reshape(x)) → one reshape; the same past axes of length 1"""
    x = node.inputs[0]
    inner = made_by(x, Reshape, DimShuffle)
    if inner is None or any(v.held == -1 for v in node.inputs[1:]):
        return None
    if isinstance(inner.op, DimShuffle):
        moved = [axis for axis in inner.op.order if axis != "x"]
        if moved != sorted(moved):
            return None
    return node.op.make(inner.inputs[0], *node.inputs[1:])


@VIEWS.rule(Reshape)
def reshape_of_ones(node: Apply) -> Replacement:
    """reshape(x) → dimshuffle(x), where only axes of length 1 come and go"""
    x, output = node.inputs[0], node.outputs[0]
    order: list[Axis] = []
    axis = 0
    lengths_in = x.type.shape
    for length in output.type.shape:
        if is_static_one(length):
            order.append("x")
            continue
        while axis < x.ndim and is_static_one(lengths_in[axis]):
            axis += 1
        if axis == x.ndim or not same_length(lengths_in[axis], length):
            return None
        order.append(axis)
        axis += 1
    left = lengths_in[axis:]
    return dimshuffle(x, order) if all(map(is_static_one, left)) else None


@VIEWS.rule(DimShuffle, sole=True)
def transpose_of_function(node: Apply) -> Replacement:
    """f(xᵀ)ᵀ → f(x), for elementwise f; so with other permutations and new axes"""
    op, inner = node.op, node.inputs[0].owner
    if inner is None or not isinstance(inner.op, Elementwise):
        return None
    wide = [v for v in dict.fromkeys(inner.inputs) if not is_scalar(v)]
    seen = made_by(wide[0], DimShuffle) if len(wide) == 1 else None
    if seen is None or not _undoes(op, seen):
        return None
    (x,) = seen.inputs
    inputs = [x if v is wide[0] else as_rank(v, x.ndim) for v in inner.inputs]
    return inner.op.make(*inputs)


@VIEWS.rule(DimShuffle, sole=True)
def transpose_of_softmax(node: Apply) -> Replacement:
    """softmax(xᵀ)ᵀ → softmax(x) along the other axis; so log softmax"""
    op, inner = node.op, node.inputs[0].owner
    if inner is None or not isinstance(inner.op, Normalized):
        return None
    seen = made_by(inner.inputs[0], DimShuffle)
    if seen is None or not _undoes(op, seen):
        return None
    assert isinstance(seen.op, DimShuffle)
    axis = seen.op.order[inner.op.axis]
    return None if axis == "x" else type(inner.op)(axis)(seen.inputs[0])


def _undoes(op: Op, seen: Apply) -> bool:
    """Whether a dimshuffle brings back what `seen` had moved."""
    assert isinstance(op, DimShuffle) and isinstance(seen.op, DimShuffle)
    order = seen.op.order
    back = [a if a == "x" else order[a] for a in op.order]
    return back == list(range(seen.inputs[0].ndim))


@VIEWS.rule(SpecifyShape)
def known_shape(node: Apply) -> Replacement:
    """specify_shape(x, the lengths of x) → x"""
    op, (x, *given) = node.op, node.inputs
    assert isinstance(op, SpecifyShape)
    axes = [axis for axis, stated in enumerate(op.stated) if stated]
    pairs = zip(axes, given, strict=True)
    return x if all(is_length_of(n, x, axis) for axis, n in pairs) else None


@VIEWS.rule(*CASTS.values())
def useless_cast(node: Apply) -> Replacement:
    """A cast to the dtype that x has → x"""
    (x,) = node.inputs
    return x if x.dtype == node.outputs[0].dtype else None


@VIEWS.rule(*CASTS.values())
def cast_of_cast(node: Apply) -> Replacement:
    """cast(cast(x)) → one cast, where the inner one loses nothing"""
    inner = made_by(node.inputs[0], *CASTS.values())
    if inner is None:
        return None
    source, between = inner.inputs[0], node.inputs[0].dtype
    if not np.can_cast(source.dtype, between, "safe"):
        return None
    wrong = node.outputs[0].dtype == "bool" or between == "bool"
    return None if wrong else cast(source, node.outputs[0].dtype)


@VIEWS.rule(DisconnectedGrad, ZeroGrad, GradClip, GradScale)
def forget_gradient_rule(node: Apply) -> Replacement:
    """disconnected_grad(x) → x: the gradients have been taken"""
    return node.inputs[0]


@VIEWS.rule(CustomGradient)
def forget_custom_gradient(node: Apply) -> Replacement:
    """custom_gradient(y, x) → y: the gradients have been taken"""
    op = node.op
    assert isinstance(op, CustomGradient)
    return node.inputs[: op.count]


@VIEWS.rule(Alloc)
def useless_alloc(node: Apply) -> Replacement:
    """alloc(x, the lengths of x) → x; alloc(alloc(x)) → one alloc"""
    x, *given = node.inputs
    full = x.ndim == len(given) and x.broadcastable == node.outputs[0].broadcastable
    if full and all(is_length_of(n, x, k) for k, n in enumerate(given)):
        return x
    inner = made_by(x, Alloc)
    if inner is None or not is_scalar(inner.inputs[0]):
        return None
    return Alloc(len(given))(inner.inputs[0], *given)
