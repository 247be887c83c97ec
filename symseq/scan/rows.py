"""Rows of a loop's arrays, in the order in which its gradient reads them."""

from __future__ import annotations

from symseq.graph import Variable
from symseq.ops.alloc import Alloc
from symseq.ops.create import zeros_like
from symseq.ops.dimshuffle import DimShuffle, dimshuffle
from symseq.ops.elementwise import Elementwise
from symseq.ops.indexing import getitem, set_subtensor
from symseq.ops.keys import at_least
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


def least_rows(x: Variable) -> float:
    """How many rows x has at least: of a history, as many as it begins with."""
    loop = x.owner
    states = loop.op.states if loop and isinstance(loop.op, Roles) else ()
    if x.index < len(states):
        return states[x.index].depth
    rows = x.type.shape[0]
    return 0 if rows is None else at_least(rows)


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
        return _is_tail(x, node.inputs[0], count)
    return False


def _slice_of(x: Variable) -> Range | None:
    """The slice of rows that x is, one after the other."""
    node = x.owner
    assert node is not None and isinstance(node.op, Subtensor)
    entry = node.op.key[0] if node.op.key else Range()
    plain = isinstance(entry, Range) and entry.step in (None, 1)
    return entry if plain and isinstance(entry, Range) else None


def _is_tail(x: Variable, history: Variable, count: Variable) -> bool:
    """Whether x is a history, or its mirror, without as many rows as it began with."""
    loop, entry = history.owner, mirrored_rows(x) or _slice_of(x)
    if loop is None or not isinstance(loop.op, Roles) or entry is None:
        return False
    start, stop = entry.start or 0, entry.stop or 0
    if isinstance(start, str) or isinstance(stop, str):
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
    """x[::-1]; where x is a mirror of rows of y, those rows of y."""
    rows = mirrored_rows(x)
    if rows is None or x.owner is None:
        return getitem(x, slice(None, None, -1))
    source = x.owner.inputs[0]
    return source if rows.is_full else Subtensor((rows,))(source)


def mirrored_rows(x: Variable) -> Range | None:
    """The rows of y whose mirror x is: y[-k:j:-1] has rows j + 1 : 1 - k."""
    node = x.owner
    if node is None or not isinstance(node.op, Subtensor) or len(node.op.key) != 1:
        return None
    (entry,) = node.op.key
    if not isinstance(entry, Range) or entry.step != -1:
        return None
    start, stop = entry.start, entry.stop
    if not (start is None or (isinstance(start, int) and start < 0)):
        return None
    if not (stop is None or (isinstance(stop, int) and stop >= 0)):
        return None
    first = None if stop is None else stop + 1
    return Range(first, None if start in (None, -1) else start + 1)


def history_rows(
    history: Variable, offset: int, depth: int, count: Variable, stopped: bool
) -> Variable:
    """Rows offset, offset + 1, ...: one per step; `stopped`: of an until-scan."""
    if stopped:
        stop = add(count, offset) if offset else count
        return getitem(history, slice(offset or None, stop))
    return getitem(history, slice(offset or None, offset - depth or None))


def final_rows(history: Variable, depth: int, done: Variable | None) -> Variable:
    """The last `depth` rows of a history; `done`: how many steps an until-scan did.

    That one row is one row is in its type: readers may drop the axis.
    """
    if depth == 1:
        row = getitem(history, -1 if done is None else done)
        return dimshuffle(row, ["x", *range(row.ndim)])
    if done is None:
        return getitem(history, slice(-depth, None))
    return getitem(history, slice(done, add(done, depth)))


def spread_rows(
    rows: Variable, like: Variable, count: Variable, made: Variable
) -> Variable:
    """`rows`, the last `made` of the first `count` rows of an array of zeros."""
    if made is count and has_rows(like, count):
        return rows
    start = None if made is count else sub(count, made)
    return set_subtensor(getitem(zeros_like(like), slice(start, count)), rows)
