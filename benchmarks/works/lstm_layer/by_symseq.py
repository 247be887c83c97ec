"""The LSTM layer in symseq: the equations, one step at a time."""

from __future__ import annotations

from typing import Any

import symseq as ss
import symseq.tensor as T

from ...frameworks import by_symseq
from . import Sizes


def graph(sizes: Sizes, params: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    W, U, b = params["W"], params["U"], params["b"]
    H = sizes.H
    steps, batch = ss.dims("T B")
    x = T.ftensor3("x", shape=(steps, batch, H))
    G = T.ftensor3("G", shape=(steps, batch, H))

    def step(x_t: Any, h: Any, c: Any) -> list[Any]:
        z = T.dot(x_t, W) + T.dot(h, U) + b
        i, f, g, o = (z[:, k * H : (k + 1) * H] for k in range(4))
        c_new = T.nnet.sigmoid(f) * c + T.nnet.sigmoid(i) * T.tanh(g)
        return [T.nnet.sigmoid(o) * T.tanh(c_new), c_new]

    zeros = T.zeros((x.shape[1], H))
    (hidden, _), _ = ss.scan(step, x, [zeros, zeros], name="lstm")
    return {"x": x, "G": G}, (G * hidden).sum()


build = by_symseq.cost_and_gradients(graph)
