"""vectorize, ops of the user's own, and gradients of the user's own."""

import numpy as np
import pytest
from array_checks import check_gradient, like, same, value

from symseq.compiler.autodiff.reverse import differentiate
from symseq.compiler.function import function
from symseq.errors import (
    NotBatchableError,
    NullTypeGradError,
    ShapeError,
    UsageError,
)
from symseq.ops.create import ones_like, zeros_like
from symseq.ops.custom import op
from symseq.ops.custom_gradient import custom_gradient
from symseq.ops.math import tanh
from symseq.ops.nonzero import nonzero_values
from symseq.ops.products import dot
from symseq.ops.vectorize import vectorize
from symseq.types import TensorType
from symseq.variables import shared

RNG = np.random.default_rng(0)
W = RNG.normal(size=(3, 4))


@pytest.mark.parametrize("count", [0, 1, 5])
def test_vectorize(count):
    xs, ids = RNG.normal(size=(count, 3)), RNG.integers(0, 4, count)
    x, i, w = like(xs), like(ids), like(W)

    def fn(x, i):
        h = tanh(dot(x, w))
        return h[i] + h.sum() + x.shape[0], zeros_like(h) + 1, w * 2

    made = vectorize(fn)(x, i)
    picked, ones, doubled = value(made, {x: xs, i: ids, w: W})
    h = np.tanh(xs @ W)
    np.testing.assert_allclose(picked, h[np.arange(count), ids] + h.sum(1) + 3)
    assert ones.shape == (count, 4) and doubled.shape == (count, 3, 4)


def test_vectorize_over_other_axes():
    same(
        vectorize(lambda x, y: x * y.sum(), in_axes=[-1, None]),
        lambda x, y: (x * y.sum()).T,
        W,
        np.ones(2),
    )
    check_gradient(vectorize(lambda x: tanh(x)[::-1]), W)


def test_vectorize_twice():
    x = RNG.normal(size=(2, 4, 3))
    same(vectorize(vectorize(lambda r: dot(r, r))), lambda v: (v * v).sum(-1), x)


def test_vectorize_refuses():
    x = TensorType("float32", (3,))("x")
    with pytest.raises(UsageError, match="one axis per argument; got 1 for 2"):
        vectorize(lambda a, b: a, in_axes=[0])(x, x)
    with pytest.raises(ShapeError, match="axis of a rank 0"):
        vectorize(lambda a: a)(x[0])
    with pytest.raises(ShapeError, match="numbers of examples"):
        vectorize(lambda a, b: a)(x, x[:2])
    with pytest.raises(NotBatchableError, match="nonzero"):
        vectorize(nonzero_values)(like(W))


cube = op(
    numpy=lambda x, w: x**3 * w,
    vjp=lambda x, w, y, g: (g * 3 * x * x * w, g * x * x * x),
    name="cube",
)


def test_op():
    a, b = RNG.normal(size=3), RNG.normal(size=3)
    same(cube, lambda x, w: x**3 * w, a, b)
    check_gradient(cube, a, b)
    check_gradient(vectorize(cube, in_axes=[0, None]), RNG.normal(size=(2, 3)), b)
    same(vectorize(cube, [0, None]), lambda x, w: x**3 * w, np.zeros((0, 3)), b)


def test_op_with_a_type_rule():
    def types(x):
        return TensorType(x.dtype, x.shape[:1]), TensorType("int64", ())

    rows = op(numpy=lambda x: (x.sum(1), np.int64(x.size)), infer=types)
    x = like(W)
    total, size = rows(x)
    np.testing.assert_allclose(value(total, {x: W}), W.sum(1))
    assert value(size, {x: W}) == 12
    with pytest.raises(NullTypeGradError, match="no gradient"):
        differentiate([total], [ones_like(total)], [x])


def test_op_that_breaks_its_promise():
    x = like(W)
    with pytest.raises(ShapeError, match="promised"):
        value(op(numpy=lambda x: x[0])(x), {x: W})
    with pytest.raises(UsageError, match="promised int64"):
        n = like(np.arange(3))
        value(op(numpy=lambda x: x * 0.5)(n), {n: np.arange(3)})
    with pytest.raises(UsageError, match="must return 1 cotangents; got 2"):
        y = op(numpy=lambda x: x, vjp=lambda x, y, g: (g, g))(x)
        differentiate([y], [y], [x])


@custom_gradient
def halved(x, w):
    """x w, with half of x's gradient."""
    return x * w, lambda g: (g * 0.5 * w, g * x)


def test_custom_gradient():
    a, b = RNG.normal(size=3), RNG.normal(size=3)
    same(halved, np.multiply, a, b)
    x, w, g = like(a), like(b), like(a)
    into_x, into_w = differentiate([halved(x, w)], [g], [x, w])
    table = {x: a, w: b, g: np.ones(3)}
    np.testing.assert_allclose(value(into_x, table), 0.5 * b)
    np.testing.assert_allclose(value(into_w, table), a)


def test_custom_gradient_of_a_batch():
    a, b = RNG.normal(size=(4, 3)), RNG.normal(size=3)
    x, w = like(a), like(b)
    y = vectorize(halved, in_axes=[0, None])(x, w)
    into_x, into_w = differentiate([y], [ones_like(y)], [x, w])
    np.testing.assert_allclose(value(y, {x: a, w: b}), a * b)
    np.testing.assert_allclose(value(into_x, {x: a, w: b}), np.tile(0.5 * b, (4, 1)))
    np.testing.assert_allclose(value(into_w, {x: a, w: b}), a.sum(0))


def test_a_function_that_writes_to_its_input_is_stopped():
    def careless(a):
        a[:] = 0
        return a

    w = shared(np.ones(3), "w")
    f = function([], op(numpy=careless)(w))
    with pytest.raises(ValueError, match="read-only"):
        f()
    assert w.get_value().tolist() == [1, 1, 1]
