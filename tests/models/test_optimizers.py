"""Each optimizer against the paper's algorithm written as a NumPy loop."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from symseq.compiler.function import function
from symseq.errors import UsageError
from symseq.graph import SharedVariable
from symseq.models import optimizers
from symseq.types import Array, TensorType

Stepper = Iterator[Array]


def shared(value: object, name: str = "p") -> SharedVariable:
    array = np.array(value)
    return SharedVariable(TensorType(array.dtype.name, array.shape), array, name)


def sgd(p, gradient):
    while True:
        p = p - 0.1 * gradient(p)
        yield p


def momentum(p, gradient):
    v = np.zeros_like(p)
    while True:
        v = 0.9 * v - 0.1 * gradient(p)
        p = p + v
        yield p


def nesterov(theta, gradient):
    """Sutskever's own form; what the optimizer holds is theta + mu v."""
    v = np.zeros_like(theta)
    while True:
        v = 0.9 * v - 0.1 * gradient(theta + 0.9 * v)
        theta = theta + v
        yield theta + 0.9 * v


def adagrad(p, gradient):
    s = np.zeros_like(p)
    while True:
        g = gradient(p)
        s = s + g**2
        p = p - 0.01 * g / (np.sqrt(s) + 1e-8)
        yield p


def rmsprop(p, gradient):
    s = np.zeros_like(p)
    while True:
        g = gradient(p)
        s = 0.9 * s + 0.1 * g**2
        p = p - 0.001 * g / np.sqrt(s + 1e-6)
        yield p


def adadelta(p, gradient):
    s, d = np.zeros_like(p), np.zeros_like(p)
    while True:
        g = gradient(p)
        s = 0.95 * s + 0.05 * g**2
        step = -np.sqrt(d + 1e-6) / np.sqrt(s + 1e-6) * g
        d = 0.95 * d + 0.05 * step**2
        p = p + step
        yield p


def adam(p, gradient):
    m, v, t = np.zeros_like(p), np.zeros_like(p), 0
    while True:
        t += 1
        g = gradient(p)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        p = p - 0.001 * m_hat / (np.sqrt(v_hat) + 1e-8)
        yield p


BY_HAND: dict[str, Callable[..., Stepper]] = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adadelta": adadelta,
    "adam": adam,
}


def test_every_optimizer_is_written_by_hand() -> None:
    assert set(BY_HAND) == set(optimizers.OPTIMIZERS)


@pytest.mark.parametrize("target", ["reference", "numpy"])
@pytest.mark.parametrize("name", BY_HAND)
def test_optimizer_follows_its_paper(name: str, target: str) -> None:
    start, goal = np.array([1.0, -0.5, 0.5]), np.array([0.3, 0.1, 0.5])
    p = shared(start)
    cost = ((p - goal) ** 4).sum()
    step = function([], cost, updates=optimizers.OPTIMIZERS[name](cost, [p]),
                    target=target)  # fmt: skip
    expected = BY_HAND[name](start, lambda p: 4 * (p - goal) ** 3)
    for _ in range(12):
        step()
        np.testing.assert_allclose(p.get_value(), next(expected), rtol=1e-12)


def test_nesterov_begins_where_momentum_has_not_moved() -> None:
    """With v = 0 the first held point is theta_1 + mu v_1 = theta_0 + (1 + mu) v_1."""
    p = shared(np.array(1.0))
    function([], updates=optimizers.nesterov(p * p, [p], 0.1))()
    np.testing.assert_allclose(p.get_value(), 1.0 - 1.9 * 0.1 * 2.0)


def test_gradients_come_apart_from_updates() -> None:
    p, q = shared([3.0, 0.0]), shared([4.0], "q")
    grads = optimizers.gradients((p**2).sum() / 2 + (q**2).sum() / 2, {"p": p, "q": q})
    clipped = optimizers.clip_by_norm(grads, 1.0)
    function([], updates=optimizers.sgd(clipped, [p, q], 1.0))()
    np.testing.assert_allclose(p.get_value(), [3 - 0.6, 0])
    np.testing.assert_allclose(q.get_value(), [4 - 0.8])


@pytest.mark.parametrize("value", [[0.0, 0.0], [0.3, 0.4]])
def test_clipping_leaves_small_gradients(value: list[float]) -> None:
    p = shared(value)
    grads = optimizers.clip_by_norm([p * 1.0], 1.0)
    np.testing.assert_array_equal(function([], grads[0])(), value)


def test_clipping_of_nothing() -> None:
    assert optimizers.clip_by_norm([], 1.0) == []


def test_a_shared_learning_rate_may_change() -> None:
    p, rate = shared([1.0]), shared(0.5, "rate")
    step = function([], updates=optimizers.sgd(p.sum(), [p], rate))
    step()
    rate.set_value(0.25)
    step()
    np.testing.assert_allclose(p.get_value(), [0.25])


def test_a_wider_rate_keeps_the_parameter_narrow() -> None:
    p, rate = shared(np.ones(2, "float32")), shared(0.5, "rate")
    for name, optimizer in optimizers.OPTIMIZERS.items():
        updates = optimizer((p * p).sum(), [p], rate)
        arrays = [key for key in updates if key.name != "adam.steps"]
        assert {updates[key].dtype for key in arrays} == {"float32"}, name


def test_wrong_calls() -> None:
    p = shared([1.0])
    with pytest.raises(UsageError, match="given twice"):
        optimizers.sgd(p.sum(), [p, p])
    with pytest.raises(UsageError, match="one gradient"):
        optimizers.sgd([p, p], [p])
    with pytest.raises(UsageError, match="list of parameters"):
        optimizers.sgd(p.sum(), p)
    with pytest.raises(UsageError, match="must be a shared variable"):
        optimizers.momentum(p.sum(), [p * 1])
