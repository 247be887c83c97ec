"""How good a model is."""

from __future__ import annotations

import math
from collections.abc import Sequence

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


def exact_match(
    predicted: Sequence[Sequence[object]], expected: Sequence[Sequence[object]]
) -> float:
    """The share of sequences that are right as a whole (0 for none).

    >>> exact_match(["12", "30"], ["12", "31"])
    0.5
    """
    right = [list(p) == list(e) for p, e in zip(predicted, expected, strict=True)]
    return sum(right) / len(right) if right else 0.0


def perplexity(nats: float) -> float:
    """exp(H) of a cross-entropy of H nats a token: among how many tokens one guesses.

    >>> round(perplexity(3 * math.log(2)))
    8
    """
    return math.exp(nats)


def bits(nats: float) -> float:
    """H / log 2: a cross-entropy in bits a token.

    >>> bits(math.log(2))
    1.0
    """
    return nats / math.log(2)


def confusion(predicted: Array, labels: Array, classes: int) -> Array:
    """counts[y, k]: how many of class y were taken for k. Returns: int64[K, K].

    >>> confusion(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    counts = np.zeros((classes, classes), "int64")
    np.add.at(counts, (np.asarray(labels), np.asarray(predicted)), 1)
    return counts
