"""Stable forms of what overflows or cancels where the exact value is finite."""

from __future__ import annotations

from symseq.graph import Apply, Variable
from symseq.ops import math
from symseq.ops.nnet import softplus
from symseq.ops.reduce import Sum
from symseq.ops.softmax import LogSoftmax, Softmax, logsumexp
from symseq.ops.subtensor import Subtensor
from symseq.ops.take import Gather, Take

from ..rewrite.patterns import made_by, number_of, spread
from ..rewrite.rules import Replacement, RuleSet

STABILITY = RuleSet()
ADD, SUB = math.add.op, math.sub.op
LOG, EXP, SIGMOID = math.log.op, math.exp.op, math.sigmoid.op
PICKS = (Take, Gather, Subtensor)


def one_minus(variable: Variable) -> Variable | None:
    """x where the variable is 1 − x at full length."""
    node = made_by(variable, SUB)
    if node is None or number_of(node.inputs[0]) != 1:
        return None
    return spread(node.inputs[1], variable)


@STABILITY.rule(LOG)
def log_softmax(node: Apply) -> Replacement:
    """log softmax(x) → log_softmax(x), also behind an index."""
    (p,) = node.inputs
    if (inner := made_by(p, Softmax)) is not None:
        assert isinstance(inner.op, Softmax)
        return LogSoftmax(inner.op.axis)(inner.inputs[0])
    pick = made_by(p, *PICKS)
    if pick is None or (inner := made_by(pick.inputs[0], Softmax)) is None:
        return None
    assert isinstance(inner.op, Softmax)
    return pick.op(LogSoftmax(inner.op.axis)(inner.inputs[0]), *pick.inputs[1:])


@STABILITY.rule(LOG)
def log_sigmoid(node: Apply) -> Replacement:
    """log σ(x) → −softplus(−x); log(1 − σ(x)) → −softplus(x)."""
    (p,) = node.inputs
    if (inner := made_by(p, SIGMOID)) is not None:
        return -softplus(-inner.inputs[0])
    q = one_minus(p)
    inner = None if q is None else made_by(q, SIGMOID)
    return None if inner is None else -softplus(inner.inputs[0])


@STABILITY.rule(LOG)
def log_one_plus(node: Apply) -> Replacement:
    """log(1 + x) → log1p(x); log(1 − x) → log1p(−x)."""
    (p,) = node.inputs
    inner = made_by(p, ADD)
    if inner is not None:
        for a, b in (inner.inputs, inner.inputs[::-1]):
            if number_of(a) == 1 and spread(b, p) is not None:
                return math.log1p(b)
    x = one_minus(p)
    return None if x is None else math.log1p(-x)


@STABILITY.rule(LOG)
def log_of_exp(node: Apply) -> Replacement:
    """log exp(x) → x."""
    inner = made_by(node.inputs[0], EXP)
    return None if inner is None else inner.inputs[0]


@STABILITY.rule(LOG)
def log_sum_exp(node: Apply) -> Replacement:
    """log Σ exp(x) → m + log Σ exp(x − m), with m = max x."""
    total = made_by(node.inputs[0], Sum)
    inner = None if total is None else made_by(total.inputs[0], EXP)
    if total is None or inner is None or made_by(inner.inputs[0], SUB):
        return None
    assert isinstance(total.op, Sum)
    return logsumexp(inner.inputs[0], axis=total.op.axes)


@STABILITY.rule(SUB)
def exp_minus_one(node: Apply) -> Replacement:
    """exp(x) − 1 → expm1(x)."""
    a, b = node.inputs
    inner = made_by(a, EXP)
    if inner is None or number_of(b) != 1 or spread(a, node.outputs[0]) is None:
        return None
    return math.expm1(inner.inputs[0])
