"""A character model: embedding, GRU, softmax over the next character.

r, z = σ(x_t W + b + h U + c); n = tanh(x_t W_n + b_n + r (h U_n + c_n));
h_t = (1 - z) n + z h_{t-1}, the form of cuDNN with the gates (r, z, n) side by side;
cost = mean of -log softmax(h_t O + d) at the next character. D = H. The gradient is
with respect to all parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...work import Array, Problem, Product, Work, normal


@dataclass(frozen=True)
class Sizes:
    T: int
    B: int
    H: int
    V: int


def gru(rng: np.random.Generator, D: int, H: int) -> dict[str, Array]:
    """W: [D, 3H], U: [H, 3H], b and c: [3H]."""
    return {
        "W": normal(rng, D, 3 * H),
        "U": normal(rng, H, 3 * H),
        "b": normal(rng, 3 * H, scale=0.1),
        "c": normal(rng, 3 * H, scale=0.1),
    }


def sample(sizes: Sizes) -> Problem:
    """E: [V, D], O: [H, V], d: [V]; letters and targets: int[T, B]."""
    rng = np.random.default_rng(0)
    H, V = sizes.H, sizes.V
    params = {
        "E": normal(rng, V, H, scale=1.0),
        **gru(rng, H, H),
        "O": normal(rng, H, V),
        "d": normal(rng, V, scale=0.1),
    }
    text = rng.integers(0, V, (sizes.T + 1, sizes.B))
    return Problem(params, {"letters": text[:-1].copy(), "targets": text[1:].copy()})


def products(sizes: Sizes) -> list[Product]:
    T, B, H, V = sizes.T, sizes.B, sizes.H, sizes.V
    return [
        Product((T * B, H), (H, 3 * H)),  # x W
        Product((B, H), (H, 3 * H), T),  # h U
        Product((T * B, H), (H, V)),  # h O
        Product((T * B, V), (V, H)),  # dh from the logits
        Product((H, T * B), (T * B, V)),  # dO
        Product((B, 3 * H), (3 * H, H), T),  # dz Uᵀ
        Product((T * B, 3 * H), (3 * H, H)),  # dx
        Product((H, T * B), (T * B, 3 * H), 2),  # dW, dU
    ]


WORK = Work(
    name="char_gru",
    title="GRU character model, cost and gradient",
    folder="char_gru",
    cases={"T=50 B=32 H=512 V=100": Sizes(50, 32, 512, 100)},
    tiny=Sizes(4, 3, 5, 7),
    sample=sample,
    products=products,
)
