"""Fills the tables that a variable's operators and methods are dispatched through."""

from collections.abc import Sequence

from symseq.graph import Variable
from symseq.operators import METHODS, PROPERTIES, UFUNCS
from symseq.ops import (
    argmax,
    axes,
    cast,
    clipping,
    compare,
    create,
    cumulative,
    dimshuffle,
    indexing,
    join,
    math,
    matrices,
    nonzero,
    prod,
    products,
    rearrange,
    reduce,
    reshape,
    rounding,
    shape,
    sort,
    statistics,
    trig,
)
from symseq.ops.lift import Lifted

# What Python's operators call.
METHODS.update(
    add=math.add, sub=math.sub, mul=math.mul, true_div=math.true_div,
    floor_div=rounding.floor_div, mod=rounding.mod, pow=math.pow,
    matmul=products.matmul, and_=compare.and_, or_=compare.or_, xor=compare.xor,
    neg=math.neg, abs_=math.abs_, invert=compare.invert, lt=compare.lt, le=compare.le,
    gt=compare.gt, ge=compare.ge, getitem=indexing.getitem, iterate=indexing.iterate,
    stack_list=join.stack_list,
)  # fmt: skip

# NumPy's ufuncs that are written otherwise in our rows, or are more than a row.
UFUNCS.update(
    add=math.add, subtract=math.sub, multiply=math.mul, divide=math.true_div,
    floor_divide=rounding.floor_div, remainder=rounding.mod, power=math.pow,
    matmul=products.matmul, bitwise_and=compare.and_, bitwise_or=compare.or_,
    bitwise_xor=compare.xor, invert=compare.invert, negative=math.neg,
    reciprocal=math.inv, square=math.sqr, less=compare.lt, less_equal=compare.le,
    greater=compare.gt, greater_equal=compare.ge,
)  # fmt: skip

METHODS.update(
    sum=reduce.sum, prod=prod.prod, mean=reduce.mean, max=reduce.max, min=reduce.min,
    all=reduce.all, any=reduce.any, var=statistics.var, std=statistics.std,
    norm=statistics.norm, ptp=statistics.ptp, argmax=argmax.argmax,
    argmin=argmax.argmin, cumsum=cumulative.cumsum, cumprod=cumulative.cumprod,
    sort=sort.sort, argsort=sort.argsort,
)  # fmt: skip

METHODS.update(
    astype=cast.cast, copy=math.identity, clip=clipping.clip, round=rounding.round,
    trunc=rounding.trunc, eq=compare.eq, neq=compare.neq, dot=products.dot,
)  # fmt: skip


def _sequence(given: tuple[object, ...]) -> object:
    """(2, 3) of x.reshape(2, 3) and of x.reshape((2, 3))."""
    return given[0] if len(given) == 1 else given


def _reshape(x: Variable, *newshape: object, ndim: int | None = None) -> Variable:
    """x.reshape(2, -1), x.reshape((2, -1))"""
    return reshape.reshape(x, _sequence(newshape), ndim)


def _dimshuffle(x: Variable, *order: dimshuffle.Axis) -> Variable:
    """x.dimshuffle(1, 0, "x"), x.dimshuffle((1, 0, "x"))"""
    listed = len(order) == 1 and isinstance(order[0], Sequence) and order[0] != "x"
    return dimshuffle.dimshuffle(x, order[0] if listed else order)  # type: ignore[arg-type]


def _size(x: Variable) -> Variable:
    """How many elements x has, as an int64 scalar."""
    return reduce.count(x, range(x.ndim))


METHODS.update(
    reshape=_reshape, dimshuffle=_dimshuffle, flatten=reshape.flatten,
    ravel=reshape.flatten, transpose=axes.transpose, swapaxes=axes.swapaxes,
    squeeze=axes.squeeze, take=rearrange.take, repeat=rearrange.repeat,
    diagonal=matrices.diagonal, trace=matrices.trace, nonzero=nonzero.nonzero,
    fill=math.second, zeros_like=create.zeros_like, ones_like=create.ones_like,
)  # fmt: skip
PROPERTIES.update(shape=shape.shape, T=axes.transpose, size=_size)

# x.exp(), x.tanh(), ...: every function of one operand.
METHODS.update(
    (function.__name__, function)
    for module in (math, trig)
    for function in vars(module).values()
    if isinstance(function, Lifted) and function.op.arity == 1
)
