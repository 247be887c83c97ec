"""Attention in PyTensor: the equations, one step at a time, products and all."""

from __future__ import annotations

from typing import Any

import pytensor
import pytensor.tensor as pt

from ...frameworks import by_pytensor
from ..char_gru import Sizes
from ..char_gru.by_pytensor import cross_entropy, gru_step


def encode(sizes: Sizes, p: dict[str, Any], source: Any) -> Any:
    def step(x_t: Any, s: Any) -> Any:
        return gru_step(sizes.H, pt.dot(x_t, p["eW"]) + p["eb"], s, p["eU"], p["ec"])

    start = pt.zeros((source.shape[1], sizes.H), dtype="float32")
    return pytensor.scan(
        step, sequences=p["eE"][source], outputs_info=start, return_updates=False
    )


def graph(sizes: Sizes, params: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    p = params
    source, words, targets = (pt.lmatrix(n) for n in ("source", "words", "targets"))
    states = encode(sizes, p, source)

    def step(y_t: Any, h: Any) -> list[Any]:
        keys = pt.dot(states, p["K"])
        scores = pt.dot(pt.tanh(pt.dot(h, p["Q"])[None] + keys), p["v"])
        weights = pt.special.softmax(scores, axis=0)
        read = (weights[:, :, None] * states).sum(axis=0)
        a = pt.dot(y_t, p["W"]) + pt.dot(read, p["C"]) + p["b"]
        h_new = gru_step(sizes.H, a, h, p["U"], p["c"])
        return [h_new, pt.dot(h_new, p["O"]) + p["d"]]

    _, logits = pytensor.scan(
        step,
        sequences=p["E"][words],
        outputs_info=[states[-1], None],
        return_updates=False,
    )
    inputs = {"source": source, "words": words, "targets": targets}
    return inputs, cross_entropy(logits, targets)


VARIANTS = by_pytensor.variants(graph)
