"""Several calls become one: sums of products along an axis, signs before a sigmoid.

    Σ_s α[s, b] · c[s, b, h]   →   batched_dot(α[b, 1, s], c[b, s, h])

For targets on which each elementwise step is a pass over memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symseq.graph import Apply, Variable
from symseq.ops import math
from symseq.ops.dimshuffle import Axis, dimshuffle
from symseq.ops.linalg import BatchedDot
from symseq.ops.products import dot
from symseq.ops.reduce import Sum

from ..rewrite.patterns import made_by
from ..rewrite.rules import Replacement, RuleSet

CONTRACT = RuleSet()
MUL, NEG, SIGMOID = math.mul.op, math.neg.op, math.sigmoid.op


@dataclass(frozen=True, slots=True)
class Axes:
    """The axes of a · b but the summed one, by which of the two has them."""

    both: list[int]
    left: list[int]
    right: list[int]


def _axes(a: Variable, b: Variable, summed: int) -> Axes:
    pairs = list(zip(a.broadcastable, b.broadcastable, strict=True))
    kept = [(k, *pair) for k, pair in enumerate(pairs) if k != summed]
    return Axes(
        [k for k, one, other in kept if not one and not other],
        [k for k, one, other in kept if not one and other],
        [k for k, one, other in kept if one and not other],
    )


@CONTRACT.rule(SIGMOID)
def sigmoid_of_negative(node: Apply) -> Replacement:
    """σ(−x) → 1 / (1 + exp(x)), as one op"""
    inner = made_by(node.inputs[0], NEG)
    return None if inner is None else math.sigmoid_minus(inner.inputs[0])


@CONTRACT.rule(Sum, sole=True)
def sum_of_product(node: Apply) -> Replacement:
    """Σ_k a[i, k] · b[k, j] → dot(a, b), and in a batch → batched_dot(a, b)"""
    assert isinstance(node.op, Sum)
    inner = made_by(node.inputs[0], MUL)
    if inner is None or len(node.op.axes) != 1 or not node.outputs[0].type.is_float:
        return None
    (summed,), (a, b) = node.op.axes, inner.inputs
    if a.broadcastable[summed] or b.broadcastable[summed] or a.dtype != b.dtype:
        return None
    axes = _axes(a, b, summed)
    if len(axes.left) < len(axes.right):
        a, b, axes = b, a, Axes(axes.both, axes.right, axes.left)
    if not axes.left or len(axes.right) > 1:
        return None
    form = _batched if axes.both else _plain
    found = form(a, b, summed, axes)
    if found is None:
        return None
    made, order = found
    kept = [k for k in range(a.ndim) if k != summed]
    return dimshuffle(made, [order.index(k) if k in order else "x" for k in kept])


Found = tuple[Variable, Sequence[int]] | None  # a value and the axes that it has


def _plain(a: Variable, b: Variable, summed: int, axes: Axes) -> Found:
    """dot(a, b), where a is rows as they lie in memory, or one row."""
    if len(axes.left) > 1 and summed < axes.left[-1]:
        return None
    left = dimshuffle(a, [*axes.left, summed])
    return dot(left, dimshuffle(b, [summed, *axes.right])), [*axes.left, *axes.right]


def _batched(a: Variable, b: Variable, summed: int, axes: Axes) -> Found:
    """batched_dot(a, b), where rows or columns of each matrix lie side by side."""
    if len(axes.both) > 1 or len(axes.left) > 1:
        return None
    (n,), (i,) = axes.both, axes.left
    # Of a matrix; a vector may lie as it likes.
    if n > max(i, summed) or any(n > max(summed, j) for j in axes.right):
        return None
    j: list[Axis] = [*axes.right] or ["x"]
    made = BatchedDot()(dimshuffle(a, [n, i, summed]), dimshuffle(b, [n, summed, *j]))
    if axes.right:
        return made, [n, i, *axes.right]
    return dimshuffle(made, [0, 1]), [n, i]
