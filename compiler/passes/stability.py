"""Stable forms of what overflows or cancels where the exact value is finite."""

from __future__ import annotations

from symseq.graph import Apply, Variable
from symseq.ops import math
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.nnet import softplus
from symseq.ops.reduce import Sum
from symseq.ops.reshape import Reshape
from symseq.ops.softmax import LogSoftmax, Softmax, logsumexp
from symseq.ops.subtensor import Subtensor
from symseq.ops.take import Gather, Take

from ..rewrite.patterns import made_by, number_of, spread
from ..rewrite.rules import Replacement, RuleSet

STABILITY = RuleSet()
ADD, SUB, MUL = math.add.op, math.sub.op, math.mul.op
DIV, NEG = math.true_div.op, math.neg.op
LOG, EXP, SIGMOID = math.log.op, math.exp.op, math.sigmoid.op
LOG1P, INV, SOFTPLUS = math.log1p.op, math.inv.op, softplus.op
PICKS = (Take, Gather, Subtensor, Reshape, DimShuffle)


def one_minus(variable: Variable) -> Variable | None:
    """x where the variable is 1 − x at full length."""
    node = made_by(variable, SUB)
    if node is None or number_of(node.inputs[0]) != 1:
        return None
    return spread(node.inputs[1], variable)


@STABILITY.rule(LOG)
def log_softmax(node: Apply) -> Replacement:
    """log softmax(x) → log_softmax(x), also behind indices, reshapes and transposes"""
    picks: list[Apply] = []
    current = node.inputs[0]
    while (pick := made_by(current, *PICKS)) is not None:
        picks.append(pick)
        current = pick.inputs[0]
    inner = made_by(current, Softmax)
    if inner is None or not isinstance(inner.op, Softmax):
        return None
    made = LogSoftmax(inner.op.axis)(inner.inputs[0])
    for pick in reversed(picks):
        made = pick.op(made, *pick.inputs[1:])
    return made


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


@STABILITY.rule(LOG1P)
def log_one_plus_exp(node: Apply) -> Replacement:
    """log1p(exp(x)) → softplus(x)"""
    inner = made_by(node.inputs[0], EXP)
    return None if inner is None else softplus(inner.inputs[0])


def one_plus_exp(variable: Variable) -> Apply | None:
    """The node of exp(x) in 1 + exp(x)."""
    node = made_by(variable, ADD)
    if node is None:
        return None
    for a, b in (node.inputs, node.inputs[::-1]):
        if number_of(a) == 1 and spread(b, variable) is not None:
            return made_by(b, EXP)
    return None


@STABILITY.rule(DIV, INV)
def sigmoid_written_out(node: Apply) -> Replacement:
    """1 / (1 + exp(−x)) → σ(x); exp(x) / (1 + exp(x)) → σ(x)"""
    below = node.inputs[-1]
    top = None if node.op is INV else node.inputs[0]
    e = one_plus_exp(below)
    if e is None or spread(below, node.outputs[0]) is None:
        return None
    (x,) = e.inputs
    if top is e.outputs[0]:
        return math.sigmoid(x)
    if top is not None and number_of(top) != 1:
        return None
    minus = made_by(x, NEG)
    return math.sigmoid(-x if minus is None else minus.inputs[0])


@STABILITY.rule(MUL)
def gradient_of_sigmoid_written_out(node: Apply) -> Replacement:
    """(g s / (1 + exp(−x))) · exp(−x) → g · (s (1 − s)), for s = σ(x)"""
    found = _over_one_plus_exp(node)
    if found is None:
        return None
    top, minus, negative = found
    product = made_by(top, MUL)
    if product is None:
        return None
    for s, g in (product.inputs, product.inputs[::-1]):
        inner = made_by(s, SIGMOID)
        flipped = made_by(minus, NEG)
        if inner is None or flipped is None or flipped.inputs != inner.inputs:
            continue
        made = g * (s * (1 - s))
        return -made if negative else made
    return None


@STABILITY.rule(MUL)
def gradient_of_softplus(node: Apply) -> Replacement:
    """(g / (1 + exp(x))) · exp(x) → g · σ(x): so ∂ of log(1 + exp(x))"""
    found = _over_one_plus_exp(node)
    if found is None:
        return None
    top, x, negative = found
    made = top * math.sigmoid(x)
    return -made if negative else made


@STABILITY.rule(MUL)
def sigmoid_times_exp(node: Apply) -> Replacement:
    """σ(−x) · exp(x) → σ(x)"""
    for s, e in (node.inputs, node.inputs[::-1]):
        left, right = made_by(s, SIGMOID), made_by(e, EXP)
        if left is None or right is None:
            continue
        minus = made_by(left.inputs[0], NEG)
        if minus is not None and minus.inputs[0] is right.inputs[0]:
            return math.sigmoid(right.inputs[0])
    return None


def _over_one_plus_exp(node: Apply) -> tuple[Variable, Variable, bool] | None:
    """(g, x, sign) of ± (g / (1 + exp(x))) · exp(x)."""
    for e, other in (node.inputs, node.inputs[::-1]):
        if made_by(e, EXP) is None:
            continue
        minus = made_by(other, NEG)
        quotient = made_by(other if minus is None else minus.inputs[0], DIV)
        inner = None if quotient is None else one_plus_exp(quotient.inputs[1])
        if quotient is not None and inner is not None and inner.outputs[0] is e:
            return quotient.inputs[0], inner.inputs[0], minus is not None
    return None
