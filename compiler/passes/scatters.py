"""Sums with scattered parts: only the rows that are named are touched.

    W - lr * put_rows(zeros_like(W), g, ids)   →   put_rows(W, -lr * g, ids)

A scalar factor counts as finite: rows that nobody names are left as they are, where
0 · inf and 0 · NaN would have made them NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symseq.graph import Apply, Variable
from symseq.ops import math
from symseq.ops.elementwise import Elementwise
from symseq.ops.subtensor import IncSubtensor
from symseq.ops.take import Put, PutRows

from ..rewrite.patterns import as_rank, is_scalar, made_by, number_of, spread
from ..rewrite.rules import Replacement, RuleSet

SCATTERS = RuleSet()
ADD, SUB, MUL, DIV = math.add.op, math.sub.op, math.mul.op, math.true_div.op
NEG = math.neg.op
Scale = Callable[[Variable], Variable]


@dataclass(slots=True)
class Scattered:
    """scale(put(put(zeros, y₀, i₀), y₁, i₁)...): the writes, the first one first."""

    writes: list[Apply]
    scales: list[Scale]  # the innermost first

    def onto(self, base: Variable) -> Variable:
        """base + the scaled parts."""
        for node in self.writes:
            y = node.inputs[1]
            for scale in self.scales:
                y = scale(y)
            base = _adding(node)(base, y, *node.inputs[2:])
        return base


def _adding(node: Apply) -> IncSubtensor | Put:
    op = node.op
    if isinstance(op, IncSubtensor):
        return IncSubtensor(op.key)
    assert isinstance(op, Put)
    return op


def scattered(variable: Variable) -> Scattered | None:
    """The writes into zeros that a variable is a scalar multiple of."""
    scales: list[Scale] = []
    while (step := _scaled(variable)) is not None:
        variable, scale = step
        scales.insert(0, scale)
    writes: list[Apply] = []
    while (node := made_by(variable, IncSubtensor, Put, PutRows)) is not None:
        writes.insert(0, node)
        variable = node.inputs[0]
        into_zeros = number_of(variable) == 0
        replaces = node.op.replace  # type: ignore[attr-defined]
        if replaces and not (into_zeros and isinstance(node.op, IncSubtensor)):
            return None
        if into_zeros:
            return Scattered(writes, scales)
    return None


def _scaled(variable: Variable) -> tuple[Variable, Scale] | None:
    """(x, f) of f(x), for a product or quotient with a scalar, or −x."""
    node = made_by(variable, MUL, DIV, NEG)
    if node is None:
        return None
    if node.op is NEG:
        return node.inputs[0], math.neg
    for k, factor in enumerate(node.inputs):
        if not is_scalar(factor) or (node.op is DIV and k == 0):
            continue
        other = node.inputs[1 - k]
        if spread(other, variable) is not None and not is_scalar(other):
            return other, _by(node.op, factor)
    return None


def _by(op: object, factor: Variable) -> Scale:
    assert isinstance(op, Elementwise)
    return lambda y: op(y, as_rank(factor, y.ndim))


@SCATTERS.rule(ADD, SUB)
def add_scattered(node: Apply) -> Replacement:
    """y ± s · put(zeros, g, ids) → put(y, ± s · g, ids), for a scalar s; the same of
    inc_subtensor, of several writes, and of put(...) − y"""
    a, b = node.inputs
    output = node.outputs[0]
    if not a.broadcastable == b.broadcastable == output.broadcastable:
        return None
    if (found := scattered(b)) is not None:
        if node.op is SUB:
            found.scales.append(math.neg)
        return found.onto(a)
    if (found := scattered(a)) is not None:
        return found.onto(math.neg(b) if node.op is SUB else b)
    return None


@SCATTERS.rule(IncSubtensor, Put, PutRows)
def write_of_nothing(node: Apply) -> Replacement:
    """put(x, 0, ids) → x"""
    replaces = node.op.replace  # type: ignore[attr-defined]
    if replaces or number_of(node.inputs[1]) != 0:
        return None
    return node.inputs[0]


@SCATTERS.rule(Put, PutRows, sole=True)
def write_twice(node: Apply) -> Replacement:
    """put(put(x, y, ids), z, ids) → put(x, y + z, ids)"""
    inner = made_by(node.inputs[0], type(node.op))
    if inner is None or inner.op != node.op:
        return None
    assert isinstance(node.op, Put)
    if node.op.replace:
        return None
    x, y, *ids = inner.inputs
    z, *others = node.inputs[1:]
    same = all(a is b for a, b in zip(ids, others, strict=True))
    if not same or y.broadcastable != z.broadcastable:
        return None
    both = y + z  # of bools an int8, where put is "or"
    return node.op(x, both, *ids) if both.dtype == y.dtype else None
