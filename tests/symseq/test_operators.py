"""NumPy's functions and operators on variables build graphs."""

import operator

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.errors import UsageError
from symseq.operators import UFUNCS

A = np.array([[0.3, 0.5, 0.7], [0.2, 0.9, 0.4]])


def value(fn, given):
    x = T.dmatrix("x")
    return ss.function([x], fn(x))(given)


@pytest.mark.parametrize("name", UFUNCS)
def test_a_ufunc_is_our_op(name):
    ufunc = getattr(np, name)
    if name in ("bitwise_and", "bitwise_or", "bitwise_xor", "invert"):
        n = T.lvector("n")
        given = np.array([1, 6, 3])
        rest = [np.array([3, 5, 1])] * (ufunc.nin - 1)
        got = ss.function([n], ufunc(n, *rest))(given)
        np.testing.assert_array_equal(got, ufunc(given, *rest))
        return
    given = A + 1 if name == "arccosh" else A
    rest = [A.T if name == "matmul" else A + 0.1] * (ufunc.nin - 1)
    got = value(lambda x: ufunc(x, *rest), given)
    np.testing.assert_allclose(got, ufunc(given, *rest), rtol=1e-12)


OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv,
    operator.mod, operator.pow, operator.lt, operator.le, operator.gt, operator.ge,
]  # fmt: skip


@pytest.mark.parametrize("op", OPERATORS)
@pytest.mark.parametrize("other", [A + 0.1, np.float64(0.5)], ids=["array", "number"])
def test_an_array_on_either_side(op, other):
    for fn in (lambda x: op(other, x), lambda x: op(x, other)):
        np.testing.assert_allclose(value(fn, A), fn(A), rtol=1e-12)


def test_a_product_of_matrices():
    np.testing.assert_allclose(value(lambda x: A @ x.T, A), A @ A.T)


def test_the_gradient_goes_through():
    x = T.dmatrix("x")
    g = ss.function([x], T.grad(np.sum(np.tanh(x) * A), x))(A)
    np.testing.assert_allclose(g, A * (1 - np.tanh(A) ** 2))


def in_place(x):
    y = A.copy()
    y += x


REFUSED = {
    "with out=": lambda x: np.exp(x, out=A.copy()),
    "add with out=": in_place,
    "add.reduce": np.add.reduce,
    "np.spacing": np.spacing,
    "array == x": lambda x: x.ndim and x == A,
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_numpy_would_do_to_values_is_refused(text):
    with pytest.raises(UsageError, match=text):
        REFUSED[text](T.dmatrix("x"))


CLIPS = {
    "positions": lambda x: x.clip(0.3, 0.6),
    "a_min and a_max": lambda x: T.clip(x, a_min=0.3, a_max=0.6),
    "min and max": lambda x: x.clip(min=0.3, max=0.6),
    "numpy": lambda x: np.clip(x, 0.3, 0.6),
    "min": lambda x: T.clip(x, 0.4),
    "a_max": lambda x: x.clip(a_max=0.6),
    "none": lambda x: x.clip(),
}
BOUNDS = {"min": (0.4, None), "a_max": (None, 0.6), "none": (None, None)}


@pytest.mark.parametrize("name", CLIPS)
def test_clip(name):
    low, high = BOUNDS.get(name, (0.3, 0.6))
    low = -np.inf if low is None else low
    high = np.inf if high is None else high
    np.testing.assert_array_equal(value(CLIPS[name], A), np.clip(A, low, high))


def test_clip_takes_a_bound_once():
    with pytest.raises(UsageError, match="not both"):
        T.clip(A, 0, a_min=1)
