"""Casts: one row per dtype."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from symseq.graph import Variable
from symseq.lengths import Length, size_of
from symseq.ops.convert import as_tensor
from symseq.ops.elementwise import Elementwise, elementwise
from symseq.ops.registry import REAL
from symseq.types import DTYPES, as_dtype, is_float, is_integer

C_TYPES = {
    "bool": "bool", "int8": "signed char", "int16": "short", "int32": "int",
    "int64": "long long", "uint8": "unsigned char", "float32": "float",
    "float64": "double",
}  # fmt: skip


def _keeps(dtype: str) -> Callable[[Length], Length]:
    """A length through a cast: kept where it is sure to fit (lengths fit 32 bits)."""
    limits = np.iinfo(dtype)

    def keep(length: Length) -> Length:
        size = size_of(length)
        if size is None:
            return length if limits.bits >= 32 else None
        return length if limits.min <= size <= limits.max else None

    return keep


def _row(dtype: str) -> Elementwise:
    def to(dtypes: Sequence[str]) -> str:
        return dtype

    c = "({0} != 0)" if dtype == "bool" else f"(({C_TYPES[dtype]}){{0}})"
    return elementwise(
        f"cast_{dtype}",
        arity=1,
        numpy=f"np.{dtype}({{0}})",
        c=c,
        dtypes=to,
        vjp=(lambda x, y, g: (cast(g, x.dtype),)) if is_float(dtype) else None,
        domain=REAL,
        holds=_keeps(dtype) if is_integer(dtype) else None,
    )


CASTS = {dtype: _row(dtype) for dtype in DTYPES}


def cast(x: object, dtype: object) -> Variable:
    """x in `dtype` ('floatX' too); x itself where it has that dtype already.

    Floats are cut towards zero to become integers; what is not 0 becomes True.

    Raises: DTypeError for a dtype that symseq does not have.
    """
    variable, name = as_tensor(x), as_dtype(dtype)
    return variable if variable.dtype == name else CASTS[name](variable)
