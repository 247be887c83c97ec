"""How good a model is."""

from __future__ import annotations

import numpy as np

from symseq.graph import Variable
from symseq.ops.compare import neq
from symseq.ops.reduce import mean
from symseq.types import Array


def error_rate(logits: Variable, labels: Variable) -> Variable:
    """The share of rows whose largest logit is not the label's.

    Shapes: logits: float[B, K], labels: int[B], returns a float scalar.
    """
    predicted: Variable = logits.argmax(axis=-1)
    return mean(neq(predicted, labels))


def accuracy(predicted: Array, labels: Array) -> float:
    """The share of equal entries (0 for none). Shapes: int[N], int[N]."""
    return (
        float(np.mean(np.asarray(predicted) == np.asarray(labels)))
        if len(labels)
        else 0.0
    )


def confusion(predicted: Array, labels: Array, classes: int) -> Array:
    """counts[y, k]: how many of class y were taken for k. Returns: int64[K, K].

    >>> confusion(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    counts = np.zeros((classes, classes), "int64")
    np.add.at(counts, (np.asarray(labels), np.asarray(predicted)), 1)
    return counts
