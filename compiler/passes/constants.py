"""Constants: what is known before any call is computed once; factors are collected."""

from __future__ import annotations

import numpy as np

from symseq.errors import SymseqError
from symseq.graph import Apply, BodyOp, Constant, Variable
from symseq.lengths import size_of, subtract
from symseq.ops import compare, math
from symseq.ops.convert import constant
from symseq.ops.custom import CustomOp, Mapped
from symseq.ops.debug import PrintOp
from symseq.ops.elementwise import Elementwise
from symseq.scan.control import IfElse
from symseq.traverse import replace
from symseq.types import is_float, is_integer

from ..rewrite.patterns import (
    made_by,
    number_like,
    number_of,
    spread,
    stretched,
)
from ..rewrite.rules import Replacement, RuleSet

CONSTANTS = RuleSet()
MOST_FOLDED = 4096
OF_CALLS = (CustomOp, Mapped, PrintOp)  # what they do belongs to a call
ADD, SUB, MUL, DIV = math.add.op, math.sub.op, math.mul.op, math.true_div.op
NEG = math.neg.op
COMPARISONS = {
    compare.eq.op: lambda d: d == 0, compare.neq.op: lambda d: d != 0,
    compare.lt.op: lambda d: d < 0, compare.le.op: lambda d: d <= 0,
    compare.gt.op: lambda d: d > 0, compare.ge.op: lambda d: d >= 0,
}  # fmt: skip


@CONSTANTS.rule()
def fold_constants(node: Apply) -> Replacement:
    """f(constants) → a constant, where it is small."""
    if not node.inputs or not all(isinstance(v, Constant) for v in node.inputs):
        return None
    if isinstance(node.op, (BodyOp, *OF_CALLS)) or node.op.dynamic:
        return None
    sizes = [n for v in node.outputs for n in v.type.sizes]
    if None in sizes or np.prod([n or 0 for n in sizes]) > MOST_FOLDED:
        return None
    arrays = [v.data for v in node.inputs if isinstance(v, Constant)]
    try:
        with np.errstate(all="ignore"):
            made = node.op.numpy(*arrays)
    except (SymseqError, ValueError, IndexError, TypeError, ArithmeticError):
        return None  # the call raises, if it comes here
    return [constant(np.array(value)) for value in made]


@CONSTANTS.rule()
def known_integer(node: Apply) -> Replacement:
    """n → 5, where an integer scalar is known to be 5."""
    if len(node.outputs) != 1:
        return None
    (output,) = node.outputs
    if output.ndim or not isinstance(output.held, int) or not is_integer(output.dtype):
        return None
    return constant(output.held, output.dtype)


@CONSTANTS.rule(*COMPARISONS)
def compare_lengths(node: Apply) -> Replacement:
    """n < m → true or false, where n − m is known (4H and 3H of a sized H)."""
    a, b = node.inputs
    if a.ndim or isinstance(a.held, tuple) or isinstance(b.held, tuple):
        return None
    known = size_of(subtract(a.held, b.held))
    if known is None or not isinstance(node.op, Elementwise):
        return None
    return constant(bool(COMPARISONS[node.op](known)))


@CONSTANTS.rule(compare.SWITCH)
def switch_of_constant(node: Apply) -> Replacement:
    """switch(true, a, b) → a; switch(false, a, b) → b; switch(c, a, a) → a."""
    condition, a, b = node.inputs
    value = number_of(condition)
    if value is not None:
        return stretched(a if value else b, node.outputs[0])
    return spread(a, node.outputs[0]) if a is b else None


@CONSTANTS.rule(IfElse)
def branch_of_constant(node: Apply) -> Replacement:
    """ifelse(true, a, b) → a, without the other branch."""
    op, (condition, *given) = node.op, node.inputs
    assert isinstance(op, IfElse)
    value = number_of(condition)
    if value is None:
        return None
    body = op.then if value else op.other
    return replace(body.outputs, dict(zip(body.inputs, given, strict=True)))


def _with_number(node: Apply) -> tuple[Variable, float] | None:
    """The operand that is no number, and the number beside it."""
    a, b = node.inputs
    for x, c in ((a, b), (b, a)):
        value = number_of(c)
        if value is not None and spread(x, node.outputs[0]) is not None:
            return x, value
    return None


def _harmless(value: float, dtype: str) -> bool:
    """Whether a number can stand for two: neither overflowed nor denormal."""
    limits = np.finfo(dtype)
    return float(limits.tiny) <= abs(value) <= float(limits.max)


@CONSTANTS.rule(MUL)
def collect_factors(node: Apply) -> Replacement:
    """(x · a) · b → x · (a b), where a b neither overflows nor vanishes."""
    outer = _with_number(node)
    inner = None if outer is None else made_by(outer[0], MUL)
    first = None if inner is None else _with_number(inner)
    if outer is None or first is None or not is_float(node.outputs[0].dtype):
        return None
    value = first[1] * outer[1]
    if not _harmless(value, node.outputs[0].dtype):
        return None
    return math.mul(first[0], number_like(value, first[0]))


@CONSTANTS.rule(ADD)
def collect_terms(node: Apply) -> Replacement:
    """(x + a) + b → x + (a + b), where a and b have one sign: nothing cancels."""
    outer = _with_number(node)
    inner = None if outer is None else made_by(outer[0], ADD)
    first = None if inner is None else _with_number(inner)
    if outer is None or first is None or not is_float(node.outputs[0].dtype):
        return None
    value = first[1] + outer[1]
    if first[1] * outer[1] <= 0 or not _harmless(value, node.outputs[0].dtype):
        return None
    return math.add(first[0], number_like(value, first[0]))


def _multiple(variable: Variable) -> tuple[Variable, float]:
    """(x, a) of a · x; a is 1 without a factor."""
    node = made_by(variable, MUL)
    found = None if node is None else _with_number(node)
    return found or (variable, 1.0)


@CONSTANTS.rule(ADD)
def collect_multiples(node: Apply) -> Replacement:
    """a · x + b · x → (a + b) · x, where a and b have one sign; x + x → 2 x."""
    (x, a), (y, b) = map(_multiple, node.inputs)
    if x is not y or not is_float(x.dtype) or a * b <= 0:
        return None
    if not _harmless(a + b, x.dtype):
        return None
    return math.mul(x, number_like(a + b, x))


@CONSTANTS.rule(DIV)
def divide_by_power_of_two(node: Apply) -> Replacement:
    """x / 2ⁿ → x · 2⁻ⁿ, which is exact."""
    x, c = node.inputs
    value = number_of(c)
    if value is None or not np.isfinite(value) or value == 0:
        return None
    exact = abs(np.frexp(value)[0]) == 0.5 and _harmless(1 / value, x.dtype)
    if not exact or spread(x, node.outputs[0]) is None:
        return None
    return math.mul(x, number_like(1 / value, x))
