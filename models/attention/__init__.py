"""Attention: memories, scores, soft, local and hard looks; decoders, LSTMN, blocks."""

from .baselines import (
    LearnedBaseline,
    RunningMean,
    optimal_baseline,
    score_squares,
)
from .decoders import (
    Attending,
    BahdanauDecoder,
    BahdanauState,
    Decoder,
    LuongDecoder,
    LuongState,
)
from .fusion import DeepFusion, Fused, FusedState
from .hard import Choice, HardAttention, choose, log_probability, surrogate
from .local import MonotonicAttention, PredictiveAttention
from .lstmn import LSTMN, LSTMNState, Taped
from .memory import Memory
from .multihead import MultiHeadAttention
from .scores import (
    AdditiveScore,
    ConcatScore,
    DotScore,
    GeneralScore,
    ScaledDotScore,
    Score,
)
from .soft import Attention, SoftAttention, masked_softmax
from .transformer import TransformerBlock, positions, sinusoids

__all__ = [
    "LSTMN",
    "AdditiveScore",
    "Attending",
    "Attention",
    "BahdanauDecoder",
    "BahdanauState",
    "Choice",
    "ConcatScore",
    "Decoder",
    "DeepFusion",
    "DotScore",
    "Fused",
    "FusedState",
    "GeneralScore",
    "HardAttention",
    "LSTMNState",
    "LearnedBaseline",
    "LuongDecoder",
    "LuongState",
    "Memory",
    "MonotonicAttention",
    "MultiHeadAttention",
    "PredictiveAttention",
    "RunningMean",
    "ScaledDotScore",
    "Score",
    "SoftAttention",
    "Taped",
    "TransformerBlock",
    "choose",
    "log_probability",
    "masked_softmax",
    "optimal_baseline",
    "positions",
    "score_squares",
    "sinusoids",
    "surrogate",
]
