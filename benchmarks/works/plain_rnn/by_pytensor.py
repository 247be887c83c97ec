"""The plain RNN in PyTensor: the equation, one step at a time."""

from __future__ import annotations

from typing import Any

import pytensor
import pytensor.tensor as pt

from ...frameworks import by_pytensor
from ..lstm_layer import Sizes


def graph(sizes: Sizes, params: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    W, U, b = params["W"], params["U"], params["b"]
    x, G = pt.ftensor3("x"), pt.ftensor3("G")

    def step(x_t: Any, h: Any) -> Any:
        return pt.tanh(pt.dot(x_t, W) + pt.dot(h, U) + b)

    start = pt.zeros((x.shape[1], sizes.H), dtype="float32")
    hidden = pytensor.scan(step, sequences=x, outputs_info=start, return_updates=False)
    return {"x": x, "G": G}, (G * hidden).sum()


VARIANTS = by_pytensor.variants(graph)
