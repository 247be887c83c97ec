"""Rows that are added at places which may repeat, sorted once for all scatters.

    put_rows(x, y, ids)   →   order, places, steps = sort_places(lengths of x, ids)
                              sums = sum_runs(take(y, order), steps)
                              put_runs(x, sums, places, steps)

Scatters by the same indices share the sorting. What y computes from parts that lack
some of the indices' axes is computed of the rows in their new order, so that y itself
is never made:

    take(a[:, None] * b, order)   →   take(a, order // len b) * take(b, order % len b)

For targets on which each elementwise step is a pass over memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from symseq.graph import Apply, Variable
from symseq.ops import math
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.elementwise import Elementwise
from symseq.ops.reshape import Reshape, product
from symseq.ops.shape import length_of
from symseq.ops.take import Put, PutRows, Take

from ..rewrite.patterns import counts_along, made_by
from ..rewrite.rules import Replacement, RuleSet
from .runs import PutRuns, SortPlaces, SumRuns

ORDER_SCATTERS = RuleSet()
# Cheap enough to be computed again where something else reads them, too.
CHEAP = (math.add.op, math.sub.op, math.mul.op, math.true_div.op, math.neg.op)
MOST_TAKES = 6
Flags = tuple[bool, ...]


@ORDER_SCATTERS.rule(Put, PutRows)
def scatter_in_order(node: Apply) -> Replacement:
    """put(x, y, ids) → put_runs(x, sum_runs(take(y, order), steps), places, steps)"""
    op, (x, y, *ids) = node.op, node.inputs
    assert isinstance(op, Put)
    if op.axis or op.replace or x.dtype == "bool":
        return None
    if any(counts_along(one, 0, x, k) for k, one in enumerate(ids) if one.ndim == 1):
        return None  # no place repeats
    rank = ids[0].ndim
    flags = tuple(map(all, zip(*(one.broadcastable for one in ids), strict=True)))
    if y.broadcastable[rank:] != x.broadcastable[len(ids) :]:
        return None
    sizes = [length_of(x, axis) for axis in range(len(ids))]
    order, places, steps = SortPlaces(len(ids)).make(*sizes, *ids)
    rows = Rows(order, flags, [_length(ids, axis) for axis in range(rank)]).of(y)
    if rows.broadcastable != (False, *y.broadcastable[rank:]):
        return None
    return PutRuns()(x, SumRuns()(rows, steps), places, steps)


def _length(ids: Sequence[Variable], axis: int) -> Variable:
    """The length of an axis of all index arrays together."""
    full = next((one for one in ids if not one.broadcastable[axis]), ids[0])
    return length_of(full, axis)


@dataclass(eq=False)
class Rows:
    """Rows in the given order: their number counts through axes of these lengths.

    ``flags`` are the axes that have a static length of 1 in all index arrays.
    """

    order: Variable
    flags: Flags
    sizes: list[Variable]
    made: dict[Variable, Variable] = field(default_factory=dict)

    def of(self, y: Variable) -> Variable:
        """take(y, order), over all axes but those of a row."""
        leaves = dict.fromkeys(self._leaves(y))
        if len(leaves) > MOST_TAKES:
            return self._taken(y)
        return self._built(y)

    def _kept(self, v: Variable) -> Flags:
        """The axes of the indices along which a variable differs."""
        return tuple(not one for one in v.broadcastable[: len(self.flags)])

    def _gains(self, v: Variable) -> bool:
        """Whether something below lacks axes, so that v is best made in order."""
        node = made_by(v, *CHEAP)
        if node is None:
            return False
        whole = self._kept(v)
        return any(
            self._gains(one)
            or (self._kept(one) != whole and not all(one.broadcastable))
            for one in node.inputs
        )

    def _leaves(self, v: Variable) -> Iterator[Variable]:
        if self._gains(v):
            assert v.owner is not None
            for one in v.owner.inputs:
                yield from self._leaves(one)
        else:
            yield v

    def _built(self, v: Variable) -> Variable:
        if v not in self.made:
            node = v.owner
            if node is not None and self._gains(v):
                assert isinstance(node.op, Elementwise)
                self.made[v] = node.op(*map(self._built, node.inputs))
            else:
                self.made[v] = self._taken(v)
        return self.made[v]

    def _taken(self, v: Variable) -> Variable:
        """The rows of v that stand at the places of the order."""
        rank, kept = len(self.flags), self._kept(v)
        behind = range(rank, v.ndim)
        if not any(kept):
            return dimshuffle(v, ["x", *behind])
        axes = [axis for axis in range(rank) if kept[axis]]
        rows = dimshuffle(v, [*axes, *behind])
        if len(axes) > 1:
            count = product([self.sizes[axis] for axis in axes])
            each = [length_of(v, axis) for axis in behind]
            rows = Reshape(1 + len(each))(rows, count, *each)
        return Take(0)(rows, self._numbers(kept))

    def _numbers(self, kept: Flags) -> Variable:
        """The numbers of the rows of something that has only some of the axes."""
        axes = [axis for axis, flag in enumerate(self.flags) if not flag]
        number: Variable | None = None
        after: list[Variable] = []  # lengths of kept axes behind
        behind: list[Variable] = []  # lengths of all axes behind
        for is_kept, group in groupby(reversed(axes), lambda axis: kept[axis]):
            here = [self.sizes[axis] for axis in group]
            if is_kept:
                part = self.order // product(behind) if behind else self.order
                if len(behind) + len(here) < len(axes):
                    part = part % product(here)
                part = part * product(after) if after else part
                number = part if number is None else number + part
                after += here
            behind += here
        assert number is not None
        return number
