"""Keys of basic indexing, and how long what they keep is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from symseq.errors import BadIndexError
from symseq.graph import Arg, known_length
from symseq.lengths import Dim, Length, size_of
from symseq.types import Array, TensorType

# An index that is the node's next input.
Input: TypeAlias = Literal["?"]
INPUT: Input = "?"


@dataclass(frozen=True, slots=True)
class Range:
    """A slice start:stop:step; a bound is an int, the next input ('?'), or left out."""

    start: int | Input | None = None
    stop: int | Input | None = None
    step: int | Input | None = None

    @property
    def bounds(self) -> tuple[int | Input | None, ...]:
        return (self.start, self.stop, self.step)

    @property
    def is_full(self) -> bool:
        return self == Range()

    def __str__(self) -> str:
        text = ["" if bound is None else str(bound) for bound in self.bounds]
        return ":".join(text if text[2] else text[:2])


Key: TypeAlias = "tuple[int | Input | Range, ...]"


def bind(key: Key, values: Iterator[Any]) -> list[Any]:
    """The key as Python ints and slices, with '?' filled in from `values`."""

    def value(bound: int | Input | None) -> Any:
        return next(values) if bound == INPUT else bound

    return [
        slice(*[value(bound) for bound in entry.bounds])
        if isinstance(entry, Range)
        else value(entry)
        for entry in key
    ]


def bounds_of(entry: int | Input | Range) -> tuple[int | Input | None, ...]:
    """The ints and inputs that an entry is made of."""
    return entry.bounds if isinstance(entry, Range) else (entry,)


def check_index(index: int, length: int, axis: int) -> None:
    """Raises: BadIndexError where an index is outside -length .. length - 1."""
    if not -length <= index < length:
        raise BadIndexError(
            f"index {index} is out of bounds for axis {axis} of length {length}"
        )


def known(args: Sequence[Arg]) -> Iterator[Length | Input]:
    """What each index is known to hold, or '?'."""
    for arg in args:
        length = known_length(arg)
        yield INPUT if length is None else length


def region(key: Key, x: TensorType, indices: Sequence[Arg]) -> TensorType:
    """The type of x[key]: the rule of basic indexing.

    Raises: BadIndexError for too many indices, or one that is out of bounds.
    """
    if len(key) > x.ndim:
        raise BadIndexError(f"{x} takes at most {x.ndim} indices; got {len(key)}")
    shape: list[Length] = []
    for axis, entry in enumerate(bind(key, known(indices))):
        length = x.shape[axis]
        if isinstance(entry, slice):
            shape.append(slice_length(length, entry))
        elif entry != INPUT and size_of(entry) is not None:
            size = size_of(length)
            if size is not None:
                check_index(size_of(entry) or 0, size, axis)
    return x.with_shape([*shape, *x.shape[len(key) :]])


def slice_length(length: Length, cut: slice) -> Length:
    """How many elements a slice keeps; None where that is not sure before a call."""
    bounds = (cut.start, cut.stop, cut.step)
    step = 1 if cut.step is None else cut.step
    if step == 0:
        raise BadIndexError("a slice's step must not be 0; got 0")
    if INPUT in bounds:
        return None
    if cut.start is None and cut.stop is None and step in (1, -1):
        return length
    named = _unclipped(length, cut) if step == 1 else None
    size = size_of(length)
    if named is not None or size is None:
        return named
    sizes = [size_of(bound) for bound in bounds]
    if any(s is None and b is not None for s, b in zip(sizes, bounds, strict=True)):
        return None
    return len(range(*slice(*sizes).indices(size)))


def _unclipped(length: Length, cut: slice) -> Length:
    """stop − start, where 0 ≤ start ≤ stop ≤ length is sure."""
    if length is None:
        return None
    start = 0 if cut.start is None else _from_front(cut.start, length)
    stop = length if cut.stop is None else _from_front(cut.stop, length)
    if start is None or stop is None:
        return None
    sure = at_least(start) >= 0 and at_least(stop - start) >= 0
    return _plain(stop - start) if sure and at_least(length - stop) >= 0 else None


def _plain(length: int | Dim) -> int | Dim:
    """The number instead of a name less a number: 4H - 384 says less than 128."""
    named = isinstance(length, Dim) and all(monomial for monomial, _ in length.terms)
    size = size_of(length)
    return length if named or size is None else size


def _from_front(bound: int | Dim, length: int | Dim) -> Length:
    if isinstance(bound, Dim):
        return bound if at_least(bound) >= 0 else None
    return bound if bound >= 0 else length + bound


def at_least(length: int | Dim) -> float:
    """A lower bound: names without a size may be 0 and have no upper bound."""
    if isinstance(length, int):
        return length
    if length.size is not None:
        return length.size
    low = 0.0
    for monomial, coefficient in length.terms:
        sizes = [symbol.size for symbol in monomial]
        if all(size >= 0 for size in sizes):
            low += coefficient * int(np.prod(sizes, dtype=np.int64))
        elif coefficient < 0 and 0 not in sizes:
            return -np.inf
    return low


def numpy_key(key: Key, x: Array, indices: Sequence[Array]) -> tuple[Any, ...]:
    """The key for NumPy. Raises: BadIndexError, ShapeError."""
    bound = bind(key, (int(index) for index in indices))
    for axis, entry in enumerate(bound):
        if not isinstance(entry, slice):
            check_index(entry, x.shape[axis], axis)
        elif entry.step == 0:
            raise BadIndexError("a slice's step must not be 0; got 0")
    return tuple(bound)
