"""`memory_budget`: checkpoints where a call would need more, the same numbers."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.errors import UsageError

STEPS, WIDTH = 400, 32


def training(**options):
    x = T.dmatrix("x", shape=(None, WIDTH))
    w = T.dmatrix("w", shape=(WIDTH, WIDTH))

    def step(x_t, h):
        return T.tanh(T.tanh(T.dot(h, w)) * T.nnet.sigmoid(h) + x_t)

    hidden, _ = ss.scan(step, x, T.zeros((WIDTH,), "float64"))
    cost = (hidden[-1] ** 2).sum()
    return ss.function([x, w], [cost, ss.grad(cost, w)], **options)


def data(steps):
    rng = np.random.default_rng(0)
    return rng.normal(size=(steps, WIDTH)), rng.normal(size=(WIDTH, WIDTH)) / WIDTH**0.5


def arena(plan):
    """The bytes of the last call."""
    return next(reversed(plan.bindings.values())).nbytes


def test_a_budget_is_kept_by_checkpoints_and_changes_no_number():
    free = training()
    wanted = free(*data(STEPS))
    full = arena(free.plan)
    tight = training(memory_budget=full // 2)
    for a, b in zip(tight(*data(STEPS)), wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    budget = tight._compiled.budget
    assert arena(tight.plan) <= full // 2
    assert "checkpoints every 32 steps" in tight.plan.report()
    # Short sequences fit as they are.
    for a, b in zip(tight(*data(10)), free(*data(10)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert budget.made.keys() == {0, 32} and "checkpoints" not in tight.plan.report()


def test_a_budget_that_cannot_be_kept_says_what_is_needed():
    f = training(memory_budget=1000)
    with pytest.raises(UsageError, match="memory_budget is 1,000 bytes; a call"):
        f(*data(STEPS))


@pytest.mark.parametrize("budget", ["1MB", 0, -1, 1.5, True])
def test_a_budget_is_a_whole_number_of_bytes(budget):
    x = T.dvector("x")
    with pytest.raises(UsageError, match=f"whole number of bytes.*got {budget!r}"):
        ss.function([x], x * 2, memory_budget=budget)
