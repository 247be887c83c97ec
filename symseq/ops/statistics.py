"""Variance, standard deviation, norms and the range of values."""

from __future__ import annotations

from symseq.graph import Variable
from symseq.ops.cast import cast
from symseq.ops.compare import isclose, neq
from symseq.ops.convert import as_tensor
from symseq.ops.math import abs_, pow, sqr, sqrt
from symseq.ops.reduce import AxisLike, all, count, max, mean, min, normal_axes, sum
from symseq.ops.softmax import floating


def var(
    x: object,
    axis: AxisLike = None,
    ddof: int = 0,
    keepdims: bool = False,
) -> Variable:
    """Σ (x - mean x)² / (n - ddof) over `axis`"""
    variable = floating(x)
    axes = normal_axes(axis, variable.ndim)
    squares = sqr(variable - mean(variable, axis=axes, keepdims=True))
    n = cast(count(variable, axes) - ddof, variable.dtype)
    return sum(squares, axis=axes, keepdims=keepdims) / n


def std(
    x: object,
    axis: AxisLike = None,
    ddof: int = 0,
    keepdims: bool = False,
) -> Variable:
    """√ var(x); its gradient is NaN where all of x are equal."""
    return sqrt(var(x, axis, ddof, keepdims))


def ptp(x: object, axis: AxisLike = None) -> Variable:
    """max(x) - min(x) over `axis`"""
    return max(x, axis) - min(x, axis)


def norm(
    x: object,
    ord: float | str | None = 2,
    axis: AxisLike = None,
    keepdims: bool = False,
) -> Variable:
    """(Σ |x|^ord)^(1/ord) over `axis`: of all elements without one, as in Theano.

    ``ord``: 2 (or None, 'fro'), 1, 0 (how many are not 0), inf, -inf, any number.
    """
    variable = floating(x)
    if ord in (2, None, "fro"):
        return sqrt(sum(sqr(variable), axis=axis, keepdims=keepdims))
    power = float(str(ord))
    size = abs_(variable)
    if power in (float("inf"), float("-inf")):
        return (max if power > 0 else min)(size, axis=axis, keepdims=keepdims)
    if power == 0:
        kept = cast(neq(variable, 0), variable.dtype)
        return sum(kept, axis=axis, keepdims=keepdims)
    if power == 1:
        return sum(size, axis=axis, keepdims=keepdims)
    return pow(sum(pow(size, power), axis=axis, keepdims=keepdims), 1 / power)


def allclose(
    a: object,
    b: object,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    equal_nan: bool = False,
) -> Variable:
    """Whether |a - b| <= atol + rtol |b| everywhere."""
    return all(isclose(as_tensor(a), as_tensor(b), rtol, atol, equal_nan))
