"""Rows by their numbers: checked, taken, added up, put where they belong."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from symseq.errors import BadIndexError
from symseq.ops.scatter import add_rows, linear_places, sorting
from symseq.types import Array

from ..passes.runs import schedule


def check_rows(ids: Array, length: int) -> Array:
    """`ids` without negative ones, as np.take in mode 'clip' wants them.

    Raises: BadIndexError for an index outside -length ... length - 1.
    """
    if ids.size == 0:
        return ids
    low, high = ids.min(), ids.max()
    if low < -length or high >= length:
        bad = low if low < -length else high
        raise BadIndexError(
            f"index {bad} is out of bounds for an axis of length {length}"
        )
    return np.where(ids < 0, ids + np.int64(length), ids) if low < 0 else ids


def take(x: Array, ids: Array, axis: int, out: Array) -> None:
    """out = x with the rows `ids` along `axis`."""
    np.take(x, check_rows(ids, x.shape[axis]), axis, out, "clip")


def places(x: Array, ids: Sequence[Array]) -> Array:
    """One number for each tuple of leading indices: its row of x's leading axes."""
    if len(ids) == 1:
        return check_rows(ids[0], x.shape[0]).reshape(-1)
    checked = [check_rows(one, n) for one, n in zip(ids, x.shape, strict=False)]
    return linear_places(checked, x.shape[: len(ids)])


def check_places(x: Array, ids: Sequence[Array]) -> None:
    """Raises: BadIndexError where an index does not fit its axis."""
    for one, length in zip(ids, x.shape, strict=False):
        check_rows(one, length)


def gather(x: Array, ids: Sequence[Array], out: Array) -> None:
    """out[i] = x[ids[0][i], ids[1][i], ...]"""
    where = places(x, ids)
    rows = _rows_of(x, len(ids))
    np.take(rows, where, 0, out.reshape(where.size, rows.shape[1]), "clip")


def _rows_of(x: Array, count: int) -> Array:
    """x with its first `count` axes as one, and the others as one."""
    return x.reshape(prod(x.shape[:count]), prod(x.shape[count:]))


def put_rows(
    out: Array,
    y: Array,
    ids: Sequence[Array],
    ordered: Array | None = None,
    summed: Array | None = None,
) -> None:
    """out[ids[0][i], ...] += y[i] in place, repeated ids adding up in a fixed order.

    Only those rows are touched. ``ordered`` and ``summed`` are room for arrays like y.
    """
    where = places(out, ids)
    if not where.size or not out.size:
        return
    target = _rows_of(out, len(ids))
    rows = y.reshape(where.size, target.shape[1])
    if ordered is None or summed is None:
        add_rows(target, rows, where)
        return
    one, other = ordered.reshape(rows.shape), summed.reshape(rows.shape)
    order = sorting(where, len(target))
    sorted_ = where[order]
    starts = np.flatnonzero(np.r_[True, sorted_[1:] != sorted_[:-1]])
    unique, count = sorted_[starts], len(starts)
    np.take(rows, order, 0, one, "clip")
    np.add.reduceat(one, starts, 0, target.dtype, other[:count])
    np.take(target, unique, 0, one[:count], "clip")
    np.add(one[:count], other[:count], other[:count])
    target[unique] = other[:count]


def sort_places(
    sizes: Sequence[Array],
    ids: Sequence[Array],
    order: Array,
    where: Array,
    steps: Array,
) -> None:
    """What `schedule` makes of indices into axes of these sizes."""
    lengths = [int(n) for n in sizes]
    if len(ids) == 1:
        linear = check_rows(ids[0], lengths[0]).reshape(-1)
    else:
        checked = [check_rows(one, n) for one, n in zip(ids, lengths, strict=True)]
        linear = linear_places(np.broadcast_arrays(*checked), lengths)
    schedule(linear, prod(lengths), order, where, steps)


def sum_taken(
    x: Array,
    ids: Array,
    axis: int,
    factors: Array | None,
    out: Array,
    part: Array,
    table: Array,
) -> None:
    """out[...] = Σ_w x[ids[..., w, ...]] · factors[w], the words w at `axis`.

    ``part`` is room for some rows. Where x has no more rows than ``out``, it is
    multiplied in ``table`` before any are taken.
    """
    ids = np.moveaxis(check_rows(ids, len(x)), axis, 0)
    out, part, table = (one.reshape(-1, x.shape[1]) for one in (out, part, table))
    words, rows = len(ids), len(out)
    if not out.size or not words:
        out[...] = 0
    elif 2 * rows <= len(part):
        _sum_groups(x, ids, factors, out, part)
    else:
        small = factors is not None and len(x) <= rows
        for w in range(words):
            if small:
                assert factors is not None
                np.multiply(x, factors[w], table[: len(x)])
                _add_word(table[: len(x)], ids[w], None, out, part, w == 0)
            else:
                factor = None if factors is None else factors[w]
                _add_word(x, ids[w], factor, out, part, w == 0)


def _add_word(
    x: Array, ids: Array, factor: Array | None, out: Array, part: Array, first: bool
) -> None:
    """out[i] += x[ids[i]] · factor; ``first``: nothing is there to add to."""
    where = ids.reshape(-1)
    for start in range(0, len(out), len(part)):
        target = out[start : start + len(part)]
        piece = target if first else part[: len(target)]
        np.take(x, where[start : start + len(part)], 0, piece, "clip")
        if factor is not None:
            np.multiply(piece, factor, piece)
        if not first:
            np.add(target, piece, target)


def _sum_groups(
    x: Array, ids: Array, factors: Array | None, out: Array, part: Array
) -> None:
    """The same with as many words at a time as there is room for beside the sum."""
    words, rows = len(ids), len(out)
    most = len(part) // rows
    room = part[: most * rows].reshape(most, *out.shape)
    done = 0
    while done < words:
        begin = min(done, 1)
        if begin:
            room[0] = out
        count = min(words - done, most - begin)
        group = room[begin : begin + count]
        where = ids[done : done + count].reshape(count, rows)
        np.take(x, where, 0, group, "clip")
        if factors is not None:
            np.multiply(group, factors[done : done + count, None], group)
        np.add.reduce(room[: begin + count], 0, None, out=out)
        done += count
