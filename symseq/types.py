"""The type of a variable: a dtype and one length per axis; how dtypes join."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from symseq import lengths
from symseq.config import config
from symseq.errors import DTypeError, ShapeError
from symseq.lengths import ONE, Dim, Length

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Scalar: TypeAlias = "bool | int | float | np.generic"
Shape: TypeAlias = tuple[Length, ...]

SIGNED = ("int8", "int16", "int32", "int64")
INTEGERS = (*SIGNED, "uint8")
FLOATS = ("float32", "float64")
DTYPES = ("bool", *INTEGERS, *FLOATS)
# Theano's letters: vector, fvector, dvector, ...
LETTERS = {
    "b": "int8",
    "w": "int16",
    "i": "int32",
    "l": "int64",
    "f": "float32",
    "d": "float64",
}


def as_dtype(dtype: object) -> str:
    """The canonical name of a dtype ('floatX' too).

    Raises: DTypeError for a dtype that symseq does not have.
    """
    if isinstance(dtype, str) and dtype in DTYPES:
        return dtype
    if dtype == "floatX":
        return config.floatX
    try:
        name = np.dtype(dtype).name  # type: ignore[call-overload]
    except TypeError:
        name = str(dtype)
    if name not in DTYPES:
        raise DTypeError(
            f"dtype must be one of {', '.join(DTYPES)}; got {name}",
            hint="cast the value first, for instance with value.astype('int64')",
        )
    return str(name)


def is_float(dtype: str) -> bool:
    return dtype in FLOATS


def is_integer(dtype: str) -> bool:
    return dtype in INTEGERS


def join_dtypes(dtypes: Iterable[str]) -> str:
    """The dtype of an operation on arrays of `dtypes`.

    Floats win over integers and keep their width: int64 with float32 is float32.
    """
    found = set(dtypes)
    floats = [dtype for dtype in FLOATS if dtype in found]
    if floats:
        return floats[-1]
    return str(np.result_type(*found).name)


def weak_dtype(value: bool | int | float, dtype: str | None) -> str:
    """The dtype that a Python number takes beside an array of `dtype` (None: alone)."""
    if isinstance(value, bool):
        return dtype or "bool"
    if isinstance(value, int):
        if dtype is None or dtype == "bool":
            return smallest_integer(value)
        if is_float(dtype) or fits(value, dtype):
            return dtype
        return join_dtypes([dtype, smallest_integer(value)])
    return dtype if dtype is not None and is_float(dtype) else config.floatX


def smallest_integer(value: int) -> str:
    """int8 where it fits (Theano's rule for constants), else int16, int32, int64."""
    for dtype in SIGNED:
        if fits(value, dtype):
            return dtype
    raise DTypeError(f"an integer must fit int64; got {value}")


def fits(value: int, dtype: str) -> bool:
    if dtype == "bool":
        return value in (0, 1)
    limits = np.iinfo(dtype)
    return bool(limits.min <= value <= limits.max)


_make_variable: list[Callable[[TensorType, str | None], Any]] = []


def set_variable_factory(factory: Callable[[TensorType, str | None], Any]) -> None:
    """Called once by the graph, so that ``TensorType(...)("x")`` makes a variable."""
    _make_variable[:] = [factory]


@dataclass(frozen=True, slots=True, init=False)
class TensorType:
    """dtype[length, ...]; a length is an int, a named Dim, or None (known when called).

    Theano's broadcast flags are accepted as lengths: True is 1, False is None; so is
    its keyword ``broadcastable``.

    >>> B, H = lengths.dims("B", H=128)
    >>> str(TensorType("float32", (B, 4 * H, None)))
    'float32[B, 4H, ?]'
    """

    dtype: str
    shape: Shape = ()

    def __init__(
        self,
        dtype: object,
        shape: Sequence[Length] = (),
        *,
        broadcastable: Sequence[bool] = (),
    ) -> None:
        object.__setattr__(self, "dtype", as_dtype(dtype))
        lengths_ = tuple(map(_as_length, shape or broadcastable))
        object.__setattr__(self, "shape", lengths_)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def broadcastable(self) -> tuple[bool, ...]:
        return tuple(is_static_one(length) for length in self.shape)

    @property
    def is_float(self) -> bool:
        return is_float(self.dtype)

    @property
    def sizes(self) -> tuple[int | None, ...]:
        """Each length as a number where it is known to be one."""
        return tuple(map(lengths.size_of, self.shape))

    def with_shape(self, shape: Sequence[Length]) -> TensorType:
        return TensorType(self.dtype, tuple(shape))

    def with_lengths(self, shape: Shape) -> TensorType:
        """As `with_shape`, for lengths that are surely valid: nothing is checked."""
        made = object.__new__(TensorType)
        object.__setattr__(made, "dtype", self.dtype)
        object.__setattr__(made, "shape", shape)
        return made

    def with_dtype(self, dtype: str) -> TensorType:
        return TensorType(dtype, self.shape)

    def __str__(self) -> str:
        inside = ", ".join("?" if n is None else str(n) for n in self.shape)
        return f"{self.dtype}[{inside}]" if self.shape else self.dtype

    def __call__(self, name: str | None = None) -> Any:
        """A new variable of this type (Theano's way)."""
        return _make_variable[0](self, name)


def _as_length(length: Length) -> Length:
    if isinstance(length, bool):
        return 1 if length else None
    if length is None or isinstance(length, Dim):
        return length
    if isinstance(length, (int, np.integer)) and length >= 0:
        return int(length)
    raise ShapeError(
        f"a length must be an int of at least 0, a Dim or None; got {length!r}"
    )


def is_static_one(length: Length) -> bool:
    """Whether an axis was declared of length 1, so that it broadcasts."""
    return isinstance(length, int) and length == 1


def concrete(static: TensorType, shape: Sequence[int]) -> TensorType:
    """The type of an actual array: numbers for lengths.

    A 1 that `static` does not know becomes ONE, which does not broadcast: broadcasting
    is decided when the graph is built, whatever the lengths of one call.
    """
    return static.with_shape(
        [
            ONE if size == 1 and not is_static_one(length) else size
            for size, length in zip(shape, static.shape, strict=True)
        ]
    )
