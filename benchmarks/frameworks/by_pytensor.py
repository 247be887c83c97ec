"""PyTensor: a graph of the cost → a function of the minibatch."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import pytensor

from ..work import Build, Built, Problem

pytensor.config.floatX = "float32"
Graph = Callable[[Any, dict[str, Any]], tuple[dict[str, Any], Any]]
# "NUMBA" is its default mode; "CVM" was the default up to version 2.
MODES = {"pytensor numba": "NUMBA", "pytensor C": "CVM"}


def shared(params: dict[str, Any]) -> dict[str, Any]:
    return {name: pytensor.shared(value, name=name) for name, value in params.items()}


def variants(graph: Graph) -> dict[str, dict[str, Build]]:
    return {
        name: {name: cost_and_gradients(graph, mode)} for name, mode in MODES.items()
    }


def cost_and_gradients(graph: Graph, mode: str) -> Build:
    """graph(sizes, params) → (inputs, cost): the cost and its gradients."""

    def build(sizes: Any, problem: Problem) -> Built:
        began = perf_counter()
        params = shared(problem.params)
        inputs, cost = graph(sizes, params)
        wanted = {**params, **{name: inputs[name] for name in problem.also}}
        gradients = pytensor.grad(cost, list(wanted.values()))
        return compiled(
            inputs, [cost, *gradients], ("cost", *wanted), {}, problem, mode, began
        )

    return build


def compiled(
    inputs: dict[str, Any],
    outputs: list[Any],
    names: tuple[str, ...],
    updates: dict[Any, Any],
    problem: Problem,
    mode: str,
    began: float,
) -> Built:
    built = perf_counter()
    function = pytensor.function(
        list(inputs.values()), outputs, updates=updates, mode=mode
    )
    function.trust_input = True
    seconds = {"build": built - began, "compile": perf_counter() - built}
    arrays = [problem.inputs[name] for name in inputs]
    return Built(
        run=lambda: function(*arrays),
        results=lambda made: dict(zip(names, made, strict=True)),
        seconds=seconds,
    )
