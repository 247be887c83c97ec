"""What a plan calls besides NumPy: views of rows, blocks, softmax; all by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from symseq.random.bits import fill_words
from symseq.types import Array

from ..memory import block_rows
from ..passes.runs import put_runs, sum_runs
from .rows import check_places, gather, put_rows, sort_places, sum_taken, take

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
    return list(views()) if is_kept(trips, columns, nested) else Chunks(views)


def is_kept(trips: int, columns: int, nested: bool) -> bool:
    """Whether a table of so many rows stays; those inside another's rows do."""
    return nested or trips * columns <= MOST_VIEWS


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
    "fill_words": fill_words,
    "gather": gather,
    "log_softmax": log_softmax,
    "prepare": prepare,
    "put_rows": put_rows,
    "put_runs": put_runs,
    "rows": rows,
    "softmax": softmax,
    "sort_places": sort_places,
    "sum_runs": sum_runs,
    "sum_taken": sum_taken,
    "take_rows": take,
}
