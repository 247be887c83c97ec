"""What a plan calls besides NumPy: row views, index checks, gathers, scatters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from symseq.errors import BadIndexError
from symseq.ops.scatter import add_rows
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


def put_rows(out: Array, y: Array, ids: Array) -> None:
    """out[ids[i]] += y[i] in place, repeated ids adding up in a fixed order."""
    flat = check_rows(ids, out.shape[0]).reshape(-1)
    width = out.size // out.shape[0] if out.shape[0] else 0
    add_rows(out.reshape(out.shape[0], width), y.reshape(flat.size, width), flat)


HELPERS: dict[str, Callable[..., Any]] = {
    "blocks": blocks,
    "rows": rows,
    "prepare": prepare,
    "take_rows": take,
    "put_rows": put_rows,
}
