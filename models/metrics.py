"""How good a model is."""

from __future__ import annotations

import math
from collections.abc import Sequence, Sized

import numpy as np

from symseq.errors import UsageError
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
    """The share of equal entries (0 for none). Shapes: int[N], int[N].

    Raises: UsageError where one has more entries than the other.
    """
    _check_pairs(predicted, labels)
    right = np.asarray(predicted) == np.asarray(labels)
    return float(np.mean(right)) if len(labels) else 0.0


def exact_match(
    predicted: Sequence[Sequence[object]], expected: Sequence[Sequence[object]]
) -> float:
    """The share of sequences that are right as a whole (0 for none).

    Raises: UsageError where one has more sequences than the other.

    >>> exact_match(["12", "30"], ["12", "31"])
    0.5
    """
    _check_pairs(predicted, expected)
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

    Raises: UsageError for classes that are not in 0 ... K - 1.

    >>> confusion(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    _check_pairs(predicted, labels)
    for name, given in (("predicted", predicted), ("labels", labels)):
        if len(given) and not 0 <= np.min(given) <= np.max(given) < classes:
            raise UsageError(
                f"{name} must be in 0 ... {classes - 1}; got "
                f"{np.min(given)} ... {np.max(given)}"
            )
    counts = np.zeros((classes, classes), "int64")
    np.add.at(counts, (np.asarray(labels), np.asarray(predicted)), 1)
    return counts


def _check_pairs(predicted: Sized, expected: Sized) -> None:
    if len(predicted) != len(expected):
        raise UsageError(
            f"each prediction is compared with one answer; got {len(predicted)} "
            f"predictions and {len(expected)} answers"
        )
