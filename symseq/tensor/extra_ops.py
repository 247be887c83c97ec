"""Theano's ``theano.tensor.extra_ops``."""

from symseq.ops.axes import squeeze
from symseq.ops.cumulative import cumprod, cumsum
from symseq.ops.matrices import to_one_hot
from symseq.ops.rearrange import repeat

__all__ = ["cumprod", "cumsum", "repeat", "squeeze", "to_one_hot"]
