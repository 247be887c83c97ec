"""Branches of an ifelse and loops of unknown length run by plans of their own."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.ifelse import ifelse

TARGETS = ["reference", "numpy"]
both = pytest.mark.parametrize("target", TARGETS)


@both
def test_only_the_chosen_branch_runs(target):
    calls = []

    def noted(name):
        def identity(x):
            calls.append(name)
            return x.copy()

        return ss.op(numpy=identity, name=name)

    x, c = T.vector("x"), T.scalar("c")
    made = ifelse(c > 0, noted("then")(x) + 1, noted("other")(x) * 2)
    f = ss.function([x, c], made, target=target)
    np.testing.assert_array_equal(f([1, 2], 1), [2, 3])
    np.testing.assert_array_equal(f([1, 2], -1), [2, 4])
    assert calls == ["then", "other"]


@both
def test_a_branch_in_a_loop_and_its_gradient(target):
    x, w = T.matrix("x"), T.dmatrix("w")

    def step(x_t, h):
        return ifelse(x_t[0] > 0, T.tanh(T.dot(h, w) + x_t), h)

    hidden, _ = ss.scan(step, x.astype("float64"), T.zeros(3, "float64"))
    cost = (hidden**2).sum()
    f = ss.function([x, w], [cost, ss.grad(cost, w)], target=target)
    rng = np.random.default_rng(0)
    values, weights = rng.normal(size=(6, 3)).astype("float32"), rng.normal(size=(3, 3))
    cost_value, gradient = f(values, weights)

    def by_hand(weights):
        h, total = np.zeros(3), 0.0
        for row in values:
            h = np.tanh(h @ weights + row) if row[0] > 0 else h
            total += (h**2).sum()
        return total

    assert cost_value == pytest.approx(by_hand(weights), rel=1e-6)
    for i, j in np.ndindex(3, 3):
        step_ = np.zeros((3, 3))
        step_[i, j] = 1e-6
        wanted = (by_hand(weights + step_) - by_hand(weights - step_)) / 2e-6
        assert gradient[i, j] == pytest.approx(wanted, rel=1e-5, abs=1e-8)


@both
def test_branches_may_differ_in_their_lengths(target):
    x, n = T.vector("x"), T.iscalar("n")
    made = ifelse(n > 0, x[:n], T.concatenate([x, x]))
    f = ss.function([x, n], [made, made.sum()], target=target)
    for count, wanted in ((2, [1, 2]), (1, [1]), (0, [1, 2, 3] * 2), (3, [1, 2, 3])):
        part, total = f([1, 2, 3], count)
        np.testing.assert_array_equal(part, wanted)
        assert total == sum(wanted)


@both
def test_branches_inside_branches(target):
    x, k = T.vector("x"), T.iscalar("k")
    inner = ifelse(k > 1, x * 3, x - 1)
    made = ifelse(k > 0, inner.sum(), x.prod())
    f = ss.function([x, k], made, target=target)
    assert [f([2, 4], k) for k in (0, 1, 2)] == [8, 4, 18]


@both
def test_an_error_in_a_branch_names_its_line(target):
    x, k, c = T.vector("x"), T.ivector("k"), T.scalar("c")
    picked = x[k]
    made = ifelse(c > 0, picked, x[:1])
    f = ss.function([x, k, c], made.sum(), target=target)
    assert f([1, 2], [7], 0) == 1
    with pytest.raises(ss.errors.BadIndexError) as caught:
        f([1, 2], [7], 1)
    assert "picked = x[k]" in str(caught.value)


@both
def test_the_gradient_of_a_loop_that_ends_by_itself(target):
    x, limit = T.dscalar("x"), T.dscalar("limit")

    def step(h, x):
        new = h * x
        return new, ss.until(new > limit)

    hidden, _ = ss.scan(step, None, T.ones((), "float64"), x, n_steps=50)
    f = ss.function([x, limit], ss.grad(hidden[-1], x), target=target)
    for bound, steps in ((10, 4), (100, 7), (1.5, 1), (10, 4)):
        assert f(2.0, bound) == pytest.approx(steps * 2.0 ** (steps - 1))


def test_plans_inside_are_kept_and_big_inputs_are_not_copied():
    x, w, c = T.matrix("x"), T.matrix("w"), T.scalar("c")
    made = ifelse(c > 0, T.dot(x, w), x)
    f = ss.function([x, w, c], made)
    big = np.eye(600, dtype="float32")
    for _ in range(3):
        np.testing.assert_array_equal(f(big[:2] * 3, big, 1), big[:2] * 3)
    (plan,) = f.plan.nested.plans.values()
    (binding,), (outer,) = plan.bindings.values(), f.plan.bindings.values()
    assert any(inner is held for inner in binding.inputs for held in outer.inputs)
