"""Fills the tables that a variable's operators and methods are dispatched through."""

from symseq.operators import METHODS
from symseq.ops import cast, compare, math, reduce

METHODS.update(
    add=math.add, sub=math.sub, mul=math.mul, true_div=math.true_div, neg=math.neg,
    abs_=math.abs_, pow=math.pow, lt=compare.lt, le=compare.le, gt=compare.gt,
    ge=compare.ge, sum=reduce.sum, max=reduce.max, min=reduce.min, mean=reduce.mean,
    astype=cast.cast,
)  # fmt: skip
