"""The LSTM layer in PyTensor: the equations, one step at a time."""

from __future__ import annotations

from typing import Any

import pytensor
import pytensor.tensor as pt

from ...frameworks import by_pytensor
from . import Sizes


def graph(sizes: Sizes, params: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    W, U, b = params["W"], params["U"], params["b"]
    H = sizes.H
    x, G = pt.ftensor3("x"), pt.ftensor3("G")

    def step(x_t: Any, h: Any, c: Any) -> list[Any]:
        z = pt.dot(x_t, W) + pt.dot(h, U) + b
        i, f, g, o = (z[:, k * H : (k + 1) * H] for k in range(4))
        c_new = pt.sigmoid(f) * c + pt.sigmoid(i) * pt.tanh(g)
        return [pt.sigmoid(o) * pt.tanh(c_new), c_new]

    zeros = pt.zeros((x.shape[1], H), dtype="float32")
    hidden, _ = pytensor.scan(
        step, sequences=x, outputs_info=[zeros, zeros], return_updates=False
    )
    return {"x": x, "G": G}, (G * hidden).sum()


VARIANTS = by_pytensor.variants(graph)
