"""Theano's ``theano.tensor.xlogx``: products with a logarithm that are 0 at x = 0."""

from symseq.graph import Variable
from symseq.ops.compare import eq, switch
from symseq.ops.convert import as_tensor
from symseq.ops.math import log
from symseq.ops.special import xlogx

__all__ = ["xlogx", "xlogy0"]


def xlogy0(x: object, y: object) -> Variable:
    """x log y, and 0 at x = 0 whatever y is; so is the gradient there."""
    x, y = as_tensor(x), as_tensor(y)
    zero = eq(x, 0)
    return switch(zero, 0, x * log(switch(zero, 1, y)))
