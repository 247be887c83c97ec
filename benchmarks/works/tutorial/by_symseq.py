"""The tutorial's training step in symseq: the equations, one step at a time."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import symseq as ss
import symseq.tensor as T
from symseq.models.optimizers import adadelta
from symseq.tensor.shared_randomstreams import RandomStreams

from ...frameworks import by_symseq
from ...work import Built, Problem
from . import EPSILON, KEEP, RHO, Sizes


def graph(sizes: Sizes, params: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    E, W, U, b, O, d = params.values()
    D = sizes.D
    steps, batch = ss.dims(T=sizes.T, B=sizes.B) if sizes.fixed else ss.dims("T B")
    words = T.lmatrix("words", shape=(steps, batch))
    mask = T.fmatrix("mask", shape=(steps, batch))
    labels = T.lvector("labels", shape=(batch,))

    def step(x_t: Any, m_t: Any, h: Any, c: Any) -> list[Any]:
        m = m_t[:, None]
        z = T.dot(x_t, W) + T.dot(h, U) + b
        i, f, g, o = (z[:, k * D : (k + 1) * D] for k in range(4))
        c_new = T.nnet.sigmoid(f) * c + T.nnet.sigmoid(i) * T.tanh(g)
        c_new = m * c_new + (1 - m) * c
        h_new = T.nnet.sigmoid(o) * T.tanh(c_new)
        return [m * h_new + (1 - m) * h, c_new]

    start = T.zeros((words.shape[1], D))
    (hidden, _), _ = ss.scan(step, [E[words], mask], [start, start], name="lstm")
    pooled = (hidden * mask[:, :, None]).sum(axis=0) / mask.sum(axis=0)[:, None]
    inputs = {"words": words, "mask": mask, "labels": labels}
    if sizes.drawn:
        stream = RandomStreams(0)
        kept = stream.binomial(size=pooled.shape, n=1, p=KEEP, dtype=pooled.dtype)
    else:
        inputs["kept"] = kept = T.fmatrix("kept", shape=(batch, D))
    p = T.nnet.softmax(T.dot(pooled * kept, O) + d)
    return inputs, T.nnet.categorical_crossentropy(p, labels).mean()


def build(sizes: Sizes, problem: Problem, target: str) -> Built:
    """One call is one step; the results are the cost and all that the step updated."""
    began = perf_counter()
    params = by_symseq.shared(problem.params)
    inputs, cost = graph(sizes, params)
    updates = adadelta(cost, params, 1.0, RHO, EPSILON)
    built = by_symseq.compiled(inputs, cost, updates, problem, target, began)
    built.results = lambda cost: (
        {"cost": cost} | {str(s.name): s.get_value() for s in updates}
    )
    return built
