"""What a plan calls besides NumPy: row views, index checks, gathers, scatters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from symseq.errors import BadIndexError
from symseq.ops.scatter import add_rows, linear_places, sorting
from symseq.types import Array

from ..memory import block_rows

MOST_VIEWS = 200_000


def rows(array: Array, offset: int, count: int) -> Iterator[Array]:
    """Views of rows offset ... offset + count - 1; rows of a vector are 0-d views."""
    if array.ndim == 1:
        return (array[t, ...] for t in range(offset, offset + count))
    return iter(array[offset : offset + count])


class Chunks:
    """A table of views too long to keep: made anew, step by step, at each run."""

    def __init__(self, views: Callable[[], Iterable[Any]]) -> None:
        self.views = views

    def __iter__(self) -> Iterator[Any]:
        return iter(self.views())


def prepare(
    views: Callable[[], Iterable[Any]], trips: int, columns: int, nested: bool = False
) -> Iterable[Any]:
    """A loop's table of views: kept as a list, unless it would be too long."""
    if not nested and trips * columns > MOST_VIEWS:
        return Chunks(views)
    return list(views())


def blocks(parts: Sequence[Array], temps: Sequence[Array]) -> list[tuple[Array, ...]]:
    """For each block of rows, the parts' rows and as many of the temporaries'."""
    count = len(parts[0])
    size = min([block_rows(x.shape, x.dtype.name) for x in parts] + [*map(len, temps)])
    table = []
    for start in range(0, count, max(size, 1)):
        rows = min(size, count - start)
        block = [x[start : start + rows] for x in parts]
        table.append((*block, *(x[:rows] for x in temps)))
    return table


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
    return np.where(ids < 0, ids + length, ids) if low < 0 else ids


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


def softmax(x: Array, axis: int, out: Array) -> None:
    """out = exp(x) / Σ exp(x) along `axis`."""
    np.subtract(x, x.max(axis, keepdims=True, initial=-np.inf), out)
    np.exp(out, out)
    np.divide(out, out.sum(axis, keepdims=True), out)


def log_softmax(x: Array, axis: int, out: Array) -> None:
    """out = x - log Σ exp(x) along `axis`; x is read twice, which spares a buffer."""
    largest = x.max(axis, keepdims=True, initial=-np.inf)
    np.subtract(x, largest, out)
    np.exp(out, out)
    total = np.log(out.sum(axis, keepdims=True))
    np.subtract(x, largest, out)
    np.subtract(out, total, out)


HELPERS: dict[str, Callable[..., Any]] = {
    "blocks": blocks,
    "check_places": check_places,
    "gather": gather,
    "log_softmax": log_softmax,
    "prepare": prepare,
    "put_rows": put_rows,
    "rows": rows,
    "softmax": softmax,
    "take_rows": take,
}
