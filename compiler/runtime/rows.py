"""Rows by their numbers: checked, taken, added up, put where they belong."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from symseq.errors import BadIndexError
from symseq.ops.scatter import add_rows, linear_places, sorting
from symseq.types import Array

from ..memory import BLOCK_BYTES
from ..passes.runs import schedule

MANY = 4  # words at a time that are worth it


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

    ``part`` and ``table`` are room for as many rows as ``out`` has. Where x has no
    more, it is multiplied before any rows are taken.
    """
    ids = np.moveaxis(check_rows(ids, len(x)), axis, 0)
    out, part, table = (one.reshape(-1, x.shape[1]) for one in (out, part, table))
    if not out.size or not len(ids):
        out[...] = 0
        return
    most = BLOCK_BYTES // out.nbytes
    if most >= MANY:
        _sum_groups(x, ids, factors, out, most)
        return
    before = factors is not None and len(x) <= len(out)
    rows = table[: len(x)] if before else x
    for w, where in enumerate(ids):
        piece = part if w else out
        if factors is not None and before:
            np.multiply(x, factors[w], rows)
        rows.take(where.reshape(-1), 0, piece, "clip")
        if factors is not None and not before:
            np.multiply(piece, factors[w], piece)
        if w:
            np.add(out, piece, out)


def _sum_groups(
    x: Array, ids: Array, factors: Array | None, out: Array, most: int
) -> None:
    """The same with `most` words at a time, of which one is the sum so far."""
    words, rows = len(ids), len(out)
    room = np.empty((min(most, words + 1), *out.shape), out.dtype)
    room[0] = 0
    for first in range(0, words, most - 1):
        last = min(first + most - 1, words)
        group = room[1 : 1 + last - first]
        x.take(ids[first:last].reshape(last - first, rows), 0, group, "clip")
        if factors is not None:
            np.multiply(group, factors[first:last, None], group)
        np.add.reduce(room[: 1 + last - first], 0, None, out=out)
        room[0] = out
