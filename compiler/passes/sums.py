"""Reductions: merged, over fewer axes, of what was repeated, and moved past views."""

from __future__ import annotations

import numpy as np

from symseq.graph import Apply, Variable
from symseq.ops import math
from symseq.ops.alloc import Alloc, alloc
from symseq.ops.cast import cast
from symseq.ops.dimshuffle import Axis, DimShuffle, dimshuffle, pad_left
from symseq.ops.reduce import All, Any, Max, Min, Reduction, Sum
from symseq.ops.reshape import Reshape, product
from symseq.ops.shape import length_of
from symseq.ops.take import Put, PutRows, put
from symseq.types import is_static_one

from ..rewrite.patterns import (
    FILL,
    counts_along,
    made_by,
    number_like,
    number_of,
    positive,
    spread,
)
from ..rewrite.rules import Replacement, RuleSet

SUMS = RuleSet()
KINDS = (Sum, Max, Min, All, Any)
NEG, MUL, DIV = math.neg.op, math.mul.op, math.true_div.op


@SUMS.rule(*KINDS, sole=True)
def reduction_of_reduction(node: Apply) -> Replacement:
    """Σ_i Σ_j x → Σ_ij x; the same of max, min, all and any"""
    op = node.op
    assert isinstance(op, Reduction)
    inner = made_by(node.inputs[0], type(op))
    if inner is None or not isinstance(inner.op, Reduction):
        return None
    x = inner.inputs[0]
    left = [axis for axis in range(x.ndim) if axis not in inner.op.axes]
    axes = {*inner.op.axes, *(left[axis] for axis in op.axes)}
    return type(op)(tuple(sorted(axes)))(x)


@SUMS.rule(*KINDS)
def reduction_over_ones(node: Apply) -> Replacement:
    """Σ over an axis of length 1 → x without that axis; the same of max, min, ..."""
    op, (x,) = node.op, node.inputs
    assert isinstance(op, Reduction)
    ones = [axis for axis in op.axes if is_static_one(x.type.shape[axis])]
    if not ones and op.axes:
        return None
    kept = [axis for axis in range(x.ndim) if axis not in ones]
    axes = tuple(kept.index(axis) for axis in op.axes if axis not in ones)
    part = dimshuffle(x, kept)
    return type(op)(axes)(part) if axes else cast(part, node.outputs[0].dtype)


@SUMS.rule(*KINDS)
def reduction_of_dimshuffle(node: Apply) -> Replacement:
    """Σ dimshuffle(x) → dimshuffle(Σ x): the sum is over x's own axes"""
    op = node.op
    assert isinstance(op, Reduction)
    inner = made_by(node.inputs[0], DimShuffle)
    if inner is None or not isinstance(inner.op, DimShuffle):
        return None
    x, order = inner.inputs[0], inner.op.order
    summed = [a for k in op.axes if isinstance(a := order[k], int)]
    if not summed:
        return None
    rest = [axis for axis in range(x.ndim) if axis not in summed]
    kept: list[Axis] = [
        rest.index(a) if isinstance(a, int) else "x"
        for k, a in enumerate(order)
        if k not in op.axes
    ]
    return dimshuffle(type(op)(tuple(sorted(summed)))(x), kept)


@SUMS.rule(*KINDS)
def reduction_of_reshape(node: Apply) -> Replacement:
    """Σ reshape(x) → Σ x, over all axes; the same of max, min, ..."""
    op = node.op
    assert isinstance(op, Reduction)
    inner = made_by(node.inputs[0], Reshape)
    if inner is None or node.outputs[0].ndim:
        return None
    x = inner.inputs[0]
    return type(op)(tuple(range(x.ndim)))(x)


@SUMS.rule(Sum)
def sum_of_negative(node: Apply) -> Replacement:
    """Σ −x → −Σ x"""
    inner = made_by(node.inputs[0], NEG)
    if inner is None or not inner.inputs[0].type.is_float:
        return None
    return math.neg(node.op(inner.inputs[0]))


@SUMS.rule(Sum)
def sum_of_multiple(node: Apply) -> Replacement:
    """Σ c · x → c · Σ x, for a number c with |c| ≥ 1: no sum grows"""
    inner = made_by(node.inputs[0], MUL)
    if inner is None or not node.outputs[0].type.is_float:
        return None
    for x, c in (inner.inputs, inner.inputs[::-1]):
        value = number_of(c)
        if value is None or not 1 <= abs(value) < np.inf:
            continue
        if spread(x, node.inputs[0]) is not None:
            return node.op(x) * value
    return None


@SUMS.rule(Sum)
def sum_of_repeat(node: Apply) -> Replacement:
    """Σ over n repeats of x → n · x, where n > 0 or x is a number"""
    op, (whole,) = node.op, node.inputs
    assert isinstance(op, Sum)
    inner = made_by(whole, FILL, Alloc)
    if inner is None or not node.outputs[0].type.is_float:
        return None
    x = inner.inputs[1] if inner.op is FILL else inner.inputs[0]
    repeated = _repeated(x, op, whole)
    value = number_of(x)
    # No repeats at all sum to 0, whatever x holds.
    sure = all(positive(whole.type.shape[axis]) for axis in repeated)
    if not repeated or not (sure or (value is not None and np.isfinite(value))):
        return None
    like = inner.inputs[0] if inner.op is FILL else whole
    count = product([length_of(like, axis) for axis in repeated])
    if any(is_static_one(like.type.shape[axis]) for axis in repeated):
        return None
    total = _rest_of(op, x, whole) * cast(count, x.dtype)
    if total.broadcastable == node.outputs[0].broadcastable:
        return total
    kept = [axis for axis in range(whole.ndim) if axis not in op.axes]
    return alloc(total, *(length_of(like, axis) for axis in kept))


def _repeated(x: Variable, op: Sum, whole: Variable) -> list[int]:
    """The summed axes along which x is repeated."""
    new = whole.ndim - x.ndim
    return [
        axis
        for axis in op.axes
        if (axis < new or is_static_one(x.type.shape[axis - new]))
        and not is_static_one(whole.type.shape[axis])
    ]


def _rest_of(op: Sum, x: Variable, whole: Variable) -> Variable:
    """The sum of x over those of the axes that it has."""
    new = whole.ndim - x.ndim
    axes = tuple(axis - new for axis in op.axes if axis >= new)
    total = Sum(axes)(x) if axes else x
    missing = sum(k not in op.axes for k in range(new))
    return pad_left(total, total.ndim + missing)


@SUMS.rule(Sum)
def sum_of_scatter(node: Apply) -> Replacement:
    """Σ_k put(0, y, (i, j))[:, k] → put(0, y, i), or y where i is 0, 1, 2, ..."""
    op = node.op
    assert isinstance(op, Sum)
    inner = made_by(node.inputs[0], Put, PutRows)
    if inner is None or not isinstance(inner.op, Put):
        return None
    base, y, *ids = inner.inputs
    if inner.op.replace or inner.op.axis or number_of(base) != 0:
        return None
    if base.dtype != node.outputs[0].dtype:  # small integers: their sum is wider
        return None
    count, rank = len(ids), ids[0].ndim
    if y.broadcastable != (*_spans(ids), *base.broadcastable[count:]):
        return None
    kept = [axis for axis in range(count) if axis not in op.axes]
    behind = [axis - count + rank for axis in op.axes if axis >= count]
    if len(kept) == count:
        return None
    if not kept:
        return Sum((*range(rank), *behind))(y)
    part = Sum(tuple(behind))(y) if behind else y
    left = [ids[axis] for axis in kept]
    if len(kept) == rank and all(
        counts_along(ids[axis], k, base, axis) for k, axis in enumerate(kept)
    ):
        return part
    if _spans(left) != _spans(ids):
        return None
    each = [length_of(base, axis) for axis in range(base.ndim) if axis not in op.axes]
    return put(alloc(number_like(0, base, rank=0), *each), part, left, 0)


def _spans(ids: list[Variable]) -> tuple[bool, ...]:
    return tuple(map(all, zip(*(one.broadcastable for one in ids), strict=True)))
