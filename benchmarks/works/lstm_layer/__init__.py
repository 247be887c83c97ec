"""An LSTM layer, forward and backward.

z_t = x_t W + h_{t-1} U + b with the gates (i, f, g, o) side by side;
c_t = σ(f) c_{t-1} + σ(i) tanh(g); h_t = σ(o) tanh(c_t); cost = Σ G h. The gradient is
with respect to x, W, U and b. D = H.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import starmap

import numpy as np

from ...work import Problem, Product, Work, normal


@dataclass(frozen=True)
class Sizes:
    T: int
    B: int
    H: int


def sample(sizes: Sizes) -> Problem:
    """W: [D, 4H], U: [H, 4H], b: [4H]; x: [T, B, D], G: [T, B, H]."""
    rng = np.random.default_rng(0)
    T, B, H = sizes.T, sizes.B, sizes.H
    params = {
        "W": normal(rng, H, 4 * H),
        "U": normal(rng, H, 4 * H),
        "b": normal(rng, 4 * H, scale=0.1),
    }
    x, G = (normal(rng, T, B, H, scale=1.0) for _ in range(2))
    return Problem(params, {"x": x, "G": G}, also=("x",))


def products(sizes: Sizes) -> list[Product]:
    T, B, H = sizes.T, sizes.B, sizes.H
    return [
        Product((T * B, H), (H, 4 * H)),  # x W
        Product((B, H), (H, 4 * H), T),  # h U
        Product((B, 4 * H), (4 * H, H), T),  # dz Uᵀ
        Product((T * B, 4 * H), (4 * H, H)),  # dx
        Product((H, T * B), (T * B, 4 * H), 2),  # dW, dU
    ]


def cases(*sizes: tuple[int, int, int]) -> dict[str, Sizes]:
    return {f"T={s.T} B={s.B} H={s.H}": s for s in starmap(Sizes, sizes)}


LAYER = Work(
    name="lstm_layer",
    title="LSTM layer, forward and backward",
    folder="lstm_layer",
    cases=cases(
        (100, 16, 128), (100, 64, 256), (50, 64, 512), (100, 1, 64), (1000, 1, 32)
    ),
    tiny=Sizes(5, 3, 4),
    sample=sample,
    products=products,
)
GROWTH = replace(
    LAYER,
    name="growth",
    title="LSTM layer, one length changed at a time",
    cases=cases(
        *((T, 16, 128) for T in (25, 50, 100, 200, 400, 800)),
        *((100, B, 128) for B in (1, 4, 64)),
        *((100, 16, H) for H in (16, 32, 64, 256)),
    ),
    axes=("T", "B", "H"),
    peers=("floor", "hand numpy", "jax", "torch"),
)
