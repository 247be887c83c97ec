"""The models that are compared: one encoder, decoders that attend or do not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.lengths import Dim, dims
from symseq.types import TensorType

from .. import init
from ..attention import (
    AdditiveScore,
    BahdanauDecoder,
    GeneralScore,
    HardAttention,
    LuongDecoder,
    SoftAttention,
)
from ..cells import GRU
from ..layers import Embedding
from ..recurrent import Bidirectional
from .context import ContextDecoder
from .encoder_decoder import EncoderDecoder

KINDS = ("plain", "bahdanau", "luong", "hard")
# Tokens begin apart, and scores with more than noise: what hardly sees its input at
# first learns late.
TOKENS, MATRIX, VECTOR = init.normal(1.0), init.glorot(), init.uniform(0.08)


def build(
    kind: str,
    read: int | Dim,
    written: int | Dim,
    *,
    width: int | Dim,
    hidden: int | Dim,
    rng: np.random.Generator,
    dropout: float = 0.0,
) -> EncoderDecoder:
    """An encoder-decoder of GRUs, `kind` being one of `KINDS`.

    A bidirectional GRU reads `read` different tokens; a GRU writes `written` different
    ones, plain (by the summary alone), with Bahdanau's attention, with Luong's, or with
    a hard look in Bahdanau's decoder, which reads what was drawn as Xu et al.'s does.
    Raises: UsageError for another kind.
    """
    if kind not in KINDS:
        raise UsageError(f"a model must be one of {', '.join(KINDS)}; got {kind!r}")
    D, H, M = width, hidden, 2 * hidden
    how: dict[str, Any] = {"rng": rng, "initial": MATRIX}

    def plain() -> ContextDecoder:
        return ContextDecoder(GRU(D + H, H, rng=rng), D, H)

    def bahdanau(attention: Any = SoftAttention) -> BahdanauDecoder:
        score = AdditiveScore(H, M, H, rng=rng, initial=VECTOR)
        return BahdanauDecoder(GRU(D + M, H, rng=rng), attention(score), D, M)

    def luong() -> LuongDecoder:
        soft = SoftAttention(GeneralScore(H, M, scaled=True, **how))
        return LuongDecoder(GRU(D + H, H, rng=rng), soft, D, M, **how)

    decoders: dict[str, Callable[[], Any]] = {
        "plain": plain,
        "bahdanau": bahdanau,
        "luong": luong,
        "hard": partial(bahdanau, HardAttention),
    }
    tokens: dict[str, Any] = {"rng": rng, "initial": TOKENS}
    encoder = Bidirectional(GRU(D, H, rng=rng), GRU(D, H, rng=rng))
    return EncoderDecoder(
        Embedding(read, D, name="source", **tokens), encoder,
        Embedding(written, D, name="target", **tokens), decoders[kind](),
        written, summary=H, dropout=dropout, **how,
    )  # fmt: skip


def inputs() -> tuple[Variable, Variable, Variable, Variable]:
    """What a model is given: source, source_mask, target, target_mask.

    Shapes: source: int32[S, B], target: int32[T, B], a mask float[...] as its sequence.
    """
    B, S, T = dims("B S T")
    pair = []
    for name, length in (("source", S), ("target", T)):
        pair.append(TensorType("int32", (length, B))(name))
        pair.append(TensorType("floatX", (length, B))(f"{name}_mask"))
    return pair[0], pair[1], pair[2], pair[3]
