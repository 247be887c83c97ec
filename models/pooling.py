"""One vector for a whole sequence."""

from __future__ import annotations

from symseq.graph import Variable
from symseq.ops.math import maximum


def mean_pool(h: Variable, mask: Variable) -> Variable:
    """Σ_t m_t h_t / Σ_t m_t; zeros for a sequence that is all padding.

    Shapes: h: float[T, B, H], mask: float[T, B], returns float[B, H].
    """
    count: Variable = maximum(mask.sum(axis=0), 1)
    total: Variable = (h * mask[:, :, None]).sum(axis=0)
    return total / count[:, None]


def last_pool(h: Variable) -> Variable:
    """h_T: with a mask that carries the state, the state after the last real step.

    Shapes: h: float[T, B, H], returns float[B, H].
    """
    last: Variable = h[-1]
    return last
