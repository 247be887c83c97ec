"""The memory network in PyTensor."""

from __future__ import annotations

from typing import Any

import pytensor.tensor as pt

from ...frameworks import by_pytensor
from . import HOPS, Sizes, position_encoding


def graph(sizes: Sizes, params: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    stories, questions = pt.ltensor3("stories"), pt.lmatrix("questions")
    answers = pt.lvector("answers")
    places = position_encoding(sizes.L, sizes.d)

    def memory(k: int) -> Any:
        return (params[f"E{k}"][stories] * places).sum(axis=2) + params[f"T{k}"]

    u = (params["E0"][questions] * places).sum(axis=1)
    for k in range(HOPS):
        p = pt.special.softmax((memory(k) * u[:, None, :]).sum(axis=2), axis=1)
        u = u + (p[:, :, None] * memory(k + 1)).sum(axis=1)
    rows = pt.special.log_softmax(pt.dot(u, params[f"E{HOPS}"].T), axis=1)
    chosen = rows[pt.arange(rows.shape[0]), answers]
    inputs = {"stories": stories, "questions": questions, "answers": answers}
    return inputs, -pt.mean(chosen, dtype="float32")


VARIANTS = by_pytensor.variants(graph)
