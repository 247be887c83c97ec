"""How many numbers a draw makes: from `size`, or from its parameters' lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symseq.errors import ShapeError, SymseqError
from symseq.graph import Variable
from symseq.ops.convert import as_tensor, is_weak
from symseq.ops.shape import length_of
from symseq.ops.sizes import as_length, as_lengths
from symseq.span import here
from symseq.types import as_dtype, is_float, is_static_one, join_dtypes


def draw_size(size: Any, ndim: int | None, *parameters: Variable) -> list[Variable]:
    """The lengths of a draw as int64 scalars.

    size: an int, a sequence of ints and integer scalars, an integer vector, or None (or
    an empty tuple, where a parameter has axes) for the parameters' common shape.

    Raises: ShapeError where `ndim` is another rank.
    """
    from_parameters = any(p.ndim for p in parameters) and ndim in (None, -1)
    if size is None or (is_empty(size) and from_parameters):
        return common_lengths(parameters)
    try:
        lengths = as_lengths(size, ndim)
    except SymseqError as error:
        raise error.at(here()) from None
    if ndim is not None and ndim != len(lengths):
        raise ShapeError(f"ndim must be the rank of size; got {ndim} for {size!r}").at(
            here()
        )
    return lengths


def is_empty(size: object) -> bool:
    return isinstance(size, (tuple, list)) and not size


def common_lengths(variables: Sequence[Variable]) -> list[Variable]:
    """The lengths of what broadcasting `variables` against each other gives."""
    rank = max((v.ndim for v in variables), default=0)
    found = []
    for back in range(rank, 0, -1):
        having = [v for v in variables if v.ndim >= back]
        long = [v for v in having if not is_static_one(v.type.shape[-back])]
        found.append(length_of(long[0], long[0].ndim - back) if long else as_length(1))
    return found


def draw_dtype(dtype: object, *parameters: object) -> str:
    """The dtype asked for, else floatX, widened by parameters that are arrays."""
    if dtype is not None:
        return as_dtype(dtype)
    strong = [as_tensor(p).dtype for p in parameters if not is_weak(p)]
    return join_dtypes([as_dtype("floatX"), *filter(is_float, strong)])
