"""Canonical algebra: neutral elements, folded constants, views and casts that cancel.

Floats keep their NaNs: x * 0, x - x and x / x stay.
"""

from __future__ import annotations

import numpy as np

from symseq.graph import Apply, BodyOp, Constant, Variable
from symseq.lengths import size_of
from symseq.ops import math
from symseq.ops.alloc import Alloc
from symseq.ops.cast import CASTS
from symseq.ops.convert import constant
from symseq.ops.dimshuffle import DimShuffle, dimshuffle
from symseq.ops.elementwise import Elementwise
from symseq.ops.reduce import Sum
from symseq.ops.reshape import Reshape
from symseq.ops.shape import lengths_of
from symseq.ops.subtensor import IncSubtensor, Subtensor
from symseq.types import is_integer

from ..rewrite.engine import Replacement, RuleSet

ALGEBRA = RuleSet()
MOST_FOLDED = 4096

ADD, SUB, MUL, DIV = math.add.op, math.sub.op, math.mul.op, math.true_div.op
NEG, FILL = math.neg.op, math.fill.op


def number_of(variable: Variable) -> float | None:
    """The one number that a variable is everywhere, behind views and fills; or None."""
    while variable.owner is not None:
        op, inputs = variable.owner.op, variable.owner.inputs
        if isinstance(op, (DimShuffle, Alloc)):
            variable = inputs[0]
        elif op is FILL:
            variable = inputs[1]
        else:
            return None
    if not isinstance(variable, Constant) or variable.data.size == 0:
        return None
    first = variable.data.flat[0]
    same = variable.data.size == 1 or bool(np.all(variable.data == first))
    return float(first) if same else None


def spread(x: Variable, like: Variable) -> Variable | None:
    """x where it has all of `like`'s axes at full length; else None."""
    return x if x.broadcastable == like.broadcastable else None


@ALGEBRA.rule()
def fold_constants(node: Apply) -> Replacement:
    """f(constants) → a constant, where it is small."""
    if isinstance(node.op, BodyOp) or not node.inputs or node.op.dynamic:
        return None
    if not all(isinstance(v, Constant) for v in node.inputs):
        return None
    sizes = [n for v in node.outputs for n in v.type.sizes]
    if None in sizes or np.prod([n or 0 for n in sizes]) > MOST_FOLDED:
        return None
    arrays = [v.data for v in node.inputs if isinstance(v, Constant)]
    with np.errstate(all="ignore"):
        made = node.op.numpy(*arrays)
    return [constant(np.array(value)) for value in made]


@ALGEBRA.rule()
def known_integer(node: Apply) -> Replacement:
    """An integer scalar known to hold a plain number → that number."""
    if len(node.outputs) != 1:
        return None
    (output,) = node.outputs
    if output.ndim or not is_integer(output.dtype) or not isinstance(output.held, int):
        return None
    return constant(output.held, output.dtype)


@ALGEBRA.rule(ADD)
def add_zero(node: Apply) -> Replacement:
    """x + 0 → x."""
    a, b = node.inputs
    if number_of(b) == 0:
        return spread(a, node.outputs[0])
    return spread(b, node.outputs[0]) if number_of(a) == 0 else None


@ALGEBRA.rule(SUB)
def subtract_zero(node: Apply) -> Replacement:
    """x − 0 → x; 0 − x → −x."""
    a, b = node.inputs
    if number_of(b) == 0:
        return spread(a, node.outputs[0])
    if number_of(a) != 0 or not b.type.is_float or spread(b, node.outputs[0]) is None:
        return None
    return math.neg(b)


@ALGEBRA.rule(MUL)
def multiply_one(node: Apply) -> Replacement:
    """x * 1 → x; x * −1 → −x."""
    for a, b in (node.inputs, node.inputs[::-1]):
        if number_of(b) == 1:
            return spread(a, node.outputs[0])
        if number_of(b) == -1 and spread(a, node.outputs[0]) is not None:
            return math.neg(a)
    return None


@ALGEBRA.rule(DIV)
def divide_one(node: Apply) -> Replacement:
    """x / 1 → x."""
    a, b = node.inputs
    return spread(a, node.outputs[0]) if number_of(b) == 1 else None


@ALGEBRA.rule(NEG)
def negate_twice(node: Apply) -> Replacement:
    """−(−x) → x."""
    inner = node.inputs[0].owner
    return inner.inputs[0] if inner is not None and inner.op is NEG else None


@ALGEBRA.rule(ADD)
def add_negative(node: Apply) -> Replacement:
    """a + (−b) → a − b."""
    a, b = node.inputs
    for x, y in ((a, b), (b, a)):
        if y.owner is not None and y.owner.op is NEG:
            return math.sub(x, y.owner.inputs[0])
    return None


@ALGEBRA.rule(FILL)
def fill_full(node: Apply) -> Replacement:
    """fill(a, b) → b, where b has every axis at full length already."""
    return spread(node.inputs[1], node.outputs[0])


@ALGEBRA.rule()
def elementwise_of_fill(node: Apply) -> Replacement:
    """x ∘ fill(a, b) → x ∘ b, where x has every axis at full length."""
    if not isinstance(node.op, Elementwise) or len(node.inputs) < 2:
        return None
    output = node.outputs[0]
    inputs = list(node.inputs)
    for k, v in enumerate(inputs):
        if v.owner is None or v.owner.op is not FILL:
            continue
        others = [x for j, x in enumerate(inputs) if j != k]
        if any(x.broadcastable == output.broadcastable for x in others):
            inputs[k] = v.owner.inputs[1]
    if all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
        return None
    return node.op(*inputs)


@ALGEBRA.rule(Sum)
def sum_of_fill(node: Apply) -> Replacement:
    """Σ over axes of fill(a, c), c one number → c times the axes' lengths."""
    filled = node.inputs[0].owner
    if filled is None or filled.op is not FILL or not isinstance(node.op, Sum):
        return None
    value = number_of(filled.inputs[1])
    if value is None or node.outputs[0].ndim or not node.outputs[0].type.is_float:
        return None
    count: Variable = constant(1, "int64")
    for k, length in enumerate(lengths_of(filled.inputs[0])):
        other = filled.inputs[1].type.shape[k]
        count = count * (
            length if size_of(other) == 1 else lengths_of(filled.inputs[1])[k]
        )
    made: Variable = count.astype(node.outputs[0].dtype) * value
    return made


@ALGEBRA.rule(DimShuffle)
def merge_dimshuffles(node: Apply) -> Replacement:
    """dimshuffle(dimshuffle(x)) → one dimshuffle, or x."""
    op, (x,) = node.op, node.inputs
    assert isinstance(op, DimShuffle)
    if op.order == tuple(range(x.ndim)):
        return x
    inner = x.owner
    if inner is None or not isinstance(inner.op, DimShuffle):
        return None
    first = inner.op.order
    return dimshuffle(inner.inputs[0], [a if a == "x" else first[a] for a in op.order])


@ALGEBRA.rule(Reshape)
def merge_reshapes(node: Apply) -> Replacement:
    """reshape(reshape(x)) → one reshape; to the lengths that it has → x."""
    x = node.inputs[0]
    output = node.outputs[0]
    if x.ndim == output.ndim and all(
        a is not None and a == b
        for a, b in zip(x.type.shape, output.type.shape, strict=True)
    ):
        return x
    inner = x.owner
    if inner is None or not isinstance(inner.op, Reshape):
        return None
    held = [v.held for v in node.inputs[1:]]
    if -1 in held:
        return None
    return node.op(inner.inputs[0], *node.inputs[1:])


@ALGEBRA.rule(*CASTS.values())
def useless_cast(node: Apply) -> Replacement:
    """A cast to the dtype that x has → x."""
    (x,) = node.inputs
    return x if x.dtype == node.outputs[0].dtype else None


@ALGEBRA.rule(Subtensor)
def useless_slice(node: Apply) -> Replacement:
    """x[:, :] → x."""
    op = node.op
    assert isinstance(op, Subtensor)
    full = all(getattr(entry, "is_full", False) for entry in op.key)
    return node.inputs[0] if full else None


@ALGEBRA.rule(ADD)
def add_into_part(node: Apply) -> Replacement:
    """y + inc_subtensor(zeros, g, i) → inc_subtensor(y, g, i): no array of zeros."""
    output = node.outputs[0]
    for y, spread_ in (node.inputs, node.inputs[::-1]):
        made = spread_.owner
        if made is None or not isinstance(made.op, IncSubtensor):
            continue
        if number_of(made.inputs[0]) != 0:
            continue
        if y.broadcastable == output.broadcastable and y.dtype == output.dtype:
            return IncSubtensor(made.op.key)(y, *made.inputs[1:])
    return None


@ALGEBRA.rule(IncSubtensor)
def set_into_zeros(node: Apply) -> Replacement:
    """inc_subtensor(zeros, y, i) → set_subtensor(zeros, y, i): nothing to add to."""
    op = node.op
    assert isinstance(op, IncSubtensor)
    if op.replace or number_of(node.inputs[0]) != 0:
        return None
    return IncSubtensor(op.key, True)(*node.inputs)
