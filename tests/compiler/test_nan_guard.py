"""`nan_guard`: op, loop, step and line of the first NaN; nothing is written."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.compile.nanguardmode import NanGuardMode
from symseq.errors import NanGuardError

TARGETS = ["reference", "numpy"]


def training(target, **options):
    x = T.matrix("x")
    w = ss.shared(np.eye(3, dtype="float32"), "w")
    other = ss.shared(np.float32(0), "calls")

    def step(x_t, h):
        z = T.dot(h, w) + x_t
        return T.log(z)

    hidden, _ = ss.scan(step, x, T.ones(3), name="steps")
    cost = hidden.sum()
    updates = [(other, other + 1), (w, w - 0.01 * ss.grad(cost, w))]
    f = ss.function([x], cost, updates=updates, target=target, **options)
    return f, w, other


@pytest.mark.parametrize("target", TARGETS)
def test_the_error_names_op_loop_step_line_and_cause(target):
    f, w, other = training(target, nan_guard=True)
    x = np.full((5, 3), 3, "float32")
    f(x)
    x[3, 1] = -8
    before = w.get_value()
    with pytest.raises(NanGuardError) as caught:
        f(x)
    text = str(caught.value)
    assert "log made NaN in 1 of 3 elements, first at [1], at step 3 of loop steps" in (
        text
    )
    assert "return T.log(z)" in text
    assert "holds numbers down to -" in text
    np.testing.assert_array_equal(before, w.get_value())
    assert other.get_value() == 1  # as the first call left it


@pytest.mark.parametrize("target", TARGETS)
def test_a_guarded_function_gives_the_same_numbers(target):
    x = np.full((5, 3), 3, "float32")
    guarded, w, _ = training(target, nan_guard=True)
    plain, v, _ = training(target)
    for _ in range(3):
        np.testing.assert_allclose(guarded(x), plain(x), rtol=1e-6)
    np.testing.assert_allclose(w.get_value(), v.get_value(), rtol=1e-6)


@pytest.mark.parametrize("target", TARGETS)
def test_inputs_and_shared_variables_are_looked_at_first(target):
    f, w, _ = training(target, nan_guard=True)
    x = np.ones((2, 3), "float32")
    x[1, 2] = np.nan
    with pytest.raises(NanGuardError, match=r"input x holds NaN in 1 of 6 elements"):
        f(x)
    w.set_value(np.full((3, 3), np.nan, "float32"))
    with pytest.raises(NanGuardError, match="shared variable w holds NaN"):
        f(np.ones((2, 3), "float32"))


@pytest.mark.parametrize("target", TARGETS)
def test_infinities_and_big_numbers_count_where_asked(target):
    x = T.vector("x")
    big = np.array([1.0, 200.0], "float32")
    assert np.isinf(ss.function([x], T.exp(x), target=target, nan_guard=True)(big)[1])
    for options in (
        {"nan_guard": ss.NanGuard(inf=True)},
        {"mode": NanGuardMode()},
    ):
        f = ss.function([x], T.exp(x), target=target, **options)
        with pytest.raises(NanGuardError, match=r"exp made inf in 1 of 2 elements"):
            f(big)
    f = ss.function([x], x * 1e10, target=target, mode=NanGuardMode())
    with pytest.raises(NanGuardError, match="mul made 2e\\+12"):
        f(big)


@pytest.mark.parametrize("target", TARGETS)
def test_nested_loops_are_named_from_the_outside_in(target):
    x = T.matrix("x")

    def inner(value, total):
        return total + T.sqrt(value)

    def outer(row):
        sums, _ = ss.scan(inner, row, T.zeros(()), name="inner")
        return sums[-1]

    made, _ = ss.scan(outer, x, name="outer")
    f = ss.function([x], made, target=target, nan_guard=True)
    values = np.ones((3, 4), "float32")
    values[2, 1] = -1
    with pytest.raises(NanGuardError) as caught:
        f(values)
    assert "sqrt made NaN" in str(caught.value)


def test_empty_arrays_and_integers_pass():
    x, k = T.vector("x"), T.ivector("k")
    f = ss.function([x, k], [T.log(x), k + 1], nan_guard=True)
    assert f(np.zeros(0, "float32"), np.zeros(2, "int32"))[0].shape == (0,)


def test_what_left_its_loop_names_the_step_by_its_row():
    x, w = T.matrix("x", shape=(None, 3)), T.vector("w", shape=(3,))

    def step(x_t, h):
        return T.tanh(h + T.sqrt(x_t) * T.log(w))

    hidden, _ = ss.scan(step, x, T.zeros(3))
    f = ss.function([x, w], hidden.sum(), nan_guard=True)
    values, weights = np.ones((5, 3), "float32"), np.ones(3, "float32")
    values[3, 1] = -1
    with pytest.raises(NanGuardError, match=r"sqrt made NaN .*, at step 3 of the loop"):
        f(values, weights)
    weights[2] = -1  # computed once, for all steps
    with pytest.raises(NanGuardError) as caught:
        f(abs(values), weights)
    assert "log made NaN" in caught.value.rule and "step" not in caught.value.rule
