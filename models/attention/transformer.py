"""A block of the Transformer's encoder, and the places that it cannot see by itself."""

from __future__ import annotations

import numpy as np

from symseq.config import config
from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.arange import arange
from symseq.ops.convert import constant
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.join import stack
from symseq.ops.nnet import relu
from symseq.ops.reshape import reshape
from symseq.ops.trig import cos, sin
from symseq.random.streams import RandomStreams

from .. import init
from ..layers import Dense, Dropout, LayerNorm
from ..module import Module, size
from .memory import Memory
from .multihead import MultiHeadAttention


class TransformerBlock(Module):
    """Self-attention, then a perceptron at each place, each added to what it reads.

        a = norm_1(x + attention(x)),  y = norm_2(a + perceptron(a))       "post"
        a = x + attention(norm_1(x)),  y = a + perceptron(norm_2(a))       "pre"
        perceptron(a) = relu(a W_1 + b_1) W_2 + b_2

    Shapes: x, y: float[T, B, D], mask: float[T, B]. W_1: float[D, F], W_2: float[F, D].
        What y has at padding means nothing.
    Reference: Vaswani et al. 2017, figure 1 and equation 2 (post); Xiong et al. 2020,
        table 1 (pre).
    """

    def __init__(
        self,
        width: int | Dim,
        heads: int,
        inner: int | Dim,
        *,
        rng: np.random.Generator,
        norm_first: bool = False,
        causal: bool = False,
        dropped: float = 0.0,
    ) -> None:
        begin = init.glorot()
        self.attention = MultiHeadAttention(width, heads, rng=rng, causal=causal)
        self.first = Dense(width, inner, rng=rng, initial=begin, name="first")
        self.second = Dense(inner, width, rng=rng, initial=begin, name="second")
        self.norm_1 = LayerNorm(width, rng=rng, name="norm_1")
        self.norm_2 = LayerNorm(width, rng=rng, name="norm_2")
        self.dropout, self.norm_first = Dropout(dropped), norm_first

    def __call__(
        self,
        x: Variable,
        mask: Variable | None = None,
        streams: RandomStreams | None = None,
    ) -> Variable:
        """y; with `streams`, in training."""
        return self.run(x, mask, streams)[0]

    def run(
        self,
        x: Variable,
        mask: Variable | None = None,
        streams: RandomStreams | None = None,
    ) -> tuple[Variable, Variable]:
        """(y, attention weights). Shapes: float[T, B, D], float[B, n, T, T]."""
        before = self.norm_1(x) if self.norm_first else x
        attended, weights = self.attention(before, Memory(before, mask))
        a = x + self.dropout(attended, streams)
        a = a if self.norm_first else self.norm_1(a)
        inner = relu(self.first(self.norm_2(a) if self.norm_first else a))
        y = a + self.dropout(self.second(inner), streams)
        return (y if self.norm_first else self.norm_2(y)), weights


def sinusoids(places: Variable, width: int | Dim) -> Variable:
    """p[t, 2i] = sin(t / 10000^(2i/D)), p[t, 2i + 1] = cos(t / 10000^(2i/D)).

    Shapes: places t: int or float [...], returns float[..., D].
    Reference: Vaswani et al. 2017, section 3.5.
    """
    D = size(width)
    speeds = 10000.0 ** (-np.arange(0, D, 2) / max(D, 1))
    t = dimshuffle(places.astype("floatX"), [*range(places.ndim), "x"])
    angle = t * constant(speeds.astype(config.floatX))
    pairs = stack([sin(angle), cos(angle)], axis=-1)
    flat = reshape(pairs, (*places.shape, 2 * len(speeds)), places.ndim + 1)
    return flat[..., :D]


def positions(x: Variable) -> Variable:
    """The sinusoids of places 0, 1, ... beside each x_t, to be added to it.

    Shapes: x: float[T, B, D], returns float[T, 1, D].
    Raises: UsageError for an x that is not [T, B, D] with a known D.
    """
    if x.ndim != 3 or x.type.sizes[2] is None:
        raise UsageError(
            f"positions need x[T, B, D] with a known width D; got {x.type}",
            hint="name its lengths, the last with a size: dims('T B', D=8)",
        )
    width = x.type.sizes[2]
    return dimshuffle(sinusoids(arange(x.shape[0]), width), [0, "x", 1])
