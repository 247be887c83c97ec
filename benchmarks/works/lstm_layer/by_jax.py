"""The LSTM layer in JAX: the input projection outside, a scan over the rest."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ...frameworks import by_jax


def cost(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    U, x = params["U"], inputs["x"]
    H = U.shape[0]

    def step(state: Any, z: Any) -> tuple[Any, Any]:
        h, c = state
        i, f, g, o = jnp.split(z + h @ U, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    start = jnp.zeros((x.shape[1], H), x.dtype)
    projected = x @ params["W"] + params["b"]
    _, hidden = jax.lax.scan(step, (start, start), projected)
    return jnp.sum(inputs["G"] * hidden)


VARIANTS = {"jax": {"jax": by_jax.cost_and_gradients(cost)}}
