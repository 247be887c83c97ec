"""The tutorial's training step in JAX: one jitted call, its state donated."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ...frameworks import by_jax
from ...work import Built, Problem
from ..char_gru.by_jax import cross_entropy
from . import EPSILON, KEEP, RHO, Sizes

Arrays = dict[str, Any]


def cost(params: Arrays, inputs: Arrays, kept: Any) -> Any:
    U, mask = params["U"], inputs["mask"][:, :, None]

    def step(state: Any, row: Any) -> tuple[Any, Any]:
        (h, c), (z, m) = state, row
        i, f, g, o = jnp.split(z + h @ U, 4, axis=1)
        c_new = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        c_new = m * c_new + (1 - m) * c
        h_new = jax.nn.sigmoid(o) * jnp.tanh(c_new)
        h_new = m * h_new + (1 - m) * h
        return (h_new, c_new), h_new

    projected = params["E"][inputs["words"]] @ params["W"] + params["b"]
    start = jnp.zeros((mask.shape[1], U.shape[0]), U.dtype)
    _, hidden = jax.lax.scan(step, (start, start), (projected, mask))
    pooled = (hidden * mask).sum(0) / mask.sum(0)
    return cross_entropy((pooled * kept) @ params["O"] + params["d"], inputs["labels"])


def adadelta(p: Any, g: Any, squares: Any, steps: Any) -> tuple[Any, Any, Any]:
    squares = RHO * squares + (1 - RHO) * g * g
    step = -jnp.sqrt(steps + EPSILON) / jnp.sqrt(squares + EPSILON) * g
    return p + step, squares, RHO * steps + (1 - RHO) * step * step


def train(state: Arrays, inputs: Arrays) -> tuple[Arrays, Any]:
    params, key = state["params"], state["key"]
    if "kept" in inputs:
        kept = inputs["kept"]
    else:
        key, now = jax.random.split(key)
        shape = inputs["mask"].shape[1], params["U"].shape[0]
        kept = jax.random.bernoulli(now, KEEP, shape).astype(params["U"].dtype)
    value, gradients = jax.value_and_grad(cost)(params, inputs, kept)
    new: Arrays = {"params": {}, "squares": {}, "steps": {}, "key": key}
    for name, g in gradients.items():
        memory = state["squares"][name], state["steps"][name]
        made = adadelta(params[name], g, *memory)
        for part, value_ in zip(("params", "squares", "steps"), made, strict=True):
            new[part][name] = value_
    return new, value


def build(sizes: Sizes, problem: Problem) -> Built:
    def zeros() -> Arrays:
        return {name: jnp.zeros(value.shape) for name, value in problem.params.items()}

    params, inputs = by_jax.on_device(problem.params), by_jax.on_device(problem.inputs)
    state = {"params": params, "squares": zeros(), "steps": zeros()}
    state["key"] = jax.random.key(0)
    step = jax.jit(train, donate_argnums=0)

    def run() -> Any:
        nonlocal state
        state, value = step(state, inputs)
        return jax.block_until_ready((state, value))[1]

    def results(value: Any) -> Arrays:
        found = {"cost": value, **state["params"]}
        for part in ("squares", "steps"):
            found |= {f"{name}.{part}": a for name, a in state[part].items()}
        return by_jax.to_numpy(found)

    return Built(run, results, bytes=lambda _: by_jax.memory(step, state, inputs))


VARIANTS = {"jax": {"jax": build}}
