"""What each half of a bidirectional layer has seen at t, by its gradient.

∂h→(t)/∂x(s) = 0 for s > t, ∂h←(t)/∂x(s) = 0 for s < t, and nowhere else. Over padding
the forward half goes on holding the sequence, the backward half has seen nothing yet.
"""

from functools import cache

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.models import GRU, LSTM, Bidirectional, SimpleRNN
from symseq.types import TensorType

D, H, STEPS = 2, 3, 5
LENGTHS = (5, 3, 1, 0)  # the last row is all padding
CELLS = {"rnn": SimpleRNN, "lstm": LSTM, "gru": GRU}


@cache
def gradients(kind, masked):
    """(x, mask, t) → ∂h→(t)/∂x and ∂h←(t)/∂x, summed over units with weights."""
    before, ss.config.floatX = ss.config.floatX, "float64"
    try:
        rng = np.random.default_rng(0)
        both = Bidirectional(CELLS[kind](D, H, rng=rng), CELLS[kind](D, H, rng=rng))
        x, mask, t = (
            TensorType("float64", (None, None, D))("x"),
            T.dmatrix("m"),
            T.lscalar("t"),
        )
        y = both(x, mask) if masked else both(x)
        weights = rng.standard_normal(H)
        seen = [
            ss.grad((half[t] * weights).sum(), x) for half in (y[:, :, :H], y[:, :, H:])
        ]
        return ss.function([x, mask, t], seen, on_unused_input="ignore")
    finally:
        ss.config.floatX = before


def values():
    x = np.random.default_rng(1).standard_normal((STEPS, len(LENGTHS), D))
    mask = (np.arange(STEPS)[:, None] < np.array(LENGTHS)).astype("float64")
    return x, mask


@pytest.mark.parametrize("kind", CELLS)
def test_without_padding(kind):
    x, mask = values()
    s = np.arange(STEPS)
    for t in range(STEPS):
        ahead, behind = gradients(kind, False)(x, mask, t)
        for b in range(len(LENGTHS)):
            np.testing.assert_array_equal(ahead[:, b].any(axis=1), s <= t)
            np.testing.assert_array_equal(behind[:, b].any(axis=1), s >= t)


@pytest.mark.parametrize("kind", CELLS)
def test_with_padding(kind):
    x, mask = values()
    s = np.arange(STEPS)
    for t in range(STEPS):
        ahead, behind = gradients(kind, True)(x, mask, t)
        for b, length in enumerate(LENGTHS):
            real = s < length
            np.testing.assert_array_equal(ahead[:, b].any(axis=1), real & (s <= t))
            np.testing.assert_array_equal(behind[:, b].any(axis=1), real & (s >= t))


@pytest.mark.parametrize("merge", ["concat", "sum"])
def test_a_reversed_sequence_swaps_the_halves(merge):
    rng = np.random.default_rng(0)
    cells = LSTM(D, H, rng=rng), LSTM(D, H, rng=rng)
    x = T.tensor3("x")
    here = Bidirectional(*cells, merge=merge)(x)
    there = Bidirectional(*cells[::-1], merge=merge)(x[::-1])[::-1]
    value = values()[0].astype("float32")
    one, other = ss.function([x], [here, there])(value)
    if merge == "concat":
        other = np.concatenate([other[:, :, H:], other[:, :, :H]], axis=2)
    np.testing.assert_allclose(one, other, atol=1e-6)
