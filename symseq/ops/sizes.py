"""Lengths as integer scalars: from what users write, and in shape rules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symseq.errors import DTypeError, NotBatchableError, ShapeError, UsageError
from symseq.graph import Arg, Constant, Op, Variable, known_length
from symseq.lengths import Dim, Length, size_of
from symseq.operators import METHODS
from symseq.ops.convert import as_tensor, constant
from symseq.types import is_integer


def as_length(value: object, what: str = "a length") -> Variable:
    """`value` (an int, a Dim with a size, an integer scalar) as an int64 scalar.

    Raises: DTypeError for what is no integer, ShapeError for what is no scalar.
    """
    if isinstance(value, Dim):
        if value.size is None:
            raise UsageError(
                f"{what} must have a value; got the name {value}",
                hint="use the length of an array that has it, like x.shape[0]",
            )
        named = constant(value.size, "int64")
        named.held = value  # the length keeps its name
        return named
    scalar = as_tensor(value)
    if not is_integer(scalar.dtype):
        raise DTypeError(f"{what} must be an integer; got {scalar.dtype}")
    if scalar.ndim != 0:
        raise ShapeError(f"{what} must be a scalar; got rank {scalar.ndim}")
    return as_int64(scalar)


def as_int64(x: Variable) -> Variable:
    """An integer x as int64; constants are cast at once."""
    if isinstance(x, Constant):
        return constant(x.data, "int64") if x.dtype != "int64" else x
    made: Variable = x if x.dtype == "int64" else METHODS["astype"](x, "int64")
    return made


def as_lengths(values: object, ndim: int | None = None) -> list[Variable]:
    """A shape in any form (an int, a sequence, an integer vector) as int64 scalars."""
    if isinstance(values, (Variable, np.ndarray)) and as_tensor(values).ndim == 1:
        vector = as_tensor(values)
        count = vector.type.sizes[0] if ndim is None else ndim
        if count is None:
            raise ShapeError(
                "a shape given as a vector must have a known number of entries; "
                f"got {vector.type}",
                hint="give ndim=, or the lengths as a tuple",
            )
        return [as_length(METHODS["getitem"](vector, k)) for k in range(count)]
    if isinstance(values, (list, tuple)):
        return [as_length(value) for value in values]
    return [as_length(values)]


def held_length(arg: Arg, what: str = "a length") -> Length:
    """The length that an integer scalar is known to hold.

    Raises: ShapeError where it is negative.
    """
    held = known_length(arg)
    size = size_of(held)
    if size is not None and size < 0:
        raise ShapeError(f"{what} must be at least 0; got {size}")
    return held


def refuse_batched(op: Op, batched: Sequence[bool], first: int) -> None:
    """Lengths that differ from example to example make no array.

    Raises: NotBatchableError where an input from `first` on is batched.
    """
    if any(batched[first:]):
        raise NotBatchableError(
            f"{op.name} needs one length for all examples; got a batch of lengths"
        )
