"""symseq: a graph of the cost → a function of the minibatch."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import symseq as ss
from symseq.graph import SharedVariable, Variable

from ..work import Array, Built, Problem

Inputs = dict[str, Variable]
Graph = Callable[[Any, dict[str, SharedVariable]], tuple[Inputs, Variable]]


def shared(params: dict[str, Array]) -> dict[str, SharedVariable]:
    return {name: ss.shared(value, name=name) for name, value in params.items()}


def cost_and_gradients(graph: Graph) -> Callable[[Any, Problem, str], Built]:
    """graph(sizes, params) → (inputs, cost): the cost and its gradients."""

    def build(sizes: Any, problem: Problem, target: str) -> Built:
        began = perf_counter()
        params = shared(problem.params)
        inputs, cost = graph(sizes, params)
        wanted = {**params, **{name: inputs[name] for name in problem.also}}
        gradients = ss.grad(cost, list(wanted.values()))
        outputs = {"cost": cost, **dict(zip(wanted, gradients, strict=True))}
        return compiled(inputs, outputs, {}, problem, target, began)

    return build


def compiled(
    inputs: Inputs,
    outputs: Any,
    updates: dict[SharedVariable, Variable],
    problem: Problem,
    target: str,
    began: float,
) -> Built:
    """The function of `inputs`, and what building and compiling took."""
    built = perf_counter()
    function = ss.function(
        list(inputs.values()), outputs, updates=updates, target=target
    )
    seconds = {"build": built - began, "compile": perf_counter() - built}
    arrays = [problem.inputs[name] for name in inputs]
    return Built(
        run=lambda: function(*arrays),
        results=lambda made: made,
        seconds=seconds,
        bytes=lambda made: memory(function, made),
    )


def memory(function: Any, outputs: Any) -> dict[str, int]:
    """The plan's memory for the last call, by part."""
    plan = function.plan
    if plan is None:  # the reference target
        return {}
    binding = next(reversed(plan.bindings.values()))
    listed = outputs.values() if isinstance(outputs, dict) else [outputs]
    return {
        "arena": binding.nbytes,
        "outputs": sum(array.nbytes for array in listed),
        "shared": sum(s.storage.nbytes for s in function.get_shared()),
        "inputs": sum(array.nbytes for array in binding.inputs),
    }
