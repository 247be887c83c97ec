"""Outputs are fresh arrays, or borrowed ones that lie in an arena of their own."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T


@pytest.mark.parametrize("target", ["reference", "numpy"])
def test_borrowed_outputs_hold_until_the_next_call(target):
    x = T.matrix("x")
    w = ss.shared(np.zeros((3, 2), "float32"), "w")
    both = [ss.Out(x * 2 + w, borrow=True), x * 2 + w]
    f = ss.function([x], both, updates=[(w, w + x)], target=target)
    ones = np.ones((3, 2), "float32")
    borrowed, fresh = f(ones)
    np.testing.assert_array_equal(borrowed, fresh)
    np.testing.assert_array_equal(fresh, np.full((3, 2), 2))
    again, _ = f(ones)
    np.testing.assert_array_equal(fresh, np.full((3, 2), 2))
    np.testing.assert_array_equal(again, np.full((3, 2), 3))


def test_borrowed_outputs_are_not_copied_and_lie_outside_the_arena():
    x = T.matrix("x")

    def step(x_t, h):
        return T.tanh(x_t + h)

    hidden, _ = ss.scan(step, x, T.zeros(4))
    f = ss.function([x], [ss.Out(hidden, borrow=True), hidden * 2])
    values = np.ones((6, 4), "float32")
    first, doubled = f(values)
    second, _ = f(-values)
    assert np.shares_memory(first, second)
    assert not np.shares_memory(first, f.plan.memory.arena.block)
    np.testing.assert_array_equal(second * -2, doubled)
    # Growing makes new memory: what was borrowed before then stays as it was.
    kept = second.copy()
    f(np.ones((600, 4), "float32"))
    np.testing.assert_array_equal(second, kept)


def test_what_is_borrowed_is_never_a_shared_buffer_or_an_input():
    x = T.vector("x")
    w = ss.shared(np.zeros(3, "float32"), "w")
    f = ss.function([x], [ss.Out(w, borrow=True), ss.Out(x, borrow=True)])
    values = np.ones(3, "float32")
    for made in f(values):
        made[:] = 7
    np.testing.assert_array_equal(w.get_value(), np.zeros(3))
    np.testing.assert_array_equal(values, np.ones(3))
