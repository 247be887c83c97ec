"""From Python values to variables, and operands to one rank."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symseq.errors import DTypeError, ShapeError
from symseq.graph import Constant, Variable
from symseq.operators import METHODS
from symseq.ops.dimshuffle import pad_left
from symseq.types import as_dtype, is_float, join_dtypes, weak_dtype


def is_weak(value: object) -> bool:
    """Python numbers (np.float64 scalars too) take the dtype of what they meet."""
    return isinstance(value, (bool, int, float)) and not isinstance(value, Variable)


def constant(
    value: object, dtype: str | None = None, name: str | None = None
) -> Constant:
    """A fixed value. Python floats become floatX, ints the smallest dtype that fits."""
    if isinstance(value, Constant) and dtype in (None, value.dtype):
        return value
    if dtype is None and isinstance(value, (bool, int, float)):
        dtype = weak_dtype(value, None)
    array = np.asarray(value)
    if array.dtype == object:
        raise DTypeError(f"a constant must be a number or an array; got {value!r}")
    if (
        dtype is None
        and array.dtype == np.float64
        and not isinstance(value, np.ndarray)
    ):
        dtype = weak_dtype(0.0, None)  # a list of Python floats
    return Constant(array if dtype is None else array.astype(as_dtype(dtype)), name)


def as_tensor(
    value: object, dtype: str | None = None, name: str | None = None
) -> Variable:
    """`value` as a variable: itself, a constant, or a stack of a list with variables.

    Raises: DTypeError for what is no number, array, variable or list of them.
    """
    if isinstance(value, Variable):
        return (
            value if dtype in (None, value.dtype) else METHODS["astype"](value, dtype)
        )
    if isinstance(value, (list, tuple)) and has_variable(value):
        made: Variable = METHODS["stack_list"](value)
        return as_tensor(made, dtype)
    return constant(value, dtype, name)


def as_tensor_variable(
    x: object, name: str | None = None, ndim: int | None = None
) -> Variable:
    """`x` as a variable, with axes of length 1 in front up to rank `ndim`.

    Raises: ShapeError where x has a higher rank.
    """
    variable = as_tensor(x, name=name)
    if ndim is None:
        return variable
    if variable.ndim > ndim:
        raise ShapeError(f"at most rank {ndim} is asked for; got {variable.type}")
    return pad_left(variable, ndim)


def has_variable(values: Sequence[object]) -> bool:
    return any(
        isinstance(v, Variable) or (isinstance(v, (list, tuple)) and has_variable(v))
        for v in values
    )


def common_dtype(values: Sequence[object], *, floating: bool = False) -> str:
    """The dtype in which `values` (variables, arrays, Python numbers) meet."""
    strong = [as_tensor(v).dtype for v in values if not is_weak(v)]
    dtype = join_dtypes(strong) if strong else None
    for value in values:
        if isinstance(value, (bool, int, float)):
            dtype = weak_dtype(value, dtype)
    assert dtype is not None
    return dtype if is_float(dtype) or not floating else as_dtype("floatX")


def promote(*values: object, floating: bool = False) -> list[Variable]:
    """`values` as variables of one dtype and one rank, ready for an elementwise op.

    With ``floating``, integers become floatX.
    """
    dtype = common_dtype(values, floating=floating)
    variables = [as_tensor(value, dtype) for value in values]
    return same_rank(variables)


def same_rank(variables: Sequence[Variable]) -> list[Variable]:
    """Axes of length 1 in front of the lower ranks."""
    rank = max(v.ndim for v in variables)
    return [pad_left(v, rank) for v in variables]
