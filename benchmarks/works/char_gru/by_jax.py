"""The character model in JAX: only what needs h_{t-1} is in the scan."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ...frameworks import by_jax


def gru_step(a: Any, h: Any, U: Any, c: Any) -> Any:
    a_r, a_z, a_n = jnp.split(a, 3, axis=1)
    p_r, p_z, p_n = jnp.split(h @ U + c, 3, axis=1)
    r, z = jax.nn.sigmoid(a_r + p_r), jax.nn.sigmoid(a_z + p_z)
    return (1 - z) * jnp.tanh(a_n + r * p_n) + z * h


def cross_entropy(logits: Any, targets: Any) -> Any:
    chosen = jnp.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    return jnp.mean(jax.nn.logsumexp(logits, axis=-1) - chosen)


def cost(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    U, c, letters = params["U"], params["c"], inputs["letters"]

    def step(h: Any, a: Any) -> tuple[Any, Any]:
        h = gru_step(a, h, U, c)
        return h, h

    projected = params["E"][letters] @ params["W"] + params["b"]
    start = jnp.zeros((letters.shape[1], U.shape[0]), U.dtype)
    _, hidden = jax.lax.scan(step, start, projected)
    return cross_entropy(hidden @ params["O"] + params["d"], inputs["targets"])


VARIANTS = {"jax": {"jax": by_jax.cost_and_gradients(cost)}}
