"""Tasks that are drawn: what they mean, and that a seed makes them again."""

import numpy as np
import pytest

from symseq.errors import UsageError
from symseq.models.data import Drawn, adding_problem, sine_waves


def test_the_answer_is_the_sum_of_the_marked_numbers():
    x, y = adding_problem(np.random.default_rng(0), 50, steps=21)
    numbers, marks = x[..., 0], x[..., 1]
    np.testing.assert_array_equal(marks[:10].sum(axis=0), 1)
    np.testing.assert_array_equal(marks[10:].sum(axis=0), 1)
    np.testing.assert_allclose(y, (numbers * marks).sum(axis=0), rtol=1e-6)


def test_always_answering_one_has_an_error_of_a_sixth():
    y = adding_problem(np.random.default_rng(0), 20_000, steps=2).y
    assert ((y - 1) ** 2).mean() == pytest.approx(1 / 6, rel=0.03)


def test_two_marks_need_two_steps():
    with pytest.raises(UsageError, match="two marks"):
        adding_problem(np.random.default_rng(0), 1, steps=1)


def test_waves_and_epochs_of_no_length():
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="`steps` is an int of at least 1; got 0"):
        sine_waves(rng, 3, steps=0)
    with pytest.raises(UsageError, match="must be above 0; got 0"):
        sine_waves(rng, 3, period=0)
    with pytest.raises(UsageError, match="at least 0 batches; got -1"):
        Drawn(sine_waves, 2, -1)


def test_a_sine_wave_goes_on():
    x, y = sine_waves(np.random.default_rng(0), 3, steps=60, period=20.0)
    np.testing.assert_array_equal(x[1:], y[:-1])
    np.testing.assert_allclose(x[:20], x[20:40], atol=1e-5)
    assert x.shape == (60, 3, 1)


def test_batches_are_drawn_by_seed_epoch_and_number():
    def batches(seed, epoch):
        return [batch[0] for batch in Drawn(sine_waves, 2, 3, seed).epoch(epoch)]

    first = batches(0, 0)
    assert len(first) == len(Drawn(sine_waves, 2, 3)) == 3
    np.testing.assert_array_equal(first, batches(0, 0))
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first, batches(0, 1))
    assert not np.array_equal(first, batches(1, 0))
    with pytest.raises(UsageError, match="at least 1"):
        Drawn(sine_waves, 0, 3)
