"""A training step of the Theano tutorial's sentiment model.

Embedding, LSTM with a mask, mean over the real steps, dropout, softmax, cross-entropy,
adadelta. The gates are (i, f, g, o), the hidden width is the embedding's.

Reference: deeplearning.net tutorial "LSTM Networks for Sentiment Analysis"; Zeiler 2012
    for adadelta (ρ = 0.95, ε = 1e-6, rate 1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...work import Problem, Product, Work, normal
from ..lstm_layer import Sizes as LayerSizes
from ..lstm_layer import products as layer_products

CLASSES, KEEP, RHO, EPSILON = 2, 0.5, 0.95, 1e-6


@dataclass(frozen=True)
class Sizes:
    """`drawn`: dropout is drawn in the step, not an input of it; `fixed`: the lengths T
    and B are known when the graph is built, so that a loop could be unrolled."""

    T: int
    B: int
    D: int
    V: int
    drawn: bool = True
    fixed: bool = False


def sample(sizes: Sizes) -> Problem:
    """words: int[T, B]; mask: [T, B], of T / 2 to T words each; labels: int[B]."""
    rng = np.random.default_rng(0)
    T, B, D, V = sizes.T, sizes.B, sizes.D, sizes.V
    params = {
        "E": normal(rng, V, D, scale=0.1),
        "W": normal(rng, D, 4 * D),
        "U": normal(rng, D, 4 * D),
        "b": normal(rng, 4 * D, scale=0.1),
        "O": normal(rng, D, CLASSES),
        "d": normal(rng, CLASSES, scale=0.1),
    }
    lengths = rng.integers(T // 2, T + 1, B)
    inputs = {
        "words": rng.integers(0, V, (T, B)),
        "mask": (np.arange(T)[:, None] < lengths).astype("float32"),
        "labels": rng.integers(0, CLASSES, B),
    }
    kept = (rng.random((B, D)) < KEEP).astype("float32")
    return Problem(params, inputs if sizes.drawn else {**inputs, "kept": kept})


def products(sizes: Sizes) -> list[Product]:
    return layer_products(LayerSizes(sizes.T, sizes.B, sizes.D))


WORK = Work(
    name="tutorial",
    title="Tutorial LSTM, training step with adadelta",
    folder="tutorial",
    cases={"T=100 B=16 D=128 V=10000": Sizes(100, 16, 128, 10_000)},
    tiny=Sizes(5, 3, 4, 11),
    sample=sample,
    products=products,
    comparable=lambda sizes: replace(sizes, drawn=False),
)
COMPILE = replace(
    WORK,
    name="compile",
    title="Tutorial LSTM, time until the first step is done",
    cases={
        f"T={T} fixed": Sizes(T, 16, 128, 10_000, fixed=True) for T in (10, 100, 1000)
    },
    peers=("floor", "jax"),
    timed=False,
)
