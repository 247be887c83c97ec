"""Rows of a loop's arrays, in the order in which its gradient reads them."""

from __future__ import annotations

from symseq.graph import Variable
from symseq.ops.create import zeros_like
from symseq.ops.indexing import getitem, set_subtensor
from symseq.ops.math import add, sub
from symseq.ops.shape import ShapeOf
from symseq.ops.subtensor import Subtensor


def has_rows(x: Variable, count: Variable) -> bool:
    """Whether it is sure that x has exactly `count` rows."""
    rows = x.type.shape[0]
    if rows is not None and rows == count.held:
        return True
    node = count.owner
    if node is None or node.op != Subtensor((0,)):
        return False
    shape = node.inputs[0].owner
    return shape is not None and shape.op == ShapeOf() and shape.inputs[0] is x


def first_rows(x: Variable, count: Variable) -> Variable:
    """x[:count]"""
    return x if has_rows(x, count) else getitem(x, slice(None, count))


def flipped(x: Variable) -> Variable:
    """x[::-1]"""
    return getitem(x, slice(None, None, -1))


def history_rows(
    history: Variable, offset: int, depth: int, count: Variable, stopped: bool
) -> Variable:
    """Rows offset, offset + 1, ...: one per step; `stopped`: of an until-scan."""
    if stopped:
        stop = add(count, offset) if offset else count
        return getitem(history, slice(offset or None, stop))
    return getitem(history, slice(offset or None, offset - depth or None))


def spread_rows(
    rows: Variable, like: Variable, count: Variable, made: Variable
) -> Variable:
    """`rows`, the last `made` of the first `count` rows of an array of zeros."""
    if made is count and has_rows(like, count):
        return rows
    start = None if made is count else sub(count, made)
    return set_subtensor(getitem(zeros_like(like), slice(start, count)), rows)
