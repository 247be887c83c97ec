"""Fills the tables that a variable's operators and methods are dispatched through."""

from symseq.operators import METHODS, PROPERTIES
from symseq.ops import (
    axes,
    cast,
    compare,
    indexing,
    join,
    math,
    products,
    reduce,
    reshape,
    shape,
)

METHODS.update(
    add=math.add, sub=math.sub, mul=math.mul, true_div=math.true_div, neg=math.neg,
    abs_=math.abs_, pow=math.pow, lt=compare.lt, le=compare.le, gt=compare.gt,
    ge=compare.ge, sum=reduce.sum, max=reduce.max, min=reduce.min, mean=reduce.mean,
    astype=cast.cast,
)  # fmt: skip

METHODS.update(
    getitem=indexing.getitem, iterate=indexing.iterate, stack_list=join.stack_list,
    reshape=reshape.reshape, flatten=reshape.flatten, transpose=axes.transpose,
    swapaxes=axes.swapaxes, squeeze=axes.squeeze, dot=products.dot,
    matmul=products.matmul,
)  # fmt: skip
PROPERTIES.update(shape=shape.shape, T=axes.transpose)
