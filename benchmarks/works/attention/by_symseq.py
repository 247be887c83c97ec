"""Attention in symseq: the equations, one step at a time, products and all."""

from __future__ import annotations

from typing import Any

import symseq as ss
import symseq.tensor as T

from ...frameworks import by_symseq
from ..char_gru import Sizes
from ..char_gru.by_symseq import cross_entropy, gru_step


def encode(sizes: Sizes, p: dict[str, Any], source: Any) -> Any:
    def step(x_t: Any, s: Any) -> Any:
        return gru_step(sizes.H, T.dot(x_t, p["eW"]) + p["eb"], s, p["eU"], p["ec"])

    start = T.zeros((source.shape[1], sizes.H))
    states, _ = ss.scan(step, p["eE"][source], start, name="encoder")
    return states


def graph(sizes: Sizes, params: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    p = params
    there, here, batch = ss.dims("S T B")
    source = T.lmatrix("source", shape=(there, batch))
    words = T.lmatrix("words", shape=(here, batch))
    targets = T.lmatrix("targets", shape=(here, batch))
    states = encode(sizes, p, source)

    def step(y_t: Any, h: Any) -> list[Any]:
        keys = T.dot(states, p["K"])
        scores = T.dot(T.tanh(T.dot(h, p["Q"])[None] + keys), p["v"])
        weights = T.nnet.softmax(scores.T).T
        read = (weights[:, :, None] * states).sum(axis=0)
        a = T.dot(y_t, p["W"]) + T.dot(read, p["C"]) + p["b"]
        h_new = gru_step(sizes.H, a, h, p["U"], p["c"])
        return [h_new, T.dot(h_new, p["O"]) + p["d"]]

    (_, logits), _ = ss.scan(step, p["E"][words], [states[-1], None], name="decoder")
    inputs = {"source": source, "words": words, "targets": targets}
    return inputs, cross_entropy(logits, targets)


build = by_symseq.cost_and_gradients(graph)
