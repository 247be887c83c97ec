"""The memory network in symseq."""

from __future__ import annotations

from typing import Any

import symseq as ss
import symseq.tensor as T

from ...frameworks import by_symseq
from . import HOPS, Sizes, position_encoding


def graph(sizes: Sizes, params: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    (batch,) = ss.dims("B")
    N, L = sizes.N, sizes.L
    stories = T.ltensor3("stories", shape=(batch, N, L))
    questions = T.lmatrix("questions", shape=(batch, L))
    answers = T.lvector("answers", shape=(batch,))
    places = position_encoding(L, sizes.d)

    def memory(k: int) -> Any:
        return (params[f"E{k}"][stories] * places).sum(axis=2) + params[f"T{k}"]

    u = (params["E0"][questions] * places).sum(axis=1)
    for k in range(HOPS):
        p = T.nnet.softmax((memory(k) * u[:, None, :]).sum(axis=2))
        u = u + (p[:, :, None] * memory(k + 1)).sum(axis=1)
    a = T.nnet.softmax(T.dot(u, params[f"E{HOPS}"].T))
    inputs = {"stories": stories, "questions": questions, "answers": answers}
    return inputs, T.nnet.categorical_crossentropy(a, answers).mean()


build = by_symseq.cost_and_gradients(graph)
