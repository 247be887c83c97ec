"""What training makes small."""

from __future__ import annotations

from symseq.errors import ShapeError, UsageError
from symseq.graph import Variable
from symseq.ops.arange import arange
from symseq.ops.math import maximum
from symseq.ops.nnet import log_softmax
from symseq.ops.reduce import mean
from symseq.span import here


def cross_entropy(logits: Variable, labels: Variable) -> Variable:
    """-1/B Σ_b log softmax(z_b)[y_b], taken from logits so that nothing overflows.

    Shapes: logits: float[B, K], labels: int[B], returns a float scalar.
    Raises: ShapeError for another rank.
    """
    check_ranks(logits=(logits, 2), labels=(labels, 1))
    rows = arange(labels.shape[0])
    right: Variable = log_softmax(logits)[rows, labels]
    return -mean(right)


def sequence_cross_entropy(
    logits: Variable,
    targets: Variable,
    mask: Variable | None = None,
    *,
    smoothing: float = 0.0,
) -> Variable:
    """-Σ_tb m_tb q_tb · log softmax(z_tb) / Σ_tb m_tb: the mean over real tokens.

    q is 1 at the target; with label smoothing ε it is (1 - ε) there, plus ε/V at every
    token. 0 where nothing is real. In nats: exp of it is the perplexity (`perplexity`).
    Shapes: logits: float[T, B, V], targets: int[T, B], mask: float[T, B], returns a
        float scalar.
    Raises: UsageError for a smoothing outside of 0 to 1, ShapeError for another rank.
    Reference: Szegedy et al. 2016, section 7, for label smoothing.
    """
    if not 0 <= smoothing <= 1:
        raise UsageError(f"label smoothing is a share from 0 to 1; got {smoothing}")
    check_ranks(logits=(logits, 3), targets=(targets, 2))
    if mask is not None:
        check_ranks(mask=(mask, 2))
    flat = logits.reshape((-1, logits.shape[2]))
    logs = log_softmax(flat)
    right: Variable = logs[arange(flat.shape[0]), targets.reshape((-1,))]
    if smoothing:
        right = (1 - smoothing) * right + smoothing * mean(logs, axis=-1)
    if mask is None:
        return -mean(right)
    real = mask.reshape((-1,))
    total: Variable = (right * real).sum()
    return -total / maximum(real.sum(), 1)


def check_ranks(**parts: tuple[Variable, int]) -> None:
    """Raises: UsageError for what is no variable, ShapeError for another rank."""
    for name, (part, rank) in parts.items():
        if not isinstance(part, Variable):
            raise UsageError(f"{name} must be a variable; got {part!r}").at(here())
        if part.ndim != rank:
            raise ShapeError(f"{name} must be of rank {rank}; got {part.type}").at(
                here()
            )
