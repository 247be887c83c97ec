"""Rows of a loop's arrays, in the order in which its gradient reads them."""

from __future__ import annotations

from symseq.graph import Variable
from symseq.ops.alloc import Alloc
from symseq.ops.create import zeros_like
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.elementwise import Elementwise
from symseq.ops.indexing import getitem, set_subtensor
from symseq.ops.math import add, sub
from symseq.ops.reshape import Reshape
from symseq.ops.shape import ShapeOf
from symseq.ops.subtensor import Range, Subtensor
from symseq.scan.roles import Roles
from symseq.types import is_static_one


def has_rows(x: Variable, count: Variable) -> bool:
    """Whether it is sure that x has exactly `count` rows."""
    seen: Variable | None = x
    while seen is not None:
        rows = seen.type.shape[0]
        if rows is not None and rows == count.held:
            return True
        if _is_length_of(count, seen) or _counts(seen, count):
            return True
        seen = _same_rows(seen)
    return False


def _is_length_of(count: Variable, x: Variable) -> bool:
    """Whether `count` is ``x.shape[0]``."""
    node = count.owner
    if node is None or node.op != Subtensor((0,)):
        return False
    shape = node.inputs[0].owner
    return shape is not None and shape.op == ShapeOf() and shape.inputs[0] is x


def _counts(x: Variable, count: Variable) -> bool:
    """Whether the node of x makes a row for each of `count` steps."""
    node = x.owner
    if node is None:
        return False
    if isinstance(node.op, Roles) and not node.op.until:
        first = len(node.op.states)
        return node.inputs[0] is count and x.index >= first
    if isinstance(node.op, (Reshape, Alloc)):
        return len(node.inputs) > 1 and node.inputs[1] is count
    if isinstance(node.op, Subtensor):
        return _is_tail(node.op, node.inputs[0], count)
    return False


def _is_tail(op: Subtensor, history: Variable, count: Variable) -> bool:
    """Whether history[op.key] leaves out as many rows as it has initial ones."""
    loop, entry = history.owner, op.key[0] if op.key else Range()
    if loop is None or not isinstance(loop.op, Roles) or not isinstance(entry, Range):
        return False
    start, stop = entry.start or 0, entry.stop or 0
    if (
        entry.step is not None
        or not isinstance(start, int)
        or not isinstance(stop, int)
    ):
        return False
    if loop.op.until or history.index >= len(loop.op.states):
        return False
    spec = loop.op.states[history.index]
    cut = start - stop == spec.depth and start >= 0 >= stop
    return cut and not spec.last_only and loop.inputs[0] is count


def _same_rows(x: Variable) -> Variable | None:
    """A variable that x's node reads and that has as many rows as x."""
    node = x.owner
    if node is None:
        return None
    if isinstance(node.op, Subtensor):
        first = node.op.key[0] if node.op.key else Range()
        whole = first == Range() or first == Range(None, None, -1)
        return node.inputs[0] if whole else None
    if isinstance(node.op, DimShuffle):
        return node.inputs[0] if node.op.order[0] == 0 else None
    if isinstance(node.op, Elementwise):
        long = [v for v in node.inputs if not is_static_one(v.type.shape[0])]
        return long[0] if long else None
    return None


def first_rows(x: Variable, count: Variable) -> Variable:
    """x[:count]"""
    return x if has_rows(x, count) else getitem(x, slice(None, count))


def flipped(x: Variable) -> Variable:
    """x[::-1]; where x is y[::-1], that is y."""
    if x.owner is not None and is_flipped(x):
        return x.owner.inputs[0]
    return getitem(x, slice(None, None, -1))


def is_flipped(x: Variable) -> bool:
    """Whether x is made as y[::-1]."""
    return x.owner is not None and x.owner.op == Subtensor((Range(None, None, -1),))


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
