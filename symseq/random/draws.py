"""Draws from a key: each is a pure function of random words, the same on every target.

Shapes: every draw has the shape key.shape + size, so that a leading axis of keys is a
batch of draws. Parameters broadcast against that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.ops.arange import arange
from symseq.ops.cast import cast
from symseq.ops.compare import eq, lt
from symseq.ops.convert import as_tensor, constant, same_rank
from symseq.ops.cumulative import cumsum
from symseq.ops.dimshuffle import Axis, dimshuffle
from symseq.ops.math import log, mul, neg, sqrt
from symseq.ops.reduce import sum as total
from symseq.ops.shape import length_of
from symseq.ops.sort import argsort
from symseq.ops.trig import cos
from symseq.types import as_dtype

from .bits import bits, fold_in, next_24, scale_32, top_24, top_32, top_53

Size = Sequence[Variable]  # int64 scalars
SECOND_WORD = -1  # the child whose words a draw takes that needs two per element


def unit(key: Variable, size: Size, dtype: str) -> Variable:
    """Uniform on [0, 1): a multiple of 2⁻²⁴ for float32, of 2⁻⁵³ for float64."""
    return _fraction(bits(key, *size), dtype)


def _fraction(word: Variable, dtype: str) -> Variable:
    if dtype == "float32":
        return cast(top_24(word), dtype) * constant(2.0**-24, dtype)
    return cast(top_53(word), dtype) * constant(2.0**-53, dtype)


def uniform(
    key: Variable, size: Size, low: object, high: object, dtype: str
) -> Variable:
    """Uniform on [low, high)."""
    a, b = as_tensor(low, dtype), as_tensor(high, dtype)
    drawn = unit(key, size, dtype)
    if is_number(low, 0) and is_number(high, 1):
        return drawn
    return drawn * (b - a) + a


def is_number(value: object, number: float) -> bool:
    return isinstance(value, (int, float)) and value == number


def normal(key: Variable, size: Size, dtype: str) -> Variable:
    """Normal with mean 0 and variance 1.

    Reference: Box, Muller, "A note on the generation of random normal deviates" (1958).
    """
    word = bits(key, *size)
    if dtype == "float32":
        second = cast(next_24(word), dtype) * constant(2.0**-24, dtype)
    else:
        second = unit(fold_in(key, SECOND_WORD), size, dtype)
    # 1 − u lies in (0, 1], where the logarithm is finite.
    radius = sqrt(mul(log(constant(1, dtype) - _fraction(word, dtype)), -2))
    return radius * cos(second * constant(2 * math.pi, dtype))


def bernoulli(key: Variable, size: Size, p: object) -> Variable:
    """True with probability p."""
    chance = as_tensor(p)
    dtype = chance.dtype if chance.type.is_float else as_dtype("floatX")
    return lt(unit(key, size, dtype), cast(chance, dtype))


def binomial(key: Variable, size: Size, n: Variable, p: object) -> Variable:
    """How many of n trials of chance p succeed, as int64. Cost: n words per element."""
    chance = as_tensor(p)
    if chance.ndim:
        chance = new_last(chance)
    return total(bernoulli(key, [*size, n], chance), axis=-1, dtype="int64")


def integers(key: Variable, size: Size, low: Variable, count: Variable) -> Variable:
    """Uniform on low, ..., low + count − 1; count at most 2³¹. Off by count/2³²."""
    words = same_rank([top_32(bits(key, *size)), cast(count, "int64")])
    return scale_32(*words) + low


def categorical(key: Variable, size: Size, pvals: object) -> Variable:
    """The number of a category, by the weights of the last axis of `pvals`, as int64.

    Shapes: pvals: [..., K], its leading axes broadcasting against key.shape + size.
    The weights need not sum to 1; a category of weight 0 is never drawn.
    """
    # In float64, so that the sum's rounding decides next to no draw.
    weights = cast(as_tensor(pvals), "float64")
    if weights.ndim == 0:
        raise UsageError(f"pvals must have an axis of categories; got {weights.type}")
    ends = cumsum(weights, axis=-1)
    drawn = new_last(unit(key, size, "float64")) * new_last(ends[..., -1])
    return total(ends[..., :-1] <= drawn, axis=-1, dtype="int64")


def one_hot(index: Variable, count: Variable, dtype: str) -> Variable:
    """y[..., k] = 1 where index[...] is k. Shapes: [...] → [..., count]."""
    return cast(eq(new_last(index), arange(count)), dtype)


def new_last(x: Variable) -> Variable:
    """x with one more axis of length 1 behind."""
    order: list[Axis] = [*range(x.ndim), "x"]
    return dimshuffle(x, order)


def permutations(key: Variable, size: Size, n: Variable) -> Variable:
    """Random orders of 0, ..., n − 1. Shapes: key.shape + size + (n,), int64.

    The order of 64-bit words: equal words, one pair in 2⁶⁴, keep their order.
    """
    return argsort(bits(key, *size, n), axis=-1)


def weighted_order(key: Variable, size: Size, weights: Variable) -> Variable:
    """Random orders in which heavier entries tend to come first; weight 0 comes last.

    Reference: Efraimidis, Spirakis, "Weighted random sampling with a reservoir" (2006).
    """
    drawn = unit(key, [*size, length_of(weights, weights.ndim - 1)], "float64")
    # −log(1 − u) / w is an exponential waiting time of rate w.
    waiting = neg(log(constant(1, "float64") - drawn)) / cast(weights, "float64")
    return argsort(waiting, axis=-1)
