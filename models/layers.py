"""Layers without time: embedding, dense, layer normalisation, dropout."""

from __future__ import annotations

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.math import sqr, sqrt
from symseq.ops.products import dot
from symseq.ops.reduce import mean
from symseq.random.streams import RandomStreams
from symseq.span import here

from . import init
from .module import Module, parameter


class Embedding(Module):
    """y = W[x]: a learned vector for each number.

    Shapes: x: int[...], W: float[V, D], y: float[..., D].
    """

    def __init__(
        self,
        vocabulary: int | Dim,
        width: int | Dim,
        *,
        rng: np.random.Generator,
        initial: init.Initializer = init.TUTORIAL_WEIGHT,
        name: str = "embedding",
    ) -> None:
        self.W = parameter(initial, vocabulary, width, rng=rng, name=f"{name}.W")

    def __call__(self, x: Variable) -> Variable:
        rows: Variable = self.W[x]
        return rows


class Dense(Module):
    """y = x W + b.

    Shapes: x: float[..., D], W: float[D, K], b: float[K], y: float[..., K].
    """

    def __init__(
        self,
        width: int | Dim,
        outputs: int | Dim,
        *,
        rng: np.random.Generator,
        initial: init.Initializer = init.TUTORIAL_WEIGHT,
        name: str = "dense",
    ) -> None:
        self.W = parameter(initial, width, outputs, rng=rng, name=f"{name}.W")
        self.b = parameter(init.zeros, outputs, rng=rng, name=f"{name}.b")

    def __call__(self, x: Variable) -> Variable:
        product: Variable = dot(x, self.W)
        return product + self.b


class LayerNorm(Module):
    """y = α ⊙ (x - μ) / √(σ² + ε) + β, with mean μ and variance σ² over the last axis.

    Shapes: x: float[..., D], α, β: float[D], y: float[..., D].
    Reference: Ba, Kiros and Hinton 2016, equations 3 and 4 (g there is α, b is β); ε
        keeps rows whose elements are all equal finite.
    """

    def __init__(
        self,
        width: int | Dim,
        *,
        rng: np.random.Generator,
        epsilon: float = 1e-5,
        name: str = "norm",
    ) -> None:
        self.epsilon = epsilon
        one = init.constant(1.0)
        self.alpha = parameter(one, width, rng=rng, name=f"{name}.alpha")
        self.beta = parameter(init.zeros, width, rng=rng, name=f"{name}.beta")

    def __call__(self, x: Variable) -> Variable:
        centred = x - mean(x, axis=-1, keepdims=True)
        deviation = sqrt(mean(sqr(centred), axis=-1, keepdims=True) + self.epsilon)
        return self.alpha * (centred / deviation) + self.beta


class Dropout(Module):
    """y = x m / (1 - rate), m ~ Bernoulli(1 - rate), in training; else y = x.

    With ``over_time`` one m serves all steps of a sequence (variational dropout).
    Shapes: x: float[...] (float[T, ...] over time), y: as x.
    Reference: Srivastava et al. 2014, section 4, scaled in training instead of testing;
        Gal and Ghahramani 2016, section 4, for one m over time.
    """

    def __init__(self, rate: float = 0.5, *, over_time: bool = False) -> None:
        if not 0 <= rate < 1:
            raise UsageError(f"dropout keeps something: 0 <= rate < 1; got {rate}")
        self.rate, self.over_time = rate, over_time

    def __call__(self, x: Variable, streams: RandomStreams | None = None) -> Variable:
        """Drop where `streams` is given: to train is to pass it."""
        if streams is None or self.rate == 0:
            return x
        check_streams(streams, "dropout")
        keep, size = 1 - self.rate, x.shape[1:] if self.over_time else x.shape
        kept: Variable = streams.binomial(size=size, n=1, p=keep, dtype=x.dtype)
        return x * (kept[None] if self.over_time else kept) / keep


class TokenDropout(Module):
    """y = `unknown` where r = 1, else x, r ~ Bernoulli(rate), in training; else y = x.

    A model so trained cannot lean on single tokens, and knows what an unknown one is.
    Shapes: x: int[...], y: int[...].
    Reference: Iyyer et al. 2015, section 4 ("word dropout"), with a token for zeros.
    """

    def __init__(self, rate: float = 0.1, unknown: int = 1) -> None:
        if not 0 <= rate < 1:
            raise UsageError(f"dropout keeps something: 0 <= rate < 1; got {rate}")
        self.rate, self.unknown = rate, unknown

    def __call__(self, x: Variable, streams: RandomStreams | None = None) -> Variable:
        """Drop where `streams` is given: to train is to pass it."""
        if streams is None or self.rate == 0:
            return x
        check_streams(streams, "dropout")
        kept = streams.binomial(size=x.shape, n=1, p=1 - self.rate, dtype=x.dtype)
        return x * kept + self.unknown * (1 - kept)


def check_streams(streams: RandomStreams | None, what: str) -> None:
    """Raises: UsageError for what draws without streams."""
    if not isinstance(streams, RandomStreams):
        raise UsageError(
            f"{what} draws: it needs streams; got {type(streams).__name__}",
            hint="pass streams=RandomStreams(seed)",
        ).at(here())
