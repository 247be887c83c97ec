"""What training makes small."""

from __future__ import annotations

from symseq.graph import Variable
from symseq.ops.arange import arange
from symseq.ops.nnet import log_softmax
from symseq.ops.reduce import mean


def cross_entropy(logits: Variable, labels: Variable) -> Variable:
    """-1/B Σ_b log softmax(z_b)[y_b], taken from logits so that nothing overflows.

    Shapes: logits: float[B, K], labels: int[B], returns a float scalar.
    """
    rows = arange(labels.shape[0])
    right: Variable = log_softmax(logits)[rows, labels]
    return -mean(right)
