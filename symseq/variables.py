"""Variables that a user begins with: inputs by rank and dtype, shared variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symseq.errors import ShapeError, UsageError
from symseq.graph import SharedVariable, Variable
from symseq.lengths import ONE, Length, differ, show, size_of
from symseq.types import Array, TensorType, as_dtype, weak_dtype

Lengths = Sequence[Length]


def tensor(
    dtype: object = None,
    shape: Lengths | None = None,
    name: str | None = None,
    *,
    broadcastable: Sequence[bool] | None = None,
) -> Variable:
    """An input of any dtype and rank; a length is an int, a `Dim` or None.

    >>> from symseq.lengths import dims
    >>> B, T = dims("B T")
    >>> tensor("int64", (T, B), "words")
    words: int64[T, B]
    """
    lengths = tuple((broadcastable or ()) if shape is None else shape)
    return Variable(TensorType(as_dtype(dtype or "floatX"), lengths), name=name)


def _of_rank(word: str, *lengths: Length) -> Callable[..., Variable]:
    rank = len(lengths)

    def make(
        name: str | None = None, dtype: object = None, shape: Lengths | None = None
    ) -> Variable:
        if shape is not None and len(shape) != rank:
            raise ShapeError(f"a {word} has rank {rank}; got the shape {tuple(shape)}")
        return tensor(dtype, lengths if shape is None else shape, name)

    make.__name__ = make.__qualname__ = word
    make.__doc__ = f"An input of rank {rank}, floatX unless a dtype is given."
    return make


scalar = _of_rank("scalar")
vector = _of_rank("vector", None)
row = _of_rank("row", 1, None)
col = _of_rank("col", None, 1)
matrix = _of_rank("matrix", None, None)
tensor3 = _of_rank("tensor3", *[None] * 3)
tensor4 = _of_rank("tensor4", *[None] * 4)


def _several(make: Callable[..., Variable]) -> Callable[..., list[Variable]]:
    def several(*names: str, dtype: object = None) -> list[Variable]:
        return [make(name, dtype) for name in names]

    several.__doc__ = "One input for each name."
    return several


scalars, vectors, rows, cols = map(_several, (scalar, vector, row, col))
matrices, tensor3s, tensor4s = map(_several, (matrix, tensor3, tensor4))


def _types(dtype: str) -> tuple[TensorType, ...]:
    """The types of rank 0 to 4 of one dtype; a type is called to make an input."""
    shapes: list[tuple[Length, ...]] = [(), (None,), (1, None), (None, 1), (None, None)]
    shapes += [(None,) * 3, (None,) * 4]
    return tuple(TensorType(dtype, shape) for shape in shapes)


bscalar, bvector, brow, bcol, bmatrix, btensor3, btensor4 = _types("int8")
wscalar, wvector, wrow, wcol, wmatrix, wtensor3, wtensor4 = _types("int16")
iscalar, ivector, irow, icol, imatrix, itensor3, itensor4 = _types("int32")
lscalar, lvector, lrow, lcol, lmatrix, ltensor3, ltensor4 = _types("int64")
fscalar, fvector, frow, fcol, fmatrix, ftensor3, ftensor4 = _types("float32")
dscalar, dvector, drow, dcol, dmatrix, dtensor3, dtensor4 = _types("float64")


def shared(
    value: object,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: bool | None = None,
    borrow: bool = False,
    *,
    broadcastable: Sequence[bool] | None = None,
    shape: Lengths | None = None,
    target: str | None = None,
) -> SharedVariable:
    """A variable that holds a copy of `value` between calls.

    Its lengths are the value's; ``shape`` names them, and None in it frees one.
    A Python float becomes floatX, a Python int int64. ``borrow`` keeps the array itself
    where it can. ``strict``, ``allow_downcast`` and ``target`` are accepted.

    Raises: ShapeError where ``shape`` does not fit; DTypeError for no array of numbers.

    >>> from symseq.lengths import dims
    >>> D, H = dims(D=2, H=3)
    >>> shared(np.zeros((2, 12), "float32"), "W", shape=(D, 4 * H))
    W: float32[D, 4H]
    """
    array = _as_array(value, borrow)
    if shape is None and broadcastable is not None:
        shape = [
            1 if stretches else None if size == 1 else size
            for stretches, size in zip(broadcastable, array.shape, strict=True)
        ]
    lengths: Lengths = array.shape if shape is None else shape
    _check_fit(array, lengths)
    return SharedVariable(TensorType(array.dtype.name, tuple(lengths)), array, name)


def _as_array(value: object, borrow: bool) -> Array:
    if isinstance(value, Variable):
        raise UsageError(
            f"a shared variable holds numbers; got the variable {value.label}"
        )
    array = np.asarray(value)
    dtype = as_dtype(array.dtype)
    if isinstance(value, float) and not isinstance(value, np.generic):
        dtype = weak_dtype(value, None)
    copy: Any = None if borrow else True
    return np.array(array, dtype=dtype, order="C", copy=copy)


def _check_fit(array: Array, lengths: Lengths) -> None:
    if len(lengths) != array.ndim:
        raise ShapeError(
            f"shape= needs one length per axis; got {len(lengths)} for a value of rank "
            f"{array.ndim}"
        )
    for axis, (length, size) in enumerate(zip(lengths, array.shape, strict=True)):
        if length is not ONE and size_of(length) is not None and differ(length, size):
            raise ShapeError(
                f"shape= must fit the value; axis {axis} is {show(length)} and the "
                f"value has {size}"
            )
