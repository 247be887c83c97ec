"""Gradients of cross-entropies in their short forms: softmax(x) − onehot, σ(x) − t.

The gradient of log p at p = softmax(x) divides by p, and the gradient of softmax
multiplies by p again. Where p underflows that is 0/0, though the exact value is finite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

from symseq.graph import Apply, Variable
from symseq.ops import math
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.reduce import Sum
from symseq.ops.reshape import Reshape
from symseq.ops.softmax import Softmax
from symseq.ops.subtensor import IncSubtensor, Subtensor
from symseq.ops.take import Gather, Put, PutRows, Take

from ..rewrite.patterns import made_by, number_of, spread
from ..rewrite.rules import Replacement, RuleSet
from .written_softmax import kept, kept_sum

CROSSENTROPY = RuleSet()
ADD, SUB, MUL, DIV = math.add.op, math.sub.op, math.mul.op, math.true_div.op
NEG, SIGMOID = math.neg.op, math.sigmoid.op
# What picks values, and what spreads their cotangents back to where they were.
PICKS = (Reshape, DimShuffle, Subtensor, Take, Gather)
SPREADS = (Reshape, DimShuffle, IncSubtensor, PutRows, Put)


@dataclass(slots=True)
class Term:
    """± spread(g / pick(d)): one term of a sum, divided somewhere inside by `d`.

    ``divisor`` is None for a term that is not divided by anything that is looked for.
    """

    whole: Variable
    divisor: Variable | None = None
    undivided: Variable | None = None  # the term without its division


def terms_of(total: Variable, divisors: Sequence[Variable]) -> list[Term]:
    """The terms of a sum, each with the divisor that it is found to have."""
    found: list[Term] = []
    waiting = [(total, False)]
    while waiting:
        variable, negative = waiting.pop()
        node = made_by(variable, ADD, SUB, NEG)
        if node is not None and all(
            spread(v, variable) is not None for v in node.inputs
        ):
            signs = [negative, negative]
            signs[-1] = negative != (node.op is not ADD)
            if node.op is NEG:
                signs = signs[-1:]
            waiting += list(zip(node.inputs, signs, strict=True))
            continue
        found.append(_term(variable, divisors, negative))
    return found


def _term(variable: Variable, divisors: Sequence[Variable], negative: bool) -> Term:
    sign: Callable[[Variable], Variable] = math.neg if negative else lambda v: v
    for divisor in divisors:
        plain = undivided(variable, divisor)
        if plain is not None:
            return Term(sign(variable), divisor, sign(plain))
    return Term(sign(variable))


def undivided(variable: Variable, divisor: Variable) -> Variable | None:
    """spread(g) of spread(g / pick(divisor)), where spread puts back what pick took."""
    spreads: list[Apply] = []
    current = variable
    while True:
        node = current.owner
        if node is None:
            return None
        if node.op is DIV and (chain := _chain(node.inputs[1], divisor)) is not None:
            break
        scaled = _scaled(node)
        if scaled is not None:
            spreads.append(node)
            current = scaled
            continue
        if not isinstance(node.op, SPREADS) or not _into_zeros(node):
            return None
        spreads.append(node)
        current = node.inputs[_value(node)]
    moved = [one for one in spreads if isinstance(one.op, SPREADS)]
    # What was picked first is put back last: outermost.
    if len(moved) != len(chain) or not all(map(_undoes, moved, chain)):
        return None
    if spread(node.inputs[0], current) is None:
        return None
    made = node.inputs[0]
    for one in reversed(spreads):
        made = _again(one, made)
    return made


def _scaled(node: Apply) -> Variable | None:
    """The operand of a sign or of a factor that has no part in picking."""
    return node.inputs[0] if node.op is NEG else None


def _value(node: Apply) -> int:
    return 1 if isinstance(node.op, (IncSubtensor, Put)) else 0


def _into_zeros(node: Apply) -> bool:
    return not _value(node) or number_of(node.inputs[0]) == 0


def _again(node: Apply, value: Variable) -> Variable:
    inputs = list(node.inputs)
    inputs[_value(node)] = value
    return node.op(*inputs)


def _chain(variable: Variable, source: Variable) -> list[Apply] | None:
    """The picks from `source` to `variable`, the first one first; None: another."""
    picks: list[Apply] = []
    while variable is not source:
        node = variable.owner
        if node is None or not isinstance(node.op, PICKS):
            return None
        picks.insert(0, node)
        variable = node.inputs[0]
    return picks


def _undoes(back: Apply, pick: Apply) -> bool:
    """Whether `back` puts values exactly where `pick` took them."""
    if isinstance(pick.op, Reshape) and isinstance(back.op, Reshape):
        return back.outputs[0].ndim == pick.inputs[0].ndim
    if isinstance(pick.op, DimShuffle) and isinstance(back.op, DimShuffle):
        order = pick.op.order
        wanted = tuple(
            order.index(axis) if axis in order else "x"
            for axis in range(pick.inputs[0].ndim)
        )
        return back.op.order == wanted
    ids, places = pick.inputs[1:], back.inputs[2:]
    same = len(ids) == len(places) and all(map(_is, ids, places))
    if isinstance(pick.op, Subtensor) and isinstance(back.op, IncSubtensor):
        return same and pick.op.key == back.op.key
    if isinstance(pick.op, Gather) and isinstance(back.op, Put):
        return same and pick.op.axis == back.op.axis and not back.op.replace
    return False


def _is(a: Variable, b: Variable) -> bool:
    return a is b


@CROSSENTROPY.rule(MUL)
def gradient_of_log_softmax(node: Apply) -> Replacement:
    """p · (g/p − Σ (g/p) p) → g − p Σ g, for p = softmax(x), also picked from"""
    for p, other in (node.inputs, node.inputs[::-1]):
        soft = made_by(p, Softmax)
        inner = None if soft is None else made_by(other, SUB)
        if soft is None or inner is None or not isinstance(soft.op, Softmax):
            continue
        g, mean = inner.inputs
        if not _is_weighted_sum(mean, g, p, soft.op.axis):
            continue
        terms = terms_of(g, [p])
        if all(term.divisor is None for term in terms):
            return None
        return _softmax_gradient(terms, p, soft.op.axis)
    return None


def _is_weighted_sum(mean: Variable, g: Variable, p: Variable, axis: int) -> bool:
    """Whether `mean` is Σ g p along the axis, which is kept."""
    total = kept(mean, Sum)
    product = None if total is None else made_by(total[0], MUL)
    if total is None or product is None or total[1] != axis:
        return False
    return {id(v) for v in product.inputs} == {id(g), id(p)}


def _softmax_gradient(terms: Sequence[Term], p: Variable, axis: int) -> Variable:
    divided = [t.undivided for t in terms if t.undivided is not None]
    plain = [t.whole for t in terms if t.undivided is None]
    h = reduce(math.add, divided)
    made = h - p * kept_sum(h, axis)
    if plain:
        g = reduce(math.add, plain)
        made = made + p * (g - kept_sum(g * p, axis))
    return made


@CROSSENTROPY.rule(MUL)
def gradient_of_log_sigmoid(node: Apply) -> Replacement:
    """(g/s) · s (1 − s) → g (1 − s); (g/(1 − s)) · s (1 − s) → g s, for s = σ(x)"""
    for total, slope in (node.inputs, node.inputs[::-1]):
        product = made_by(slope, MUL)
        if product is None:
            continue
        for s, rest in (product.inputs, product.inputs[::-1]):
            if made_by(s, SIGMOID) is None or not is_one_minus(rest, s):
                continue
            terms = terms_of(total, [s, rest])
            if all(term.divisor is None for term in terms):
                return None
            other = {id(s): rest, id(rest): s}
            parts = [
                t.whole * slope
                if t.divisor is None or t.undivided is None
                else t.undivided * other[id(t.divisor)]
                for t in terms
            ]
            return reduce(math.add, parts)
    return None


def is_one_minus(variable: Variable, x: Variable) -> bool:
    """Whether a variable is 1 − x."""
    node = made_by(variable, SUB)
    return node is not None and node.inputs[1] is x and number_of(node.inputs[0]) == 1
