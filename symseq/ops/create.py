"""Arrays made of nothing: zeros, ones, full, eye."""

from __future__ import annotations

from symseq.graph import Variable
from symseq.ops.alloc import Alloc
from symseq.ops.convert import as_tensor
from symseq.ops.shape import lengths_of
from symseq.ops.sizes import as_lengths
from symseq.types import as_dtype


def zeros(shape: object, dtype: object = None) -> Variable:
    """0 over the given lengths, in floatX unless a dtype is given."""
    return full(shape, 0, dtype or "floatX")


def ones(shape: object, dtype: object = None) -> Variable:
    """1 over the given lengths, in floatX unless a dtype is given."""
    return full(shape, 1, dtype or "floatX")


def full(shape: object, fill_value: object, dtype: object = None) -> Variable:
    """`fill_value` over the given lengths."""
    given = as_lengths(shape)
    name = None if dtype is None else as_dtype(dtype)
    return Alloc(len(given))(as_tensor(fill_value, name), *given)


def zeros_like(x: object, dtype: object = None, opt: bool = False) -> Variable:
    """0 over x's lengths, in x's dtype unless one is given."""
    return full_like(x, 0, dtype)


def ones_like(x: object, dtype: object = None, opt: bool = False) -> Variable:
    """1 over x's lengths, in x's dtype unless one is given."""
    return full_like(x, 1, dtype)


def full_like(x: object, fill_value: object, dtype: object = None) -> Variable:
    """`fill_value` over x's lengths, in x's dtype unless one is given."""
    variable = as_tensor(x)
    name = variable.dtype if dtype is None else as_dtype(dtype)
    value = as_tensor(fill_value).astype(name)
    return Alloc(variable.ndim)(value, *lengths_of(variable))
