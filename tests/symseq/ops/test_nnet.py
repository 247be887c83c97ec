"""Activations, softmax and cross-entropies: values, extremes, gradients, targets."""

import numpy as np
import pytest

import symseq.tensor as T
from symseq.compiler.autodiff.reverse import differentiate
from symseq.compiler.reference import evaluate
from symseq.errors import DTypeError, ShapeError
from symseq.graph import Variable
from symseq.ops import nnet
from symseq.ops.math import fill
from symseq.types import TensorType

X = np.random.default_rng(0).normal(size=(4, 3)) * 2
EDGES = np.array(
    [-np.inf, -1e3, -20.0, -1.0, -0.0, 0.0, 1.0, 20.0, 1e3, np.inf, np.nan]
)


def variable(x):
    return Variable(TensorType(x.dtype.name, x.shape))


def value(function, *arrays):
    arrays = [np.asarray(x) for x in arrays]
    inputs = [variable(x) for x in arrays]
    output = function(*inputs)
    (found,) = evaluate([output], inputs, arrays)
    assert (found.dtype.name, found.ndim) == (output.dtype, output.ndim)
    return found


def gradient(function, x):
    x = np.asarray(x, float)
    v = variable(x)
    y = function(v)
    (g,) = differentiate([y], [fill(y, 1.0)], [v])
    return evaluate([g], [v], [x])[0]


def soft(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


ACTIVATIONS = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "ultra_fast_sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "softplus": lambda x: np.logaddexp(0, x),
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.where(x > 0, 0, x))),
    "selu": lambda x: (
        1.0507009873554805
        * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.where(x > 0, 0, x)))
    ),
    "swish": lambda x: x / (1 + np.exp(-x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name, dtype):
    function = getattr(nnet, name)
    for x in (EDGES.astype(dtype), X.astype(dtype), X[:0].astype(dtype)):
        with np.errstate(all="ignore"):
            wanted = ACTIVATIONS[name](x)
            if name == "softplus":
                wanted[np.isposinf(x)] = np.inf
        found = value(function, x)
        assert found.dtype.name == dtype
        np.testing.assert_allclose(
            found, wanted, rtol=1e-5 if dtype == "float32" else 1e-13, atol=1e-40
        )
    assert value(function, np.array([1, 2])).dtype in (np.float32, np.int64)


@pytest.mark.parametrize(
    "name", ["sigmoid", "softplus", "relu", "elu", "selu", "hard_sigmoid"]
)
def test_gradients_stay_finite_at_extremes(name):
    found = gradient(getattr(nnet, name), [-1e3, -20.0, 20.0, 1e3])
    assert np.isfinite(found).all()


def test_slope_of_relu_at_0():
    assert gradient(nnet.relu, [-1.0, 0.0, 2.0]).tolist() == [0, 0, 1]
    assert gradient(lambda x: nnet.relu(x, 0.1), [-1.0, 0.0, 2.0]).tolist() == [
        0.1,
        0.1,
        1,
    ]
    alpha = np.array([0.5, 0.25])
    found = value(nnet.relu, np.array([-1.0, -2.0]), alpha)
    assert found.tolist() == [-0.5, -0.5]


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_and_its_logarithm(axis):
    for x in (X, X + 1e4, X * 100):
        found = value(lambda v: nnet.softmax(v, axis=axis), x)
        np.testing.assert_allclose(found, soft(x, axis), rtol=1e-11, atol=1e-300)
        logs = value(lambda v: nnet.log_softmax(v, axis=axis), x)
        wanted = x - x.max(axis, keepdims=True)
        wanted = wanted - np.log(np.exp(wanted).sum(axis, keepdims=True))
        np.testing.assert_allclose(logs, wanted, rtol=1e-11, atol=1e-14)


def test_softmax_of_infinities_and_nan():
    low = -np.inf
    x = np.array([[0.0, low, 0.0], [low, low, low], [np.nan, 0, 0], [low, 5.0, low]])
    nan = [np.nan] * 3
    wanted = [[0.5, 0, 0.5], nan, nan, [0, 1, 0]]
    np.testing.assert_array_equal(value(nnet.softmax, x), wanted)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(value(nnet.log_softmax, x), np.log(wanted))
    found = gradient(lambda v: nnet.softmax(v)[:, 0], x)
    np.testing.assert_array_equal(found[0], [0.25, 0, -0.25])
    np.testing.assert_array_equal(found[3], [0, 0, 0])


def test_softmax_of_nothing_and_of_one():
    assert value(nnet.softmax, np.zeros((2, 0))).shape == (2, 0)
    assert value(nnet.softmax, np.zeros((0, 3))).shape == (0, 3)
    assert value(nnet.softmax, np.zeros((2, 1))).tolist() == [[1], [1]]
    assert value(nnet.log_softmax, np.zeros((2, 1))).tolist() == [[0], [0]]


def test_softmax_of_a_vector_is_a_row_as_in_theano():
    assert value(nnet.softmax, X[0]).shape == (1, 3)
    assert value(nnet.log_softmax, X[0]).shape == (1, 3)
    assert value(lambda v: nnet.softmax(v, axis=-1), X[0]).shape == (3,)
    assert value(nnet.softmax, np.arange(3)).dtype == np.float32


def test_softmax_refuses_bad_axes():
    with pytest.raises(ShapeError, match=r"lies in \[-2, 2\); got 2"):
        nnet.softmax(variable(X), axis=2)


CLASSES = np.array([0, 2, 1, 1])


@pytest.mark.parametrize("through", ["probabilities", "softmax", "logits"])
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "float64"])
def test_categorical_crossentropy(through, dtype):
    target = np.eye(3)[CLASSES] if dtype == "float64" else CLASSES.astype(dtype)
    wanted = -np.log(soft(X))[np.arange(4), CLASSES]
    if through == "probabilities":
        found = value(nnet.categorical_crossentropy, soft(X), target)
    elif through == "softmax":
        found = value(
            lambda x, t: nnet.categorical_crossentropy(nnet.softmax(x), t), X, target
        )
    else:
        found = value(nnet.crossentropy_with_logits, X, target)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_crossentropy_of_a_softmax_never_overflows():
    x = np.array([[1e4, 0.0], [0.0, 1e4]])

    def loss(x):
        return nnet.categorical_crossentropy(nnet.softmax(x), np.array([1, 1]))

    assert value(loss, x).tolist() == [1e4, 0]
    assert gradient(loss, x).tolist() == [[1, -1], [0, 0]]


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 4, 3), (0, 3), (2, 0, 3)])
def test_crossentropy_of_every_rank(shape):
    rng = np.random.default_rng(0)
    x, target = rng.normal(size=shape), rng.integers(0, 3, shape[:-1])
    wanted = -np.take_along_axis(np.log(soft(x)), target[..., None], -1)[..., 0]
    found = value(nnet.crossentropy_with_logits, x, target)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_crossentropy_refuses_targets_that_do_not_fit():
    p = variable(X)
    with pytest.raises(ShapeError, match="targets of the predictions' rank"):
        nnet.categorical_crossentropy(p, np.zeros((1, 4, 3)))
    with pytest.raises(DTypeError, match="integer targets"):
        nnet.categorical_crossentropy(p, np.zeros(4))
    with pytest.raises(ShapeError):
        nnet.categorical_crossentropy(p, np.zeros(5, "int64"))


def test_binary_crossentropy():
    x, t = np.array([-3.0, 0.0, 2.0]), np.array([0.0, 1.0, 0.25])
    p = 1 / (1 + np.exp(-x))
    wanted = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    for function, first in [
        (nnet.binary_crossentropy, p),
        (nnet.sigmoid_binary_crossentropy, x),
        (lambda x, t: nnet.binary_crossentropy(nnet.sigmoid(x), t), x),
    ]:
        np.testing.assert_allclose(value(function, first, t), wanted, rtol=1e-12)
    whole = value(nnet.binary_crossentropy, p, np.array([0, 1, 1]))
    np.testing.assert_allclose(whole, -np.log([1 - p[0], p[1], p[2]]))


def test_binary_crossentropy_of_a_sigmoid_never_overflows():
    x = np.array([1e3, -1e3, 1e3])

    def loss(x):
        return nnet.binary_crossentropy(T.nnet.sigmoid(x), np.array([0.0, 1.0, 1.0]))

    assert value(loss, x).tolist() == [1e3, 1e3, 0]
    assert gradient(loss, x).tolist() == [1, -1, 0]
