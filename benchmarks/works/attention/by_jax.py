"""Attention in JAX: keys, projections and logits outside the scans."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ...frameworks import by_jax
from ..char_gru.by_jax import cross_entropy, gru_step


def cost(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    p = params

    def encoder(s: Any, a: Any) -> tuple[Any, Any]:
        s = gru_step(a, s, p["eU"], p["ec"])
        return s, s

    projected = p["eE"][inputs["source"]] @ p["eW"] + p["eb"]
    start = jnp.zeros((projected.shape[1], p["eU"].shape[0]), projected.dtype)
    last, states = jax.lax.scan(encoder, start, projected)
    keys = states @ p["K"]

    def decoder(h: Any, a: Any) -> tuple[Any, Any]:
        scores = jnp.tanh(h @ p["Q"] + keys) @ p["v"]
        weights = jax.nn.softmax(scores, axis=0)
        read = jnp.einsum("sb,sbh->bh", weights, states)
        h = gru_step(a + read @ p["C"], h, p["U"], p["c"])
        return h, h

    projected = p["E"][inputs["words"]] @ p["W"] + p["b"]
    _, hidden = jax.lax.scan(decoder, last, projected)
    return cross_entropy(hidden @ p["O"] + p["d"], inputs["targets"])


VARIANTS = {"jax": {"jax": by_jax.cost_and_gradients(cost)}}
