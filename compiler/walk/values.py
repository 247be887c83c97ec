"""Arrays as people read them: rounded, elided, what is wrong with them."""

from __future__ import annotations

import numpy as np

from symseq.lengths import Dim, Length, size_of
from symseq.types import Array, Shape, TensorType

from ..watch import NanGuard

GUARD = NanGuard(nan=True, inf=True)
WIDEST = 76


def problem(array: Array) -> str:
    """'NaN in 3 of 64 elements, first at [0, 5]'; empty where all is finite."""
    return GUARD.describe(array) if GUARD.offends(array) else ""


def shown(array: Array) -> str:
    """The elements, rounded to 4 digits; of long axes the first and the last ones.

    >>> shown(np.array([[0.123456, 2], [3, 4]]))
    '[[0.1235 2.    ]\\n [3.     4.    ]]'
    >>> shown(np.array(1 / 3)), shown(np.zeros((0, 2)))
    ('0.3333', 'no elements')
    """
    if array.size == 0:
        return "no elements"
    if array.ndim == 0:
        return f"{array:.4g}" if array.dtype.kind == "f" else str(array)
    if array.ndim > 3:
        first = (0,) * (array.ndim - 3)
        return f"at {list(first)}:\n{shown(array[first])}"
    finite = np.abs(array[np.isfinite(array)]) if array.dtype.kind == "f" else array
    tiny = finite.size == 0 or 0 < finite.max() < 1e-3
    made = np.array2string(
        array,
        precision=4,
        suppress_small=not tiny,
        edgeitems=3 if array.ndim < 3 else 1,
        threshold=36 if array.ndim < 3 else 12,
        max_line_width=WIDEST,
    )
    return "\n".join(line for line in made.splitlines() if line.strip())


def named_type(static: TensorType, shape: Shape) -> str:
    """The dtype and the lengths, by name where they have one: float32[T=5, B=2].

    >>> from symseq.lengths import dims
    >>> T, H = dims("T", H=4)
    >>> named_type(TensorType("float32", (T, 4 * H, 3)), (2, 16, 3))
    'float32[T=2, 4H=16, 3]'
    """
    pairs = zip(static.shape, shape, strict=True)
    inside = ", ".join(_named(name, length) for name, length in pairs)
    return f"{static.dtype}[{inside}]" if shape else static.dtype


def _named(name: Length, length: Length) -> str:
    size = size_of(length)
    if size is None:
        return "?" if length is None else str(length)
    return f"{name}={size}" if isinstance(name, Dim) else str(size)
