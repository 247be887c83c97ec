"""Gradients of logarithms stay finite where their argument underflows or overflows."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T

FAR = np.array([[1000.0, 0.0, -1000.0], [5.0, -200.0, 300.0]])
PICKED = (np.arange(2), np.array([2, 1]))
ONE_HOT = np.eye(3)[PICKED[1]]
SOFT = np.array([[1.0, 0, 0], [0, 0, 1]])
STEP = 0.5 * np.tanh(0.5 * FAR) + 0.5  # σ


def picked(p):
    return T.log(p[PICKED]).sum()


COSTS = {
    "softmax": (lambda x: T.log(T.nnet.softmax(x))[PICKED].sum(), ONE_HOT - SOFT),
    "entry": (lambda x: picked(T.nnet.softmax(x)), ONE_HOT - SOFT),
    "tutorial": (
        lambda x: T.mean(T.log(T.nnet.softmax(x))[T.arange(x.shape[0]), PICKED[1]]),
        (ONE_HOT - SOFT) / 2,
    ),
    "flat": (
        lambda x: T.log(T.nnet.softmax(x).flatten()[[2, 4]]).sum(),
        ONE_HOT - SOFT,
    ),
    "sigmoid": (lambda x: T.log(T.nnet.sigmoid(x)).sum(), 1 - STEP),
    "one minus": (lambda x: T.log(1 - T.nnet.sigmoid(x)).sum(), -STEP),
    "one minus entry": (lambda x: picked(1 - T.nnet.sigmoid(x)), -STEP * ONE_HOT),
    "one plus": (lambda x: T.log(1 + T.exp(x)).sum(), STEP),
    "plus one": (lambda x: T.log(T.exp(x) + 1).sum(), STEP),
    "log1p": (lambda x: T.log1p(T.exp(x)).sum(), STEP),
    "sum of exp": (lambda x: T.log(T.exp(x).sum(axis=1)).sum(), SOFT),
    "sum of all": (lambda x: T.log(T.exp(x).sum()), [[1.0, 0, 0], [0, 0, 0]]),
}


@pytest.mark.parametrize("target", ["reference", "numpy"])
@pytest.mark.parametrize("name", COSTS)
def test_far_away(name, target):
    x, (cost, wanted) = T.dmatrix("x"), COSTS[name]
    f = ss.function([x], T.grad(cost(x), x), target=target)
    np.testing.assert_allclose(f(FAR), wanted, atol=1e-12)


@pytest.mark.parametrize("name", COSTS)
def test_near_once_and_twice(name):
    cost, near = COSTS[name][0], np.random.default_rng(0).standard_normal((2, 3))
    rng = np.random.default_rng(1)
    ss.verify_grad(cost, [near], rng=rng)
    ss.verify_grad(lambda x: (T.grad(cost(x), x) ** 2).sum(), [near], rng=rng)


def test_what_lies_between_gets_its_gradient_where_it_is_asked_for():
    x = T.dmatrix("x")
    p = T.nnet.softmax(x)
    cost = picked(p)
    values = np.log(np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]))
    by_p, by_x = T.grad(cost, [p, x])
    f = ss.function([x], [by_p, by_x])
    got, through = f(values)
    np.testing.assert_allclose(got, ONE_HOT / np.exp(values))
    np.testing.assert_allclose(through, ONE_HOT - np.exp(values))
    fixed = T.grad(cost + x.sum(), x, consider_constant=[p])
    np.testing.assert_allclose(fixed.eval({x: values}), np.ones((2, 3)))
    said = T.grad(cost, x, known_grads={p: T.zeros_like(p)})
    np.testing.assert_allclose(said.eval({x: values}), np.zeros((2, 3)))


@pytest.mark.parametrize("target", ["reference", "numpy"])
@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("far", [1e6, 1e8, -1e8])
def test_the_weights_of_a_log_of_a_sum_do_not_feel_its_rounding(axis, far, target):
    x = T.fmatrix("x")
    cost = T.log(T.exp(x).sum(axis=axis)).sum()
    values = np.full((2, 4), far, np.float32)
    got = ss.function([x], T.grad(cost, x), target=target)(values)
    number = {None: 8, 0: 2, 1: 4}[axis]
    np.testing.assert_allclose(got, np.full((2, 4), 1 / number), rtol=1e-6)


def test_a_nan_stays():
    x = T.dmatrix("x")
    f = ss.function([x], T.grad(picked(T.nnet.softmax(x)), x))
    assert np.isnan(f(FAR * np.array([[np.nan], [1.0]]))[0]).all()
