"""The character model in symseq: the equations, one step at a time."""

from __future__ import annotations

from typing import Any

import symseq as ss
import symseq.tensor as T

from ...frameworks import by_symseq
from . import Sizes


def gru_step(H: int, a: Any, h: Any, U: Any, c: Any) -> Any:
    """h_t from a = x_t W + b and h_{t-1}."""
    p = T.dot(h, U) + c
    r = T.nnet.sigmoid(a[:, :H] + p[:, :H])
    z = T.nnet.sigmoid(a[:, H : 2 * H] + p[:, H : 2 * H])
    n = T.tanh(a[:, 2 * H :] + r * p[:, 2 * H :])
    return (1 - z) * n + z * h


def cross_entropy(logits: Any, targets: Any) -> Any:
    """Shapes: logits: float[T, B, V], targets: int[T, B]."""
    p = T.nnet.softmax(logits.reshape((-1, logits.shape[2])))
    return T.nnet.categorical_crossentropy(p, targets.flatten()).mean()


def graph(sizes: Sizes, params: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    E, W, U, b, c, O, d = (params[name] for name in "EWUbcOd")
    steps, batch = ss.dims("T B")
    letters = T.lmatrix("letters", shape=(steps, batch))
    targets = T.lmatrix("targets", shape=(steps, batch))

    def step(x_t: Any, h: Any) -> list[Any]:
        h_new = gru_step(sizes.H, T.dot(x_t, W) + b, h, U, c)
        return [h_new, T.dot(h_new, O) + d]

    start = T.zeros((letters.shape[1], sizes.H))
    (_, logits), _ = ss.scan(step, E[letters], [start, None], name="gru")
    return {"letters": letters, "targets": targets}, cross_entropy(logits, targets)


build = by_symseq.cost_and_gradients(graph)
