"""Matrix products: transposes that cancel, factors moved to the smaller side."""

from __future__ import annotations

import numpy as np

from symseq.graph import Apply, Variable
from symseq.ops import math
from symseq.ops.dimshuffle import DimShuffle, dimshuffle
from symseq.ops.linalg import Dot

from ..rewrite.patterns import is_scalar, made_by, number_of, total_size
from ..rewrite.rules import Replacement, RuleSet

PRODUCTS = RuleSet()
MUL, NEG = math.mul.op, math.neg.op


def transposed(variable: Variable) -> Variable | None:
    """x of xᵀ."""
    node = made_by(variable, DimShuffle)
    if node is None or not isinstance(node.op, DimShuffle):
        return None
    (x,) = node.inputs
    return x if node.op.order == (1, 0) and x.ndim == 2 else None


@PRODUCTS.rule(Dot)
def product_of_transposes(node: Apply) -> Replacement:
    """Aᵀ · Bᵀ → (B · A)ᵀ"""
    a, b = map(transposed, node.inputs)
    if a is None or b is None:
        return None
    return dimshuffle(node.op(b, a), (1, 0))


@PRODUCTS.rule(DimShuffle, sole=True)
def transpose_of_product(node: Apply) -> Replacement:
    """(Aᵀ · B)ᵀ → Bᵀ · A; (A · Bᵀ)ᵀ → B · Aᵀ: no more transposes than before"""
    inner = made_by(node.inputs[0], Dot)
    if inner is None or transposed(node.outputs[0]) is None:
        return None
    a, b = inner.inputs
    if a.ndim != 2 or b.ndim != 2:
        return None
    left, right = transposed(a), transposed(b)
    if left is None and right is None:
        return None
    a = dimshuffle(a, (1, 0)) if left is None else left
    b = dimshuffle(b, (1, 0)) if right is None else right
    return inner.op(b, a)


@PRODUCTS.rule(Dot)
def product_of_multiple(node: Apply) -> Replacement:
    """(c A) · B → c (A · B), where |c| ≥ 1 and A · B is smaller than A; so is −A · B"""
    for k in (0, 1):
        scaled, other = node.inputs[k], node.inputs[1 - k]
        inner = made_by(scaled, MUL, NEG)
        if inner is None or not scaled.type.is_float or not _smaller(node, scaled):
            continue
        found = _factor(inner)
        if found is not None:
            x, value = found
            pair = (x, other) if k == 0 else (other, x)
            return node.op(*pair) * value
    return None


def _factor(node: Apply) -> tuple[Variable, float] | None:
    if node.op is NEG:
        return node.inputs[0], -1.0
    for x, c in (node.inputs, node.inputs[::-1]):
        value = number_of(c)
        if value is not None and is_scalar(c) and 1 <= abs(value) < np.inf:
            return x, value
    return None


def _smaller(node: Apply, operand: Variable) -> bool:
    made, read = total_size(node.outputs[0]), total_size(operand)
    return made is not None and read is not None and made <= read
