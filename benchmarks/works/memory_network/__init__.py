"""An end-to-end memory network with three hops and adjacent weights.

m^k_i = Σ_j l_j E_k[x_ij] + T_k[i], which is c^{k-1}_i, too; u^0 = Σ_j l_j E_0[q_j];
p = softmax_i(u · m^k_i); u^{k+1} = u^k + Σ_i p_i m^{k+1}_i; a = softmax(E_3 u^3). l is
the position encoding. cost = mean of -log a at the answer; the gradient is with respect
to E_0..E_3 and T_0..T_3.

Reference: Sukhbaatar, Szlam, Weston and Fergus 2015, sections 2 and 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...work import Array, Problem, Product, Work, normal

HOPS = 3


@dataclass(frozen=True)
class Sizes:
    """B stories of N sentences of L words, width d, vocabulary V."""

    B: int
    N: int
    L: int
    d: int
    V: int


def position_encoding(L: int, d: int) -> Array:
    """l_kj = (1 - j/L) - (k/d) (1 - 2j/L) for word j and place k, from 1; [L, d]."""
    j, k = np.arange(1, L + 1)[:, None] / L, np.arange(1, d + 1) / d
    return ((1 - j) - k * (1 - 2 * j)).astype("float32")


def sample(sizes: Sizes) -> Problem:
    """stories: int[B, N, L], questions: int[B, L], answers: int[B]."""
    rng = np.random.default_rng(0)
    B, N, L, d, V = sizes.B, sizes.N, sizes.L, sizes.d, sizes.V
    params = {f"E{k}": normal(rng, V, d, scale=0.1) for k in range(HOPS + 1)}
    params |= {f"T{k}": normal(rng, N, d, scale=0.1) for k in range(HOPS + 1)}
    inputs = {
        "stories": rng.integers(0, V, (B, N, L)),
        "questions": rng.integers(0, V, (B, L)),
        "answers": rng.integers(0, V, B),
    }
    return Problem(params, inputs)


def products(sizes: Sizes) -> list[Product]:
    B, N, d, V = sizes.B, sizes.N, sizes.d, sizes.V
    return [
        Product((B, 1, d), (B, d, N), 2 * HOPS),  # u · m_i, and dp
        Product((B, 1, N), (B, N, d), 2 * HOPS),  # Σ p_i c_i, and du
        Product((B, N, 1), (B, 1, d), 2 * HOPS),  # dm, dc
        Product((B, d), (d, V)),
        Product((B, V), (V, d)),
        Product((V, B), (B, d)),
    ]


WORK = Work(
    name="memory_network",
    title="3-hop memory network, cost and gradient",
    folder="memory_network",
    cases={f"B=32 N=50 L=7 d={d} V=177": Sizes(32, 50, 7, d, 177) for d in (20, 100)},
    tiny=Sizes(3, 4, 2, 5, 11),
    sample=sample,
    products=products,
)
