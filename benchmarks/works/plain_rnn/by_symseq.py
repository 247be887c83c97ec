"""The plain RNN in symseq: the equation, one step at a time."""

from __future__ import annotations

from typing import Any

import symseq as ss
import symseq.tensor as T

from ...frameworks import by_symseq
from ..lstm_layer import Sizes


def graph(sizes: Sizes, params: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    W, U, b = params["W"], params["U"], params["b"]
    steps, batch = ss.dims("T B")
    x = T.ftensor3("x", shape=(steps, batch, sizes.H))
    G = T.ftensor3("G", shape=(steps, batch, sizes.H))

    def step(x_t: Any, h: Any) -> Any:
        return T.tanh(T.dot(x_t, W) + T.dot(h, U) + b)

    start = T.zeros((x.shape[1], sizes.H))
    hidden, _ = ss.scan(step, x, start, name="rnn")
    return {"x": x, "G": G}, (G * hidden).sum()


build = by_symseq.cost_and_gradients(graph)
