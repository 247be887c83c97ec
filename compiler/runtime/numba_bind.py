"""What `bind` works out for jitted functions: addresses, strides, checks of both."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from symseq.errors import BadIndexError, SymseqError
from symseq.graph import Apply, operands
from symseq.types import Array

from .numba_blas import product_address

ALIGNMENT = 64
Maybe = Array | None  # None: a row of a loop without steps


@dataclass(frozen=True, slots=True)
class Room:
    """Memory behind a table, for a matrix that must be copied first."""

    nbytes: int


def address(x: Maybe) -> int:
    return 0 if x is None else int(x.__array_interface__["data"][0])


def step(first: Maybe, second: Maybe) -> int:
    """The bytes from a row of one step to that of the next."""
    return address(second) - address(first)


def length(x: Maybe, axis: int) -> int:
    return 0 if x is None else x.shape[axis]


def lengths(x: Maybe) -> tuple[int, ...] | None:
    return None if x is None else x.shape


def stride(x: Maybe, axis: int) -> int:
    """The elements from one place of an axis to the next."""
    return 0 if x is None else x.strides[axis] // x.itemsize


def in_bytes(x: Maybe, axis: int) -> int:
    return 0 if x is None else x.strides[axis]


def table(reserved: int, *entries: int | Room) -> Array:
    """The numbers in one array, after `reserved` free places; rooms are behind it."""
    count = reserved + len(entries)
    rooms = [entry.nbytes + ALIGNMENT for entry in entries if isinstance(entry, Room)]
    made = np.zeros(count + -(-sum(rooms) // 8), np.int64)
    free = address(made) + 8 * count
    for k, entry in enumerate(entries, reserved):
        if isinstance(entry, Room):
            made[k] = free + -free % ALIGNMENT
            free += entry.nbytes + ALIGNMENT
        else:
            made[k] = entry
    return made


# -- matrices as BLAS reads them ----------------------------------------------------


def _sizes(x: Array, rows: int | None, columns: int | None) -> tuple[int, ...]:
    """(rows, columns, bytes down, bytes right)"""
    m, down = (1, 0) if rows is None else (x.shape[rows], x.strides[rows])
    n, right = (1, 0) if columns is None else (x.shape[columns], x.strides[columns])
    return m, n, down, right


def _mode(x: Array, rows: int | None, columns: int | None) -> int:
    """0: rows are dense; 1: columns are; 2: neither."""
    m, n, down, right = _sizes(x, rows, columns)
    size = x.itemsize
    if (right == size or n <= 1) and (m <= 1 or down >= n * size) and down % size == 0:
        return 0
    if (down == size or m <= 1) and (n <= 1 or right >= m * size) and right % size == 0:
        return 1
    return 2


def transposed(x: Maybe, rows: int | None, columns: int | None) -> int:
    return 0 if x is None else _mode(x, rows, columns) % 2


def leading(
    x: Maybe, rows: int | None, columns: int | None, mode: int | None = None
) -> int:
    """The elements from row to row as BLAS reads the matrix, or its copy."""
    if x is None:
        return 1
    m, n, down, right = _sizes(x, rows, columns)
    mode = _mode(x, rows, columns) if mode is None else mode
    if mode == 1:
        return max(right // x.itemsize if n > 1 else 1, m, 1)
    return max(down // x.itemsize if m > 1 and mode == 0 else 1, n, 1)


def scratch(x: Maybe, rows: int | None, columns: int | None) -> int | Room:
    if x is None or _mode(x, rows, columns) < 2:
        return 0
    m, n, *_ = _sizes(x, rows, columns)
    return Room(m * n * x.itemsize)


def product(dtype: str) -> int:
    return product_address("s" if dtype == "float32" else "d")[0]


def signals() -> int:
    """Where Python runs the handlers of signals that have come; not 0: one raised."""
    return ctypes.cast(ctypes.pythonapi.PyErr_CheckSignals, ctypes.c_void_p).value or 0


# -- checks -------------------------------------------------------------------------


def fits(
    x: Maybe,
    shape: Sequence[int] | None,
    axes: Sequence[int | None],
    groups: Sequence[Sequence[int | None]],
    is_unit: bool,
) -> None:
    """See that an array is what a nest takes it for; jitted code would read elsewhere.

    Raises: AssertionError, which is an error of symseq.
    """
    if x is None or shape is None or 0 in shape:
        return
    for k, axis in enumerate(axes):
        assert axis is None or x.shape[axis] == shape[k], (x.shape, shape, axes)
    for group in groups:
        if group[-1] is None:
            continue
        own = [axis for axis in group if axis is not None and x.shape[axis] != 1]
        for first, second in pairwise(own):
            dense = x.strides[second] * x.shape[second]
            assert x.strides[first] == dense, (x.shape, x.strides, groups)
    last = groups[-1][-1] if groups else None
    if is_unit and last is not None and x.shape[last] != 1:
        assert x.strides[last] == x.itemsize, (x.shape, x.strides, axes)


def checker(sites: dict[str, list[Apply]]) -> Callable[[Array, str], None]:
    """What raises for a jitted function that met a wrong index.

    Its table begins with the place of failure from 1 or 0, the index, the length.
    """

    def check(p: Array, function: str) -> None:
        failed = p[0]
        if not failed:
            return
        node = sites[function][failed - 1]
        p[0] = 0
        error: SymseqError = BadIndexError(
            f"index {p[1]} is out of bounds for an axis of length {p[2]}"
        )
        raise error.at(node.spans[0], operands(node.inputs))

    return check


HELPERS: dict[str, Callable[..., Any]] = {
    "address_": address, "step_": step, "length_": length, "lengths_": lengths,
    "stride_": stride, "bytes_": in_bytes, "table_": table,
    "transposed_": transposed, "leading_": leading, "scratch_": scratch,
    "product_": product, "signals_": signals, "fits_": fits,
}  # fmt: skip
