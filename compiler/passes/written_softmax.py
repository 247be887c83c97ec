"""A softmax that was written out, exp(x) / Σ exp(x), and its gradient, are a softmax's.

Where exp(x) overflows the quotient is inf/inf, though its exact value is finite.
"""

from __future__ import annotations

from symseq.graph import Apply, Variable
from symseq.ops import math
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.reduce import Max, Sum, keep_axes
from symseq.ops.softmax import Softmax

from ..rewrite.patterns import FILL, core_of, made_by
from ..rewrite.rules import Replacement, RuleSet

WRITTEN_SOFTMAX = RuleSet()
ADD, SUB, MUL, DIV = math.add.op, math.sub.op, math.mul.op, math.true_div.op
NEG, EXP = math.neg.op, math.exp.op


def kept(variable: Variable, op: type[Sum] | type[Max]) -> tuple[Variable, int] | None:
    """(x, axis) of Σ x or max x along one axis that is kept with length 1."""
    moved = made_by(variable, DimShuffle)
    total = None if moved is None else made_by(moved.inputs[0], op)
    if moved is None or total is None or not isinstance(total.op, op):
        return None
    x, axes = total.inputs[0], total.op.axes
    if len(axes) != 1:
        return None
    (axis,) = axes
    return (x, axis) if moved.op == keeping(axis, x.ndim) else None


def keeping(axis: int, ndim: int) -> DimShuffle:
    """What brings back an axis that was summed away."""
    return DimShuffle(tuple("x" if k == axis else k - (k > axis) for k in range(ndim)))


def kept_sum(x: Variable, axis: int) -> Variable:
    """Σ x along an axis, which is kept with length 1."""
    return keep_axes(Sum((axis,))(x), (axis,), x.ndim)


@WRITTEN_SOFTMAX.rule(DIV)
def softmax_written_out(node: Apply) -> Replacement:
    """exp(x) / Σ exp(x) → softmax(x); also of exp(x − max x)"""
    e, below = node.inputs
    total = kept(below, Sum)
    inner = made_by(e, EXP)
    if inner is None or total is None or total[0] is not e:
        return None
    (x,), axis = inner.inputs, total[1]
    shifted = made_by(x, SUB)
    if shifted is not None and kept(shifted.inputs[1], Max) == (
        shifted.inputs[0],
        axis,
    ):
        x = shifted.inputs[0]
    return Softmax(axis)(x)


@WRITTEN_SOFTMAX.rule(MUL)
def gradient_of_written_softmax(node: Apply) -> Replacement:
    """(g/S − Σ g p/S) · e → p · (g − Σ g p), for e = exp(x), S = Σ e, p = e/S"""
    for e, other in (node.inputs, node.inputs[::-1]):
        inner, both = made_by(e, EXP), made_by(other, ADD)
        if inner is None or both is None:
            continue
        for first, rest in (both.inputs, both.inputs[::-1]):
            divided, filled = made_by(first, DIV), made_by(rest, FILL)
            if divided is None or filled is None:
                continue
            g, below = divided.inputs
            total = kept(below, Sum)
            if total is None or total[0] is not e:
                continue
            p = _weight(core_of(rest), below, g, total[1])
            if p is not None:
                return p * (g - kept_sum(g * p, total[1]))
    return None


def _weight(mean: Variable, below: Variable, g: Variable, axis: int) -> Variable | None:
    """p of Σ −(g p / S) along the axis."""
    total = made_by(mean, Sum)
    if total is None or total.op != Sum((axis,)):
        return None
    minus = made_by(total.inputs[0], NEG)
    quotient = None if minus is None else made_by(minus.inputs[0], DIV)
    if quotient is None or quotient.inputs[1] is not below:
        return None
    product = made_by(quotient.inputs[0], MUL)
    if product is None or not any(v is g for v in product.inputs):
        return None
    a, b = product.inputs
    p = b if a is g else a
    return p if made_by(p, Softmax) else None
