"""Attention: memories, scores, soft weights, decoders that attend."""

from .decoders import (
    Attending,
    BahdanauDecoder,
    BahdanauState,
    Decoder,
    LuongDecoder,
    LuongState,
)
from .memory import Memory
from .scores import (
    AdditiveScore,
    ConcatScore,
    DotScore,
    GeneralScore,
    ScaledDotScore,
    Score,
)
from .soft import Attention, SoftAttention, masked_softmax

__all__ = [
    "AdditiveScore",
    "Attending",
    "Attention",
    "BahdanauDecoder",
    "BahdanauState",
    "ConcatScore",
    "Decoder",
    "DotScore",
    "GeneralScore",
    "LuongDecoder",
    "LuongState",
    "Memory",
    "ScaledDotScore",
    "Score",
    "SoftAttention",
    "masked_softmax",
]
