"""An attention encoder-decoder: GRU encoder, additive attention, GRU decoder.

Encoder states s_j; at decoder step t with state h:
α = softmax_j v · tanh(h Q + s_j K); a = Σ_j α_j s_j; h_t = GRU(y_t W + a C + b, h);
cost = mean of -log softmax(h_t O + d) at the next word. The decoder starts from the
encoder's last state. All widths are H, both vocabularies V, both sentences T words. The
gradient is with respect to all parameters.

Reference: Bahdanau, Cho and Bengio 2015, with an encoder that reads in one direction.
"""

from __future__ import annotations

import numpy as np

from ...work import Problem, Product, Work, normal
from ..char_gru import Sizes, gru


def sample(sizes: Sizes) -> Problem:
    """Names of the encoder begin with e; the GRUs are as in the character model."""
    rng = np.random.default_rng(0)
    T, B, H, V = sizes.T, sizes.B, sizes.H, sizes.V
    params = {
        "eE": normal(rng, V, H, scale=1.0),
        **{f"e{name}": value for name, value in gru(rng, H, H).items()},
        "E": normal(rng, V, H, scale=1.0),
        **gru(rng, H, H),
        "C": normal(rng, H, 3 * H),
        "Q": normal(rng, H, H),
        "K": normal(rng, H, H),
        "v": normal(rng, H),
        "O": normal(rng, H, V),
        "d": normal(rng, V, scale=0.1),
    }
    source = rng.integers(0, V, (T, B))
    words = rng.integers(0, V, (T + 1, B))
    inputs = {"source": source, "words": words[:-1].copy(), "targets": words[1:].copy()}
    return Problem(params, inputs)


def products(sizes: Sizes) -> list[Product]:
    T, B, H, V = sizes.T, sizes.B, sizes.H, sizes.V
    return [
        # Both GRUs: x W, h U, and back.
        Product((T * B, H), (H, 3 * H), 2),
        Product((B, H), (H, 3 * H), 2 * T),
        Product((B, 3 * H), (3 * H, H), 2 * T),
        Product((T * B, 3 * H), (3 * H, H), 2),
        Product((H, T * B), (T * B, 3 * H), 4),
        # h Q, a C, and back; s K once.
        Product((B, H), (H, H), T),
        Product((B, H), (H, 3 * H), T),
        Product((B, H), (H, H), T),
        Product((B, 3 * H), (3 * H, H), T),
        Product((H, T * B), (T * B, H)),
        Product((H, T * B), (T * B, 3 * H)),
        Product((T * B, H), (H, H), 2),
        Product((H, T * B), (T * B, H)),
        # h O, and back.
        Product((T * B, H), (H, V)),
        Product((T * B, V), (V, H)),
        Product((H, T * B), (T * B, V)),
    ]


WORK = Work(
    name="attention",
    title="Attention encoder-decoder, cost and gradient",
    folder="attention",
    cases={"T=30 B=32 H=256 V=4000": Sizes(30, 32, 256, 4000)},
    tiny=Sizes(4, 3, 5, 7),
    sample=sample,
    products=products,
)
