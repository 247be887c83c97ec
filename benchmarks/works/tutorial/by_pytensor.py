"""The tutorial's training step in PyTensor: the equations, one step at a time."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt

from ...frameworks import by_pytensor
from ...work import Built, Problem
from . import EPSILON, KEEP, RHO, Sizes


def graph(sizes: Sizes, params: dict[str, Any]) -> tuple[dict[str, Any], Any, Any]:
    """The inputs, the cost, and the updates that draws bring along."""
    E, W, U, b, O, d = params.values()
    D = sizes.D
    words, mask = pt.lmatrix("words"), pt.fmatrix("mask")
    labels = pt.lvector("labels")

    def step(x_t: Any, m_t: Any, h: Any, c: Any) -> list[Any]:
        m = m_t[:, None]
        z = pt.dot(x_t, W) + pt.dot(h, U) + b
        i, f, g, o = (z[:, k * D : (k + 1) * D] for k in range(4))
        c_new = pt.sigmoid(f) * c + pt.sigmoid(i) * pt.tanh(g)
        c_new = m * c_new + (1 - m) * c
        h_new = pt.sigmoid(o) * pt.tanh(c_new)
        return [m * h_new + (1 - m) * h, c_new]

    start = pt.zeros((words.shape[1], D), dtype="float32")
    hidden, _ = pytensor.scan(
        step,
        sequences=[E[words], mask],
        outputs_info=[start, start],
        return_updates=False,
    )
    pooled = (hidden * mask[:, :, None]).sum(axis=0) / mask.sum(axis=0)[:, None]
    inputs = {"words": words, "mask": mask, "labels": labels}
    updates = {}
    if sizes.drawn:
        rng = pytensor.shared(np.random.default_rng(0))
        shape = pooled.shape
        updates[rng], kept = pt.random.bernoulli(
            KEEP, size=shape, rng=rng
        ).owner.outputs
        kept = kept.astype("float32")
    else:
        inputs["kept"] = kept = pt.fmatrix("kept")
    rows = pt.special.log_softmax(pt.dot(pooled * kept, O) + d, axis=1)
    chosen = rows[pt.arange(rows.shape[0]), labels]
    return inputs, -pt.mean(chosen, dtype="float32"), updates


def adadelta(cost: Any, params: dict[str, Any]) -> dict[Any, Any]:
    updates = {}
    gradients = pytensor.grad(cost, list(params.values()))
    for (name, p), g in zip(params.items(), gradients, strict=True):
        zeros = np.zeros_like(p.get_value())
        s = pytensor.shared(zeros, name=f"{name}.squares")
        d = pytensor.shared(zeros, name=f"{name}.steps")
        updates[s] = RHO * s + (1 - RHO) * (g * g)
        step = -pt.sqrt(d + EPSILON) / pt.sqrt(updates[s] + EPSILON) * g
        updates[d] = RHO * d + (1 - RHO) * (step * step)
        updates[p] = p + step
    return {old: new.astype("float32") for old, new in updates.items()}


def build(mode: str, sizes: Sizes, problem: Problem) -> Built:
    """One call is one step; the results are the cost and all that the step updated."""
    began = perf_counter()
    params = by_pytensor.shared(problem.params)
    inputs, cost, drawn = graph(sizes, params)
    updates = adadelta(cost, params)
    everything = {**updates, **drawn}
    built = by_pytensor.compiled(
        inputs, [cost], ("cost",), everything, problem, mode, began
    )
    built.results = lambda made: (
        {"cost": made[0]} | {shared.name: shared.get_value() for shared in updates}
    )
    return built


VARIANTS = {
    name: {name: partial(build, mode)} for name, mode in by_pytensor.MODES.items()
}
