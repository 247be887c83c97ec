"""The memory network in JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ...frameworks import by_jax
from ..char_gru.by_jax import cross_entropy
from . import HOPS, position_encoding


def cost(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    stories, questions = inputs["stories"], inputs["questions"]
    places = position_encoding(stories.shape[2], params["E0"].shape[1])
    memories = [
        jnp.sum(params[f"E{k}"][stories] * places, axis=2) + params[f"T{k}"]
        for k in range(HOPS + 1)
    ]
    u = jnp.sum(params["E0"][questions] * places, axis=1)
    for k in range(HOPS):
        p = jax.nn.softmax(jnp.einsum("bnd,bd->bn", memories[k], u), axis=1)
        u = u + jnp.einsum("bn,bnd->bd", p, memories[k + 1])
    return cross_entropy(u @ params[f"E{HOPS}"].T, inputs["answers"])


VARIANTS = {"jax": {"jax": by_jax.cost_and_gradients(cost)}}
