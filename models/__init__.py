"""Layers, cells, models, losses, optimizers, training and data, over symseq."""

if __name__ != "symseq.models":
    raise ImportError(
        f"this folder is the package symseq.models; it was imported as {__name__!r}. "
        "Write `import symseq.models`, and keep the project's root off sys.path."
    )

from . import (
    attention,
    checkpoints,
    converters,
    data,
    init,
    losses,
    metrics,
    pooling,
    seq2seq,
)
from .cells import (
    GRU,
    LSTM,
    MGU,
    SCRN,
    CarouselLSTM,
    Cell,
    Clockwork,
    ClockworkState,
    CoupledLSTM,
    DenseCell,
    Hidden,
    Identity,
    LayerNormalized,
    LayerNormLSTM,
    LSTMGates,
    LSTMState,
    MultiplicativeLSTM,
    PeepholeLSTM,
    ProjectedLSTM,
    ResetAfterGRU,
    Residual,
    SCRNState,
    SimpleRNN,
    Stacked,
    VariationalDropout,
    Zoneout,
)
from .classifier import SequenceClassifier
from .layers import Dense, Dropout, Embedding, LayerNorm, TokenDropout
from .module import Module, parameter
from .naive_bayes import NaiveBayes
from .recurrent import Bidirectional, Recurrent

__all__ = [
    "GRU",
    "LSTM",
    "MGU",
    "SCRN",
    "Bidirectional",
    "CarouselLSTM",
    "Cell",
    "Clockwork",
    "ClockworkState",
    "CoupledLSTM",
    "Dense",
    "DenseCell",
    "Dropout",
    "Embedding",
    "Hidden",
    "Identity",
    "LSTMGates",
    "LSTMState",
    "LayerNorm",
    "LayerNormLSTM",
    "LayerNormalized",
    "Module",
    "MultiplicativeLSTM",
    "NaiveBayes",
    "PeepholeLSTM",
    "ProjectedLSTM",
    "Recurrent",
    "ResetAfterGRU",
    "Residual",
    "SCRNState",
    "SequenceClassifier",
    "SimpleRNN",
    "Stacked",
    "TokenDropout",
    "VariationalDropout",
    "Zoneout",
    "attention",
    "checkpoints",
    "converters",
    "data",
    "init",
    "losses",
    "metrics",
    "parameter",
    "pooling",
    "seq2seq",
]
