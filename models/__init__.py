"""Layers, cells, models, losses, optimizers, training and data, over symseq."""

if __name__ != "symseq.models":
    raise ImportError(
        f"this folder is the package symseq.models; it was imported as {__name__!r}. "
        "Write `import symseq.models`, and keep the project's root off sys.path."
    )

from . import checkpoints, data, init, losses, metrics, pooling
from .cells import LSTM, Cell, LSTMState
from .classifier import SequenceClassifier
from .layers import Dense, Dropout, Embedding, TokenDropout
from .module import Module, parameter
from .naive_bayes import NaiveBayes
from .recurrent import Bidirectional, Recurrent

__all__ = [
    "LSTM",
    "Bidirectional",
    "Cell",
    "Dense",
    "Dropout",
    "Embedding",
    "LSTMState",
    "Module",
    "NaiveBayes",
    "Recurrent",
    "SequenceClassifier",
    "TokenDropout",
    "checkpoints",
    "data",
    "init",
    "losses",
    "metrics",
    "parameter",
    "pooling",
]
