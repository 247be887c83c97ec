"""Slices from the end of joins read the last part alone, where it is long enough.

The rows of a loop with checkpoints are those of whole segments, then those of the rest:
the last of them are always in the rest.
"""

from __future__ import annotations

from symseq.graph import Apply, Variable
from symseq.ops.indexing import getitem
from symseq.ops.join import Join
from symseq.ops.keys import INPUT, Range, bounds_of
from symseq.ops.math import add, maximum, sub
from symseq.ops.shape import length_of
from symseq.ops.subtensor import Subtensor
from symseq.scan.rows import least_rows

from ..rewrite.patterns import made_by
from ..rewrite.rules import Replacement, RuleSet
from .shapes import rows_skipped

ENDS = RuleSet()


@ENDS.rule(Subtensor)
def end_of_join(node: Apply) -> Replacement:
    """join(a, b)[-i] → b[-i], join(a, b)[d:][-i] → b[max(d − len a, 0):][-i], where
    b surely has i and d rows"""
    op, (x, *rest) = node.op, node.inputs
    assert isinstance(op, Subtensor)
    reach, skipped = _reach(op), 0
    if reach is None:
        return None
    behind = made_by(x, Subtensor)
    if behind is not None:
        skipped = rows_skipped(behind)
        if not skipped or behind.op != Subtensor((Range(skipped),)):
            return None
        x = behind.inputs[0]
    joined = made_by(x, Join)
    if joined is None or joined.op != Join(0):
        return None
    *others, last = joined.inputs
    if not others or least_rows(last) < max(reach, skipped):
        return None
    if skipped:
        before = _rows_of(others)
        last = getitem(last, slice(maximum(sub(skipped, before), 0), None))
    return op(last, *rest)


def _rows_of(parts: list[Variable]) -> Variable:
    total, *rest = (length_of(part, 0) for part in parts)
    for count in rest:
        total = add(total, count)
    return total


def _reach(op: Subtensor) -> int | None:
    """i of x[-i] or x[-i:], the last rows that are read."""
    first = op.key[0] if op.key else Range()
    if any(bound == INPUT for bound in bounds_of(first)):
        return None
    if isinstance(first, Range):
        ends = first.stop is None or (isinstance(first.stop, int) and first.stop < 0)
        plain = ends and first.step in (None, 1)
        first = first.start if plain and isinstance(first.start, int) else 0
    return -first if isinstance(first, int) and first < 0 else None
