"""A plain RNN with one sequence: h_t = tanh(x_t W + h_{t-1} U + b), cost = Σ G h.

The gradient is with respect to W, U and b. D = H.
"""

from __future__ import annotations

import numpy as np

from ...work import Problem, Product, Work, normal
from ..lstm_layer import Sizes


def sample(sizes: Sizes) -> Problem:
    """W: [D, H], U: [H, H], b: [H]; x: [T, B, D], G: [T, B, H]."""
    rng = np.random.default_rng(0)
    T, B, H = sizes.T, sizes.B, sizes.H
    params = {
        "W": normal(rng, H, H),
        "U": normal(rng, H, H),
        "b": normal(rng, H, scale=0.1),
    }
    x, G = (normal(rng, T, B, H, scale=1.0) for _ in range(2))
    return Problem(params, {"x": x, "G": G})


def products(sizes: Sizes) -> list[Product]:
    T, B, H = sizes.T, sizes.B, sizes.H
    return [
        Product((T * B, H), (H, H)),  # x W
        Product((B, H), (H, H), T),  # h U
        Product((B, H), (H, H), T),  # dz Uᵀ
        Product((H, T * B), (T * B, H), 2),  # dW, dU
    ]


WORK = Work(
    name="plain_rnn",
    title="Plain RNN, cost and gradient",
    folder="plain_rnn",
    cases={"T=1000 B=1 H=32": Sizes(1000, 1, 32)},
    tiny=Sizes(5, 2, 3),
    sample=sample,
    products=products,
)
