"""Algebra: neutral elements, signs that cancel, powers, extrema.

Floats keep their NaNs: x * 0, x - x and x / x stay.
"""

from __future__ import annotations

from symseq.graph import Apply, Variable
from symseq.ops import compare, math
from symseq.ops.elementwise import find

from ..rewrite.patterns import is_scalar, made_by, number_like, number_of, spread
from ..rewrite.rules import Replacement, RuleSet

ALGEBRA = RuleSet()

ADD, SUB, MUL, DIV = math.add.op, math.sub.op, math.mul.op, math.true_div.op
NEG, ABS, SQR, SQRT, INV = (
    math.neg.op,
    math.abs_.op,
    math.sqr.op,
    math.sqrt.op,
    math.inv.op,
)
POW = find("pow")
MAXIMUM, MINIMUM = math.maximum.op, math.minimum.op


@ALGEBRA.rule(ADD)
def add_zero(node: Apply) -> Replacement:
    """x + 0 → x"""
    a, b = node.inputs
    if number_of(b) == 0:
        return spread(a, node.outputs[0])
    return spread(b, node.outputs[0]) if number_of(a) == 0 else None


@ALGEBRA.rule(SUB)
def subtract_zero(node: Apply) -> Replacement:
    """x − 0 → x; 0 − x → −x"""
    a, b = node.inputs
    if number_of(b) == 0:
        return spread(a, node.outputs[0])
    if number_of(a) != 0 or not b.type.is_float or spread(b, node.outputs[0]) is None:
        return None
    return math.neg(b)


@ALGEBRA.rule(MUL)
def multiply_one(node: Apply) -> Replacement:
    """x · 1 → x; x · −1 → −x"""
    for a, b in (node.inputs, node.inputs[::-1]):
        if number_of(b) == 1:
            return spread(a, node.outputs[0])
        if number_of(b) == -1 and spread(a, node.outputs[0]) is not None:
            return math.neg(a)
    return None


@ALGEBRA.rule(DIV)
def divide_one(node: Apply) -> Replacement:
    """x / 1 → x; x / −1 → −x"""
    a, b = node.inputs
    if spread(a, node.outputs[0]) is None:
        return None
    if number_of(b) == -1:
        return math.neg(a)
    return a if number_of(b) == 1 else None


def negated(variable: Variable) -> Variable | None:
    """x of −x."""
    node = made_by(variable, NEG)
    return None if node is None else node.inputs[0]


@ALGEBRA.rule(NEG)
def negate_twice(node: Apply) -> Replacement:
    """−(−x) → x"""
    return negated(node.inputs[0])


@ALGEBRA.rule(NEG)
def negate_difference(node: Apply) -> Replacement:
    """−(a − b) → b − a"""
    inner = made_by(node.inputs[0], SUB)
    return None if inner is None else math.sub(*inner.inputs[::-1])


@ALGEBRA.rule(NEG)
def negate_multiple(node: Apply) -> Replacement:
    """−(x · c) → x · (−c); −(x / c) → x / (−c), for a number or a scalar c"""
    inner = made_by(node.inputs[0], MUL, DIV)
    if inner is None or not node.inputs[0].type.is_float:
        return None
    pair = list(inner.inputs)
    for k in (1, 0):
        factor = pair[k]
        if (value := number_of(factor)) is not None:
            pair[k] = number_like(-value, factor)
        elif is_scalar(factor) and not is_scalar(pair[1 - k]):
            pair[k] = math.neg(factor)
        else:
            continue
        return inner.op.make(*pair)
    return None


@ALGEBRA.rule(ADD)
def add_negative(node: Apply) -> Replacement:
    """a + (−b) → a − b"""
    a, b = node.inputs
    for x, y in ((a, b), (b, a)):
        if (plain := negated(y)) is not None:
            return math.sub(x, plain)
    return None


@ALGEBRA.rule(SUB)
def subtract_negative(node: Apply) -> Replacement:
    """a − (−b) → a + b; (−a) − b → −(a + b)"""
    a, b = node.inputs
    if (plain := negated(b)) is not None:
        return math.add(a, plain)
    if (plain := negated(a)) is not None and spread(a, node.outputs[0]) is not None:
        return math.neg(math.add(plain, b))
    return None


@ALGEBRA.rule(MUL, DIV)
def sign_of_product(node: Apply) -> Replacement:
    """(−a) · b → −(a · b); (−a) · (−b) → a · b; the same of quotients"""
    a, b = node.inputs
    if not a.type.is_float:
        return None
    left, right = negated(a), negated(b)
    if left is not None and right is not None:
        return node.op.make(left, right)
    # A sign of less than the whole is cheaper where it stands.
    if left is not None and spread(a, node.outputs[0]) is not None:
        return math.neg(node.op.make(left, b)[0])
    if right is not None and spread(b, node.outputs[0]) is not None:
        return math.neg(node.op.make(a, right)[0])
    return None


@ALGEBRA.rule(SQR, ABS)
def sign_is_lost(node: Apply) -> Replacement:
    """(−x)² → x²; |−x| → |x|; |x|² → x²; ||x|| → |x|; |x²| → x²"""
    (x,) = node.inputs
    inner = made_by(x, NEG, ABS)
    if inner is not None:
        return node.op.make(inner.inputs[0])
    return x if node.op is ABS and made_by(x, SQR) else None


@ALGEBRA.rule(SQRT)
def root_of_square(node: Apply) -> Replacement:
    """√(x²) → |x|"""
    inner = made_by(node.inputs[0], SQR)
    return None if inner is None else math.abs_(inner.inputs[0])


@ALGEBRA.rule(MUL)
def multiply_by_inverse(node: Apply) -> Replacement:
    """a · (1 / b) → a / b, where b is not smaller than a"""
    for a, b in (node.inputs, node.inputs[::-1]):
        inner = made_by(b, INV, DIV)
        if inner is None or spread(b, node.outputs[0]) is None:
            continue
        if inner.op is INV or number_of(inner.inputs[0]) == 1:
            return math.true_div(a, inner.inputs[-1])
    return None


@ALGEBRA.rule(POW)
def small_power(node: Apply) -> Replacement:
    """x⁰ → 1; x¹ → x; x² → x · x; x³, x⁴ → products; x^½ → √x; x⁻¹ → 1 / x

    As NumPy's own ``**`` does (so x^½ of −inf is NaN).
    """
    x, c = node.inputs
    value = number_of(c)
    if value is None or spread(x, node.outputs[0]) is None:
        return None
    if value == 0:
        return math.fill(x, 1)
    if value == 1:
        return x
    if value in (2, 3, 4):
        square = math.sqr(x)
        by = {2: None, 3: x, 4: square}[int(value)]
        return square if by is None else math.mul(square, by)
    if value == 0.5 and x.type.is_float:
        return math.sqrt(x)
    return math.inv(x) if value == -1 and x.type.is_float else None


@ALGEBRA.rule(MAXIMUM, MINIMUM)
def extremum_of_itself(node: Apply) -> Replacement:
    """max(x, x) → x; max(max(x, y), y) → max(x, y); the same of min"""
    a, b = node.inputs
    if a is b:
        return a
    for x, y in ((a, b), (b, a)):
        inner = made_by(x, node.op)
        if inner is not None and any(v is y for v in inner.inputs):
            return spread(x, node.outputs[0])
    return None


@ALGEBRA.rule(compare.SWITCH)
def switch_of_negation(node: Apply) -> Replacement:
    """switch(not c, a, b) → switch(c, b, a)"""
    condition, a, b = node.inputs
    inner = made_by(condition, compare.invert.op)
    return None if inner is None else compare.SWITCH(inner.inputs[0], b, a)


@ALGEBRA.rule(compare.invert.op)
def invert_twice(node: Apply) -> Replacement:
    """not (not x) → x"""
    inner = made_by(node.inputs[0], compare.invert.op)
    return None if inner is None else inner.inputs[0]
