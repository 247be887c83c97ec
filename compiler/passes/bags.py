"""Sums of a table's rows: a row is added as it is taken, nothing stands in between.

    Σ_w E[ids[b, w]] · l[w]   →   sum_taken(E, ids, l)

For targets on which each elementwise step is a pass over memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from symseq import lengths
from symseq.cost.work import Cost, cost_rule, elements, types_of, work
from symseq.graph import Apply, Arg, Op, Variable, no_gradient, not_batchable
from symseq.ops import math
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.reduce import Sum
from symseq.ops.registry import Case, register
from symseq.ops.take import Take, check_ids
from symseq.types import Array, TensorType

from ..rewrite.patterns import made_by
from ..rewrite.rules import Replacement, RuleSet

BAGS = RuleSet()
MUL = math.mul.op


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    x, ids = rng.normal(size=(4, 3)), np.array([[0, 3, 3], [-1, 1, 0]])
    yield Case(SumTaken(1), (x, ids))
    yield Case(SumTaken(0), (x, ids, rng.normal(size=(2, 3))))
    yield Case(SumTaken(1), (x, ids, rng.normal(size=(3, 1))))
    yield Case(SumTaken(0), (x, ids[0]))


@register("sum_taken", cases=_cases)
@dataclass(frozen=True)
class SumTaken(Op):
    """Σ_w x[ids[..., w, ...]] · factors[w], w at `axis` of ids; (x, ids, factors?).

    ``x`` is a matrix; ``factors`` has a row for each w, as wide as x or of width 1.
    """

    axis: int
    name = "sum_taken"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        x, ids, *factors = (arg.type for arg in args)
        if factors:
            lengths.meet(ids.shape[self.axis], factors[0].shape[0], "words and factors")
            for one, other in zip(x.shape[1:], factors[0].shape[1:], strict=True):
                lengths.broadcast(one, other)
        kept = (n for k, n in enumerate(ids.shape) if k != self.axis)
        return (x.with_shape([*kept, *x.shape[1:]]),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        x, ids, *factors = inputs
        check_ids(x, [ids], 0)
        taken = x[ids]
        for one in factors:
            new = [1] * (ids.ndim - self.axis - 1)
            taken = taken * one.reshape(len(one), *new, *one.shape[1:])
        return (np.asarray(taken.sum(self.axis, dtype=x.dtype)),)

    vjp = no_gradient
    batch = not_batchable


@cost_rule(SumTaken)
def _cost(op: SumTaken, args: Sequence[Arg], outputs: Sequence[TensorType]) -> Cost:
    """A sum for each element that is taken, and a product where there are factors."""
    table, *given = types_of(args)
    taken = table.with_shape([*given[0].shape, *table.shape[1:]])
    each = 2 if len(given) > 1 else 1
    n = lengths.multiply(each, elements(taken))
    return work(n, [*given, taken], outputs)


@BAGS.rule(Sum, sole=True)
def sum_of_taken(node: Apply) -> Replacement:
    """Σ_w take(x, ids[b, w]) · l[w] → sum_taken(x, ids, l)"""
    assert isinstance(node.op, Sum)
    if len(node.op.axes) != 1 or not node.outputs[0].type.is_float:
        return None
    (axis,), (whole,) = node.op.axes, node.inputs
    for taken, factors in _factors(whole):
        inner = made_by(taken, Take)
        if inner is None or not isinstance(inner.op, Take) or inner.op.axis:
            continue
        x, ids = inner.inputs
        if x.ndim != 2 or axis >= ids.ndim or ids.broadcastable[axis]:
            continue
        if taken.broadcastable != whole.broadcastable:
            continue
        if factors is None:
            return SumTaken(axis)(x, ids)
        others = [k for k in range(ids.ndim) if k != axis]
        if factors.broadcastable[axis] or not all(
            factors.broadcastable[k] for k in others
        ):
            continue
        rows = dimshuffle(factors, [axis, *range(ids.ndim, whole.ndim)])
        return SumTaken(axis)(x, ids, rows)
    return None


def _factors(whole: Variable) -> list[tuple[Variable, Variable | None]]:
    """Pairs of what may have been taken and what it is multiplied with."""
    node = made_by(whole, MUL)
    if node is None:
        return [(whole, None)]
    a, b = node.inputs
    return [(a, b), (b, a)]
