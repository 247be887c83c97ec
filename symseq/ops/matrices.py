"""Matrices of a pattern: identity, triangles, diagonals, one-hot rows."""

from __future__ import annotations

from symseq.errors import DTypeError, ShapeError
from symseq.graph import Variable
from symseq.ops.alloc import Alloc
from symseq.ops.arange import arange
from symseq.ops.axes import normal_axis
from symseq.ops.cast import cast
from symseq.ops.compare import eq, ge, le, switch
from symseq.ops.convert import as_tensor, constant
from symseq.ops.dimshuffle import dimshuffle, pad_left
from symseq.ops.math import minimum
from symseq.ops.shape import length_of, lengths_of
from symseq.ops.sizes import as_length
from symseq.ops.take import gather, put
from symseq.types import as_dtype, is_integer


def eye(n: object, m: object = None, k: object = 0, dtype: object = None) -> Variable:
    """y[i, j] = 1 where j = i + k, else 0; n rows, m (or n) columns."""
    rows, columns = as_length(n), as_length(n if m is None else m)
    return cast(eq(*_grid(rows, columns, k)), dtype or "floatX")


def _grid(rows: Variable, columns: Variable, k: object) -> tuple[Variable, Variable]:
    """i + k down the rows, j along the columns."""
    i = arange(rows) + as_length(k, "a diagonal's offset")
    return dimshuffle(i, (0, "x")), dimshuffle(arange(columns), ("x", 0))


def identity_like(x: object) -> Variable:
    """The identity matrix of x's lengths and dtype."""
    variable = as_tensor(x)
    rows, columns = lengths_of(variable)
    return eye(rows, columns, dtype=variable.dtype)


def tri(n: object, m: object = None, k: object = 0, dtype: object = None) -> Variable:
    """y[i, j] = 1 where j ≤ i + k, else 0."""
    rows, columns = as_length(n), as_length(n if m is None else m)
    return cast(ge(*_grid(rows, columns, k)), dtype or "floatX")


def tril(x: object, k: object = 0) -> Variable:
    """x with 0 above its k-th diagonal (of its last two axes)."""
    variable = as_tensor(x)
    i, j = _places(variable, k)
    return _kept(variable, ge(i, j))


def triu(x: object, k: object = 0) -> Variable:
    """x with 0 below its k-th diagonal (of its last two axes)."""
    variable = as_tensor(x)
    i, j = _places(variable, k)
    return _kept(variable, le(i, j))


def _places(x: Variable, k: object) -> tuple[Variable, Variable]:
    if x.ndim < 2:
        raise ShapeError(f"a triangle needs a matrix; got {x.type}")
    rows, columns = lengths_of(x)[-2:]
    return _grid(rows, columns, k)


def _kept(x: Variable, condition: Variable) -> Variable:
    return switch(pad_left(condition, x.ndim), x, constant(0, x.dtype))


def diag(x: object, k: int = 0) -> Variable:
    """A vector on the k-th diagonal of a square matrix; or a matrix' k-th diagonal."""
    variable = as_tensor(x)
    if variable.ndim == 1:
        size = length_of(variable, 0) + abs(k)
        zeros = Alloc(2)(constant(0, variable.dtype), size, size)
        steps = arange(length_of(variable, 0))
        return put(zeros, variable, [steps + max(-k, 0), steps + max(k, 0)], 0, True)
    if variable.ndim != 2:
        raise ShapeError(f"diag takes a vector or a matrix; got {variable.type}")
    return diagonal(variable, k)


def diagonal(x: object, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Variable:
    """The elements whose places along two axes differ by `offset`, as the last axis."""
    variable = as_tensor(x)
    a, b = (normal_axis(axis, variable.ndim) for axis in (axis1, axis2))
    rest = [axis for axis in range(variable.ndim) if axis not in (a, b)]
    front = dimshuffle(variable, [*rest, a, b])
    rows, columns = lengths_of(front)[-2:]
    down, right = max(-offset, 0), max(offset, 0)
    steps = arange(minimum(rows - down, columns - right))
    return gather(front, [steps + down, steps + right], len(rest))


def trace(x: object) -> Variable:
    """The sum of a matrix' diagonal."""
    total: Variable = diagonal(x).sum(axis=-1)
    return total


def to_one_hot(y: object, nb_class: object, dtype: object = None) -> Variable:
    """1 at the place that each integer of `y` names, 0 elsewhere, on a new last axis.

    Raises: BadIndexError for an integer that names no class.
    """
    classes = as_tensor(y)
    if not is_integer(classes.dtype):
        raise DTypeError(f"to_one_hot needs integers; got {classes.dtype}")
    rows = eye(nb_class, dtype=as_dtype(dtype or "floatX"))
    return gather(rows, [classes], 0)
