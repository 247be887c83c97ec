"""repeat, tile, roll, diagonals, triangles and one-hot rows against NumPy."""

import numpy as np
import pytest
from array_checks import check_gradient, like, same, value

from symseq.errors import BadIndexError, DTypeError, ShapeError
from symseq.ops import matrices as m
from symseq.ops import rearrange as r
from symseq.types import TensorType

X = np.random.default_rng(0).normal(size=(3, 4))


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_repeat_roll_take(axis):
    same(lambda x, n: r.repeat(x, n, axis), lambda x, n: np.repeat(x, n, axis), X, 2)
    same(lambda x: r.repeat(x, 0, axis), lambda x: np.repeat(x, 0, axis), X)
    for k in (0, 2, -5, 9):
        same(lambda x, k=k: r.roll(x, k, axis), lambda x, k=k: np.roll(x, k, axis), X)
    same(
        lambda x: r.take(x, [[1, 2], [-1, 1]], axis),
        lambda x: np.take(x, [[1, 2], [-1, 1]], axis),
        X,
    )
    check_gradient(lambda x: r.repeat(x, 3, axis), X)
    check_gradient(lambda x: r.roll(x, 1, axis), X)


def test_repeat_by_counts():
    counts = np.array([1, 0, 3])
    same(lambda x, c: r.repeat(x, c, 0), lambda x, c: np.repeat(x, c, 0), X, counts)
    check_gradient(lambda x, c: r.repeat(x, c, 0), X, counts)
    x, c = like(X), like(counts)
    with pytest.raises(ShapeError, match="at least 0; got -1"):
        value(r.repeat(x, c, 0), {x: X, c: [1, -1, 2]})
    with pytest.raises(ShapeError):
        value(r.repeat(x, c, 0), {x: X, c: [1, 1]})
    with pytest.raises(DTypeError, match="integer counts"):
        r.repeat(x, 1.5)


def test_roll_of_nothing():
    same(lambda x: r.roll(x, 3, 0), lambda x: x, np.zeros((0, 2)))


@pytest.mark.parametrize("reps", [2, (2, 3), (2, 1, 3), (1,), (0, 2)])
def test_tile(reps):
    same(lambda x: r.tile(x, reps), lambda x: np.tile(x, reps), X)
    check_gradient(lambda x: r.tile(x, reps), X)


@pytest.mark.parametrize("k", [-4, -1, 0, 2, 5])
def test_diagonals_and_triangles(k):
    same(lambda x: m.tril(x, k), lambda x: np.tril(x, k), X)
    same(lambda x: m.triu(x, k), lambda x: np.triu(x, k), X)
    same(lambda x: m.diag(x, k), lambda x: np.diag(x, k), X)
    same(lambda x: m.diag(x, k), lambda x: np.diag(x, k), X[0])
    same(lambda n: m.eye(n, 4, k), lambda n: np.eye(3, 4, k), np.int64(3))
    same(lambda n: m.tri(n, 4, k), lambda n: np.tri(3, 4, k), np.int64(3))
    check_gradient(lambda x: m.diag(x, k), X[0])
    check_gradient(lambda x: m.diagonal(x, k), X)


def test_identity_and_trace():
    same(m.identity_like, lambda x: np.eye(3, 4), X)
    same(m.trace, np.trace, X)
    cube = np.arange(18.0).reshape(2, 3, 3)
    same(lambda x: m.diagonal(x, 1, 1, 2), lambda x: np.diagonal(x, 1, 1, 2), cube)


def test_one_hot():
    y = like(np.array([0, 3]))
    rows = m.to_one_hot(y, 4)
    assert rows.dtype == "float32"
    assert value(rows, {y: [0, 3]}).tolist() == [[1, 0, 0, 0], [0, 0, 0, 1]]
    with pytest.raises(BadIndexError, match="index 4"):
        value(rows, {y: [4, 0]})
    with pytest.raises(DTypeError, match="needs integers"):
        m.to_one_hot(like(X), 4)


def test_which_axes_broadcast():
    x = TensorType("float64", (1, 4))("x")
    free = r.unbroadcast(x, 0)
    assert free.broadcastable == (False, False)
    assert r.patternbroadcast(x, (False, False)).broadcastable == (False, False)
    assert r.patternbroadcast(free, (True, False)).broadcastable == (True, False)
    check_gradient(lambda v: r.unbroadcast(v, 0) * 2, X[:1])
