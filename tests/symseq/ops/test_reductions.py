"""Reductions, running sums, sorting against NumPy: empties, NaN, zeros, ties."""

import numpy as np
import pytest

import symseq.tensor as T
from symseq.compiler.autodiff.reverse import differentiate
from symseq.compiler.reference import evaluate
from symseq.errors import BadIndexError, DTypeError, ShapeError
from symseq.graph import Variable
from symseq.ops import sort
from symseq.ops.argmax import max_and_argmax
from symseq.ops.math import fill
from symseq.types import TensorType

X = np.random.default_rng(0).normal(size=(2, 3, 4))
AXES = [None, 0, -1, (0, 2), (-1, 0, 1), [1]]


def variable(x):
    return Variable(TensorType(x.dtype.name, x.shape))


def value(function, x):
    x = np.asarray(x)
    v = variable(x)
    output = function(v)
    (found,) = evaluate([output], [v], [x])
    assert found.dtype.name == output.dtype
    return found


def gradient(function, x):
    x = np.asarray(x, float)
    v = variable(x)
    y = function(v)
    (g,) = differentiate([y], [fill(y, 1.0)], [v])
    return evaluate([g], [v], [x])[0]


def as_numpy(axis):
    return tuple(axis) if isinstance(axis, list) else axis


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize(
    "name", ["sum", "prod", "max", "min", "mean", "var", "std", "all", "any"]
)
def test_reductions_are_numpys(name, axis, keepdims):
    x = X > 0.3 if name in ("all", "any") else X
    wanted = getattr(np, name)(x, axis=as_numpy(axis), keepdims=keepdims)
    found = value(lambda v: getattr(T, name)(v, axis=axis, keepdims=keepdims), x)
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype
    np.testing.assert_allclose(found, wanted, rtol=1e-13)
    method = value(lambda v: getattr(v, name)(axis=axis, keepdims=keepdims), x)
    np.testing.assert_array_equal(method, found)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_places_are_numpys(name, axis, keepdims):
    for x in (X, np.round(X), np.where(X > 1, np.nan, X)):
        wanted = getattr(np, name)(x, axis=axis, keepdims=keepdims)
        found = value(lambda v: getattr(T, name)(v, axis=axis, keepdims=keepdims), x)
        np.testing.assert_array_equal(found, wanted)
        assert found.dtype == np.int64


def test_argmax_over_two_axes_counts_row_by_row():
    found = value(lambda v: T.argmax(v, axis=(0, 2)), X)
    flat = X.transpose(1, 0, 2).reshape(3, 8)
    np.testing.assert_array_equal(found, flat.argmax(axis=1))


def test_max_and_argmax():
    v = variable(X)
    both = evaluate(max_and_argmax(v, axis=1), [v], [X])
    np.testing.assert_array_equal(both[0], X.max(1))
    np.testing.assert_array_equal(both[1], X.argmax(1))


@pytest.mark.parametrize("name", ["sum", "prod", "cumsum", "cumprod"])
def test_small_integers_are_summed_as_int64(name):
    for x in (np.array([100, 100], "int8"), np.array([True, True]), np.arange(3)):
        found = value(lambda v: getattr(T, name)(v), x)
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found, getattr(np, name)(x.astype(np.int64)))


def test_dtype_argument_casts_first():
    found = value(lambda v: T.sum(v, dtype="float64"), np.ones(3, "float32"))
    assert (found.dtype.name, float(found)) == ("float64", 3.0)
    assert value(lambda v: v.mean(dtype="float64"), np.arange(4)).dtype == np.float64


def test_mean_of_integers_is_floatX():
    found = value(T.mean, np.arange(4))
    assert (found.dtype.name, float(found)) == ("float32", 1.5)


def test_over_no_elements():
    empty = np.zeros((0, 3))
    assert value(lambda v: T.sum(v, axis=0), empty).tolist() == [0, 0, 0]
    assert value(lambda v: T.prod(v, axis=0), empty).tolist() == [1, 1, 1]
    assert value(T.all, empty).tolist() is True
    assert value(T.any, empty).tolist() is False
    assert np.isnan(value(lambda v: T.mean(v, axis=0), empty)).all()
    assert value(lambda v: T.max(v, axis=1), empty).shape == (0,)
    for name in ("max", "min", "argmax", "argmin", "logsumexp"):
        with pytest.raises(ShapeError, match="at least one element; axis 0"):
            getattr(T, name)(variable(empty), axis=0)
        free = Variable(TensorType("float64", (None, 3)))
        with pytest.raises(ShapeError, match="at least one element"):
            evaluate([getattr(T, name)(free, axis=0)], [free], [empty])


def test_over_no_axes_and_of_scalars():
    assert value(lambda v: T.sum(v, axis=()), X).shape == X.shape
    assert value(lambda v: T.sum(v, axis=()), np.array([1], "int8")).dtype == np.int64
    for name in ("sum", "prod", "max", "min", "mean", "logsumexp"):
        assert value(lambda v, f=name: getattr(T, f)(v), np.array(2.0)) == 2
    assert value(T.argmax, np.array(2.0)) == 0


def test_bad_axes():
    v = variable(X)
    for axis, error, match in [
        (3, ShapeError, r"lies in \[-3, 3\); got 3"),
        (-4, ShapeError, "got -4"),
        ((0, -3), ShapeError, "axes must be distinct"),
        (1.5, DTypeError, "axis must be an int"),
        ("x", DTypeError, "axis must be an int"),
    ]:
        with pytest.raises(error, match=match):
            T.sum(v, axis=axis)


def test_nan_goes_through():
    x = np.array([1.0, np.nan, 3.0])
    for name in ("sum", "max", "min", "mean", "prod", "logsumexp"):
        assert np.isnan(value(lambda v, f=name: getattr(T, f)(v), x))


def test_equal_extrema_share_the_gradient():
    x = [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]
    found = gradient(lambda v: T.max(v, axis=1), x)
    np.testing.assert_allclose(found, [[0, 0.5, 0.5], [1 / 3] * 3])
    np.testing.assert_allclose(
        gradient(lambda v: -T.min(-v), x), [[0, 0.5, 0.5], [0] * 3]
    )


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_gradient_of_a_product_with_zeros(zeros):
    x = np.array([2.0, 3.0, 5.0, 7.0])
    x[:zeros] = 0
    wanted = [np.prod(np.delete(x, k)) for k in range(4)]
    np.testing.assert_array_equal(gradient(T.prod, x), wanted)
    both = np.stack([x, x[::-1] + 1])
    flat = both.ravel()
    wanted = [np.prod(np.delete(flat, k)) for k in range(8)]
    np.testing.assert_allclose(gradient(T.prod, both).ravel(), wanted)


def test_gradient_of_a_running_product_with_zeros():
    x = np.array([2.0, 0.0, 5.0, 0.0])
    wanted = [
        sum(np.prod(np.delete(x[: t + 1], k)) for t in range(k, 4)) for k in range(4)
    ]
    np.testing.assert_array_equal(gradient(T.cumprod, x), wanted)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_running_sums_are_numpys(name, axis):
    for x in (X, X[:, :0], X[:1], X[..., 0]):
        found = value(lambda v: getattr(T, name)(v, axis=axis), x)
        np.testing.assert_allclose(found, getattr(np, name)(x, axis=axis), rtol=1e-14)


def test_diff_is_numpys():
    for n, axis in [(1, -1), (2, 1), (0, 0), (1, 0)]:
        found = value(lambda v, n=n, a=axis: T.diff(v, n, a), X)
        np.testing.assert_allclose(found, np.diff(X, n, axis))


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 1, (0, 2)])
def test_logsumexp_neither_overflows_nor_hides(axis, keepdims):
    def function(v):
        return T.logsumexp(v, axis=axis, keepdims=keepdims)

    wanted = np.log(np.exp(X).sum(axis=axis, keepdims=keepdims))
    np.testing.assert_allclose(value(function, X), wanted, rtol=1e-13)
    np.testing.assert_allclose(value(function, X + 1e3), wanted + 1e3, rtol=1e-13)
    weights = np.exp(X - np.log(np.exp(X).sum(axis=axis, keepdims=True)))
    np.testing.assert_allclose(gradient(function, X), weights, rtol=1e-12)


def test_logsumexp_of_infinities():
    low, high = -np.inf, np.inf
    x = np.array([[low, low], [low, 1.0], [high, 1.0], [high, low], [np.nan, 1.0]])
    found = value(lambda v: T.logsumexp(v, axis=1), x)
    np.testing.assert_array_equal(found, [low, 1.0, high, high, np.nan])


@pytest.mark.parametrize("order", [None, "fro", 0, 1, 2, 3, 0.5, np.inf, -np.inf])
def test_norms_are_of_all_elements(order):
    flat = X.ravel()
    wanted = np.linalg.norm(flat, None if order == "fro" else order)
    np.testing.assert_allclose(value(lambda v: v.norm(order), X), wanted)
    wanted = np.linalg.norm(X, None if order == "fro" else order, axis=1)
    np.testing.assert_allclose(value(lambda v: v.norm(order, axis=1), X), wanted)


def test_variance_with_ddof_and_range():
    np.testing.assert_allclose(value(lambda v: T.var(v, ddof=1), X), X.var(ddof=1))
    np.testing.assert_allclose(value(lambda v: T.ptp(v, axis=1), X), np.ptp(X, axis=1))
    assert value(lambda v: T.allclose(v, v + 1e-12), X)
    assert not value(lambda v: T.allclose(v, v + 1e-3), X)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_sorting_is_numpys(axis):
    for x in (X, np.round(X), np.where(X > 1, np.nan, X), X[:, :0], X[:1, :1, :1]):
        np.testing.assert_array_equal(
            value(lambda v: T.sort(v, axis=axis), x), np.sort(x, axis=axis)
        )
        np.testing.assert_array_equal(
            value(lambda v: T.argsort(v, axis=axis), x),
            np.argsort(x, axis=axis, kind="stable"),
        )


def test_sorted_gradients_return_to_their_places():
    weights = np.array([1.0, 2.0, 3.0])
    found = gradient(lambda v: T.sort(v) * weights, [3.0, 1.0, 2.0])
    assert found.tolist() == [3.0, 1.0, 2.0]


@pytest.mark.parametrize(("k", "wanted"), [(2, [5, 4]), (-2, [1, 2]), (0, [])])
def test_topk(k, wanted):
    x = np.array([4.0, 1.0, 5.0, 2.0])
    assert value(lambda v: sort.topk(v, k), x).tolist() == wanted
    rows = np.stack([x, x[::-1]])
    assert value(lambda v: sort.topk(v, k, axis=1), rows).tolist() == [wanted] * 2
    places = value(lambda v: sort.argtopk(v, k), x)
    np.testing.assert_array_equal(x[places], wanted)


def test_take_along_checks_its_places():
    v, x = variable(X), X
    places = np.array([[[0, -1]] * 3] * 2)
    found = evaluate([sort.take_along_axis(v, places)], [v], [x])[0]
    np.testing.assert_array_equal(found, np.take_along_axis(x, places, -1))
    with pytest.raises(BadIndexError, match=r"places must be in \[-4, 4\)"):
        evaluate([sort.take_along_axis(v, places + 4)], [v], [x])
    with pytest.raises(DTypeError, match="places must be integers"):
        sort.take_along_axis(v, places * 1.0)
    with pytest.raises(ShapeError, match="the rank of x"):
        sort.take_along_axis(v, places[0])


@pytest.mark.parametrize("name", ["sum", "prod", "mean"])
def test_acc_dtype_is_that_of_the_work(name):
    """1e8 + 1 is 1e8 in float32; the result keeps the dtype that it has anyway."""
    x = np.array([[1e8, 1.0, -1e8]], "float32")
    v = variable(x)
    made = getattr(T, name)(v, axis=1, acc_dtype="float64")
    assert made.dtype == "float32"
    wide = getattr(np, name)(x.astype("float64"), axis=1).astype("float32")
    np.testing.assert_array_equal(evaluate([made], [v], [x])[0], wide)
    n = variable(np.array([[2, 3]], "int8"))
    kept = getattr(T, name)(n, acc_dtype="float64", keepdims=True)
    assert kept.dtype == getattr(T, name)(n).dtype and kept.ndim == 2
