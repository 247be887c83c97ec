"""JAX: a cost → one jitted call, whose arguments lie on JAX's device already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..work import Build, Built, Problem

Arrays = dict[str, Any]
Cost = Callable[[Arrays, Arrays], Any]


def on_device(arrays: dict[str, Any]) -> Arrays:
    return {name: jnp.asarray(value) for name, value in arrays.items()}


def cost_and_gradients(cost: Cost) -> Build:
    """cost(params, inputs) → cost and gradients by name."""

    def build(sizes: Any, problem: Problem) -> Built:
        inputs = on_device(problem.inputs)
        wanted = on_device(problem.params)
        wanted |= {name: inputs[name] for name in problem.also}

        def both(wanted: Arrays, inputs: Arrays) -> Arrays:
            value, gradients = jax.value_and_grad(
                lambda wanted: cost(wanted, inputs | wanted)
            )(wanted)
            return {"cost": value, **gradients}

        rest = {k: v for k, v in inputs.items() if k not in problem.also}
        step = jax.jit(both)
        return Built(
            run=lambda: jax.block_until_ready(step(wanted, rest)),
            results=to_numpy,
            bytes=lambda _: memory(step, wanted, rest),
        )

    return build


def to_numpy(made: Arrays) -> dict[str, Any]:
    return {name: np.asarray(value) for name, value in made.items()}


def memory(step: Any, *arguments: Any) -> dict[str, int]:
    """XLA's own count: arguments + outputs + temporaries − aliases."""
    found = step.lower(*arguments).compile().memory_analysis()
    return {
        "arguments": found.argument_size_in_bytes,
        "outputs": found.output_size_in_bytes,
        "temporaries": found.temp_size_in_bytes,
        "aliases": -found.alias_size_in_bytes,
    }
