"""Each stable form fires, declines, and agrees with the exact values."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.compiler.passes.stability import STABILITY
from symseq.compiler.rewrite.engine import rewrite
from symseq.traverse import sort_nodes

x, m = T.dvector("x"), T.dmatrix("m")
i = T.lvector("i")
BIG = np.array([0.0, 1e3, -1e3, np.inf, -np.inf, 1e-20])


def names(output):
    return [node.op.name for node in sort_nodes(rewrite([output], STABILITY))]


FORMS = {
    "log sigmoid": (
        lambda: T.log(T.nnet.sigmoid(x)),
        [np.log(0.5), 0, -1e3, 0, -np.inf, np.log(0.5)],
    ),
    "log 1 - sigmoid": (
        lambda: T.log(1 - T.nnet.sigmoid(x)),
        [np.log(0.5), -1e3, 0, -np.inf, 0, np.log(0.5)],
    ),
    "log1p": (lambda: T.log(1 + x), [0, np.log(1001), np.nan, np.inf, np.nan, 1e-20]),
    "log 1 - x": (
        lambda: T.log(1 - x),
        [0, np.nan, np.log(1001), np.nan, np.inf, -1e-20],
    ),
    "expm1": (lambda: T.exp(x) - 1, [0, np.inf, -1, np.inf, -1, 1e-20]),
    "log exp": (lambda: T.log(T.exp(x)), BIG),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_exact_at_the_extremes(name):
    build, wanted = FORMS[name]
    got = ss.function([x], build())(BIG)
    np.testing.assert_allclose(got, wanted, rtol=1e-15)


def test_log_softmax():
    assert names(T.log(T.nnet.softmax(m))) == ["log_softmax"]
    got = ss.function([m], T.log(T.nnet.softmax(m)))([[0.0, 1e3], [-1e3, 0]])
    np.testing.assert_allclose(got, [[-1e3, 0], [-1e3, 0]])


def test_log_of_a_picked_probability():
    made = T.log(T.nnet.softmax(m)[T.arange(m.shape[0]), i])
    assert "softmax" not in names(made) and "log_softmax" in names(made)
    got = ss.function([m, i], made)([[0.0, 1e3], [-1e3, 0]], [0, 1])
    np.testing.assert_allclose(got, [-1e3, 0])


def test_log_sum_exp():
    made = T.log(T.exp(m).sum(axis=1))
    got = ss.function([m], made)([[1e3, 1e3], [-1e3, -1e3]])
    np.testing.assert_allclose(got, [1e3 + np.log(2), -1e3 + np.log(2)])


@pytest.mark.parametrize(
    "made",
    [
        lambda: T.log(2 + x),
        lambda: T.log(T.tanh(x)),
        lambda: T.exp(x) - 2,
        lambda: T.exp(T.log(x)),
        lambda: T.log(m.sum(axis=1)),
    ],
)
def test_others_are_left_alone(made):
    output = made()
    assert rewrite([output], STABILITY)[0] is output
