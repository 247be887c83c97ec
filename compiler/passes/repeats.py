"""Repeats of one value (fill, alloc): not made where a static 1 will stretch."""

from __future__ import annotations

from symseq.graph import Apply, Variable
from symseq.lengths import size_of
from symseq.ops import math
from symseq.ops.alloc import Alloc
from symseq.ops.convert import constant
from symseq.ops.dimshuffle import pad_left
from symseq.ops.elementwise import Elementwise

from ..rewrite.patterns import (
    FILL,
    as_rank,
    is_scalar,
    made_by,
    number_like,
    number_of,
    spread,
)
from ..rewrite.rules import Replacement, RuleSet
from ..rewrite.unsure_lengths import compares_lengths

REPEATS = RuleSet()


@REPEATS.rule(FILL)
def fill_full(node: Apply) -> Replacement:
    """fill(a, b) → b, where b has every axis at full length already"""
    return spread(node.inputs[1], node.outputs[0])


@REPEATS.rule(FILL)
def fill_of_fill(node: Apply) -> Replacement:
    """fill(fill(a, b), c) → fill(a, c); fill(a, fill(b, c)) → fill(a, c)"""
    a, b = node.inputs
    inner = made_by(a, FILL)
    if inner is not None:
        for like in inner.inputs:
            if spread(like, a) is not None:
                return math.fill(like, b)
    inner = made_by(b, FILL)
    if inner is not None and spread(a, node.outputs[0]) is not None:
        return math.fill(a, inner.inputs[1])
    return None


@REPEATS.rule(FILL)
def fill_like_operand(node: Apply) -> Replacement:
    """fill(f(x), c) → fill(x, c): only the lengths of f(x) are read"""
    a, b = node.inputs
    inner = a.owner
    if inner is None or not isinstance(inner.op, Elementwise):
        return None
    if compares_lengths(inner):
        return None
    for x in inner.inputs:
        if x.broadcastable == a.broadcastable:
            return math.fill(x, b) if x.dtype == b.dtype else None
    return None


@REPEATS.rule(FILL)
def fill_of_known_lengths(node: Apply) -> Replacement:
    """fill(a, 1) → alloc(1, 2, 3), where a has 2 rows of 3: a itself is not needed"""
    output = node.outputs[0]
    value, sizes = number_of(node.inputs[1]), [size_of(n) for n in output.type.shape]
    if value is None or None in sizes:
        return None
    number = number_like(value, output, rank=0)
    return Alloc(output.ndim)(number, *[constant(n, "int64") for n in sizes])


@REPEATS.rule()
def elementwise_of_repeat(node: Apply) -> Replacement:
    """x ∘ fill(a, b) → x ∘ b, where the operands still span every axis; so of alloc"""
    if len(node.inputs) < 2 or not isinstance(node.op, Elementwise):
        return None
    inputs = list(node.inputs)
    for k, v in enumerate(inputs):
        small = _before_repeat(v)
        if small is None or (node.op is FILL and k == 0):
            continue
        tried = [*inputs[:k], small, *inputs[k + 1 :]]
        columns = zip(*(x.broadcastable for x in tried), strict=True)
        if tuple(map(all, columns)) == node.outputs[0].broadcastable:
            inputs = tried
    if all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
        return None
    return node.op.make(*inputs)


def _before_repeat(variable: Variable) -> Variable | None:
    """What fill or alloc stretches to make a variable, with the variable's rank."""
    node = made_by(variable, FILL, Alloc)
    if node is None:
        return None
    small = pad_left(node.inputs[1 if node.op is FILL else 0], variable.ndim)
    return None if small.broadcastable == variable.broadcastable else small


@REPEATS.rule()
def function_of_repeat(node: Apply) -> Replacement:
    """f(fill(x, c)) → fill(x, f(c)): the one number is computed once."""
    if not isinstance(node.op, Elementwise) or node.op is FILL:
        return None
    for k, v in enumerate(node.inputs):
        filled = made_by(v, FILL, Alloc)
        if filled is None or v.broadcastable != node.outputs[0].broadcastable:
            continue
        at = 1 if filled.op is FILL else 0
        number = filled.inputs[at]
        others = [x for j, x in enumerate(node.inputs) if j != k]
        if not is_scalar(number) or not all(map(is_scalar, others)):
            continue
        rank = number.ndim
        inputs = list(node.inputs)
        inputs = [number if x is v else as_rank(x, rank) for x in inputs]
        made = node.op(*inputs)
        if filled.op is not FILL:
            return Alloc(v.ndim)(made, *filled.inputs[1:])
        if made.dtype == v.dtype:
            return math.fill(filled.inputs[0], made)
    return None
