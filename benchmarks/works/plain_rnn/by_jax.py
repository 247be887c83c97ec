"""The plain RNN in JAX: the input projection outside, a scan over the rest."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ...frameworks import by_jax


def cost(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    U, x = params["U"], inputs["x"]

    def step(h: Any, z: Any) -> tuple[Any, Any]:
        h = jnp.tanh(z + h @ U)
        return h, h

    start = jnp.zeros((x.shape[1], U.shape[0]), x.dtype)
    _, hidden = jax.lax.scan(step, start, x @ params["W"] + params["b"])
    return jnp.sum(inputs["G"] * hidden)


VARIANTS = {"jax": {"jax": by_jax.cost_and_gradients(cost)}}
