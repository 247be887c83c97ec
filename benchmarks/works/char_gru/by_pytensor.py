"""The character model in PyTensor: the equations, one step at a time."""

from __future__ import annotations

from typing import Any

import pytensor
import pytensor.tensor as pt

from ...frameworks import by_pytensor
from . import Sizes


def gru_step(H: int, a: Any, h: Any, U: Any, c: Any) -> Any:
    """h_t from a = x_t W + b and h_{t-1}."""
    p = pt.dot(h, U) + c
    r = pt.sigmoid(a[:, :H] + p[:, :H])
    z = pt.sigmoid(a[:, H : 2 * H] + p[:, H : 2 * H])
    n = pt.tanh(a[:, 2 * H :] + r * p[:, 2 * H :])
    return (1 - z) * n + z * h


def cross_entropy(logits: Any, targets: Any) -> Any:
    rows = pt.special.log_softmax(logits.reshape((-1, logits.shape[2])), axis=1)
    chosen = rows[pt.arange(rows.shape[0]), targets.flatten()]
    return -pt.mean(chosen, dtype="float32")


def graph(sizes: Sizes, params: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    E, W, U, b, c, O, d = (params[name] for name in "EWUbcOd")
    letters, targets = pt.lmatrix("letters"), pt.lmatrix("targets")

    def step(x_t: Any, h: Any) -> list[Any]:
        h_new = gru_step(sizes.H, pt.dot(x_t, W) + b, h, U, c)
        return [h_new, pt.dot(h_new, O) + d]

    start = pt.zeros((letters.shape[1], sizes.H), dtype="float32")
    _, logits = pytensor.scan(
        step,
        sequences=E[letters],
        outputs_info=[start, None],
        return_updates=False,
    )
    return {"letters": letters, "targets": targets}, cross_entropy(logits, targets)


VARIANTS = by_pytensor.variants(graph)
