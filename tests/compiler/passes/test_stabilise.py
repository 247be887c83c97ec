"""Stable forms: each fires, declines, and is exact where the plain form overflows."""

import numpy as np
import pytest
from rule_cases import Inputs, after, alone, check_same, ops

import symseq as ss
import symseq.tensor as T
from symseq.compiler.passes.share_softmax import share_softmax
from symseq.compiler.passes.simplify import SIMPLIFY
from symseq.compiler.passes.stabilise import STABILISE
from symseq.compiler.rewrite.engine import rewrite
from symseq.compiler.rewrite.rules import RuleSet
from symseq.traverse import clone

RULES = {rule.__name__: rule for rule in STABILISE}
BIG = np.array([0.0, 1e3, -1e3, np.inf, -np.inf, 1e-20])
softmax, sigmoid = T.nnet.softmax, T.nnet.sigmoid


def hand_sigmoid(x):
    return 1 / (1 + T.exp(-x))


def slope(output, x):
    return T.grad(output.sum(), x)


def written(x, axis):
    """A softmax by hand."""
    e = T.exp(x)
    return e / e.sum(axis=axis, keepdims=True)


def written_twice(x):
    """A softmax of rows by hand, with two exp(x) that nobody gave a name."""
    return T.exp(x) / T.exp(x).sum(axis=1, keepdims=True)


# The gradients of compositions op by op, which divide by what may have underflown.
def log_slope(x, f):
    p = softmax(x)
    g = slope(f(p), p)
    return p * (g - (g * p).sum(axis=-1, keepdims=True))


def sigmoid_slope(x, f):
    s = sigmoid(x)
    return slope(f(s), s) * (s * (1 - s))


def written_slope(x, g, p):
    e = T.exp(x)
    total = e.sum(axis=1, keepdims=True)
    return (g / total + T.fill(e, (-(g * p / total)).sum(axis=1, keepdims=True))) * e


# rule: (what it is given, the ops that are left when it alone has been applied).
FIRES = {
    "log_softmax": [
        (lambda v: T.log(softmax(v.m)), "log_softmax"),
        (lambda v: T.log(softmax(v.m)[T.arange(3), v.i]), "gather log_softmax"),
        (lambda v: T.log(softmax(v.m).T.reshape((24,))[v.i]), None),
    ],
    "log_sigmoid": [
        (lambda v: T.log(sigmoid(v.x)), "neg neg softplus"),
        (lambda v: T.log(1 - sigmoid(v.x)), "neg softplus"),
    ],
    "log_one_plus": [
        (lambda v: T.log(1 + v.x), "log1p"),
        (lambda v: T.log(1 - v.x), "log1p neg"),
    ],
    "log_of_exp": [(lambda v: T.log(T.exp(v.x)), "")],
    "log_sum_exp": [(lambda v: T.log(T.exp(v.m).sum(axis=1)), None)],
    "exp_minus_one": [(lambda v: T.exp(v.x) - 1, "expm1")],
    "log_one_plus_exp": [(lambda v: T.log1p(T.exp(v.x)), "softplus")],
    "sigmoid_written_out": [
        (lambda v: hand_sigmoid(v.x), "sigmoid"),
        (lambda v: T.inv(1 + T.exp(-v.x)), "sigmoid"),
        (lambda v: T.exp(v.x) / (1 + T.exp(v.x)), "sigmoid"),
        (lambda v: 1 / (1 + T.exp(v.x)), "neg sigmoid"),
    ],
    "gradient_of_softplus": [
        (lambda v: v.y / (1 + T.exp(v.x)) * T.exp(v.x), "mul sigmoid"),
        (lambda v: -(v.y / (1 + T.exp(v.x))) * T.exp(v.x), "mul neg sigmoid"),
    ],
    "gradient_of_sigmoid_written_out": [
        (
            lambda v: -(v.y * sigmoid(v.x) / (1 + T.exp(-v.x))) * T.exp(-v.x),
            "mul mul neg sigmoid sub",
        )
    ],
    "sigmoid_times_exp": [(lambda v: sigmoid(-v.x) * T.exp(v.x), "sigmoid")],
    "softmax_written_out": [
        (lambda v: written(v.m, 1), "softmax"),
        (lambda v: written(v.m, 0), "softmax"),
        (lambda v: written(v.x, 0), "softmax"),
        (lambda v: written(v.m - v.m.max(axis=1, keepdims=True), 1), "softmax"),
        (lambda v: written(v.m - v.col, 1), "softmax sub"),
    ],
    "gradient_of_written_softmax": [
        (lambda v: written_slope(v.m, v.n, softmax(v.m)), None),
    ],
    "gradient_of_log_softmax": [
        (lambda v: log_slope(v.m, lambda p: T.log(p) * v.n), None),
        (lambda v: log_slope(v.m, lambda p: T.log(p[T.arange(3), v.i])), None),
        (lambda v: log_slope(v.m, lambda p: T.log(p.T.reshape((24,))[v.i])), None),
        (lambda v: log_slope(v.m, lambda p: T.log(p[1:, 2])), None),
        (lambda v: log_slope(v.m, lambda p: T.log(p) + p**3), None),
    ],
    "gradient_of_log_sigmoid": [
        (lambda v: sigmoid_slope(v.x, lambda s: T.log(s) * v.y), None),
        (lambda v: sigmoid_slope(v.x, lambda s: T.log(1 - s) * v.y), None),
        (lambda v: sigmoid_slope(v.x, lambda s: T.log(s) - s**3), None),
    ],
}
CASES = [(name, k) for name, many in FIRES.items() for k in range(len(many))]


def test_every_rule_has_a_case():
    assert set(FIRES) == set(RULES)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, k", CASES)
def test_a_form_fires_and_keeps_what_is_finite(name, k, dtype):
    build, left = FIRES[name][k]
    before = [build(Inputs(dtype))]
    rules, fired = alone(STABILISE, RULES[name])
    changed = rewrite(before, rules)
    assert fired
    if left is not None:
        assert sorted(ops(changed).elements()) == left.split()
    check_same(before, changed, extreme=False)
    check_same(before, rewrite(rewrite(before, STABILISE), SIMPLIFY), extreme=False)


FORMS = {
    "log sigmoid": (
        lambda x: T.log(sigmoid(x)),
        [np.log(0.5), 0, -1e3, 0, -np.inf, np.log(0.5)],
    ),
    "log 1 - sigmoid": (
        lambda x: T.log(1 - sigmoid(x)),
        [np.log(0.5), -1e3, 0, -np.inf, 0, np.log(0.5)],
    ),
    "log1p": (
        lambda x: T.log(1 + x),
        [0, np.log(1001), np.nan, np.inf, np.nan, 1e-20],
    ),
    "log 1 - x": (
        lambda x: T.log(1 - x),
        [0, np.nan, np.log(1001), np.nan, np.inf, -1e-20],
    ),
    "expm1": (lambda x: T.exp(x) - 1, [0, np.inf, -1, np.inf, -1, 1e-20]),
    "log exp": (lambda x: T.log(T.exp(x)), BIG),
    "softplus": (
        lambda x: T.log(1 + T.exp(x)),
        [np.log(2), 1e3, 0, np.inf, 0, np.log(2)],
    ),
    "sigmoid": (hand_sigmoid, [0.5, 1, 0, 1, 0, 0.5]),
    "gradient of a hand-made sigmoid's log": (
        lambda x: slope(T.log(hand_sigmoid(x)), x),
        [0.5, 0, 1, 0, 1, 0.5],
    ),
    "gradient of softplus": (
        lambda x: slope(T.log(1 + T.exp(x)), x),
        [0.5, 1, 0, 1, 0, 0.5],
    ),
    "gradient of a sigmoid": (
        lambda x: slope(hand_sigmoid(x), x),
        [0.25, 0, 0, 0, 0, 0.25],
    ),
    "gradient of log sigmoid": (
        lambda x: slope(T.log(sigmoid(x)), x),
        [0.5, 0, 1, 0, 1, 0.5],
    ),
    "gradient of log 1 - sigmoid": (
        lambda x: slope(T.log(1 - hand_sigmoid(x)), x),
        [-0.5, -1, 0, -1, 0, -0.5],
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_exact_at_the_extremes(name, dtype):
    build, wanted = FORMS[name]
    x = T.TensorType(dtype, (None,))("x")
    got = ss.function([x], build(x))(BIG.astype(dtype))
    np.testing.assert_allclose(got, wanted, rtol=1e-6 if dtype == "float32" else 1e-15)


@pytest.mark.parametrize("name", FORMS)
def test_a_nan_is_not_hidden(name):
    x = T.dvector("x")
    assert np.isnan(ss.function([x], FORMS[name][0](x))([np.nan]))


def test_log_sum_exp():
    m = T.dmatrix("m")
    made = T.log(T.exp(m).sum(axis=1))
    got = ss.function([m], made)([[1e3, 1e3], [-1e3, -1e3]])
    np.testing.assert_allclose(got, [1e3 + np.log(2), -1e3 + np.log(2)])


@pytest.mark.parametrize(
    "made",
    [
        lambda v: T.log(2 + v.x),
        lambda v: T.log(T.tanh(v.x)),
        lambda v: T.exp(v.x) - 2,
        lambda v: T.exp(T.log(v.x)),
        lambda v: T.log(v.m.sum(axis=1)),
        lambda v: 1 / (2 + T.exp(-v.x)),
        lambda v: v.y / v.x * v.x,
        lambda v: slope(T.log(T.tanh(v.x)), v.x),
        lambda v: slope(T.log(softmax(v.m) + 1e-8), v.m),
    ],
)
def test_others_are_left_alone(made):
    output = made(Inputs("float64"))
    merged = rewrite([output], RuleSet())
    assert rewrite(merged, STABILISE)[0] is merged[0]


z, t = T.dmatrix("z"), T.dmatrix("t")
z3 = T.TensorType("float64", (None, None, 5))("z3")
labels, mask = T.lvector("labels"), T.dvector("mask")
rows = T.arange(labels.shape[0])
N = z3.shape[0] * z3.shape[1]
# Every way in which users write the cross-entropy of a softmax.
WAYS = {
    "a picked log": lambda: -T.mean(T.log(softmax(z))[rows, labels]),
    "the log of a picked one": lambda: -T.log(softmax(z)[rows, labels]).mean(),
    "crossentropy": lambda: T.nnet.categorical_crossentropy(softmax(z), labels).mean(),
    "of probabilities": lambda: T.nnet.categorical_crossentropy(softmax(z), t).sum(),
    "a sum by hand": lambda: -(t * T.log(softmax(z))).sum(axis=1).mean(),
    "with a mask": lambda: -(mask * T.log(softmax(z)[rows, labels])).sum() / mask.sum(),
    "of probabilities reshaped": lambda: (
        -T.log(softmax(z3).reshape((N, 5))[rows, labels]).mean()
    ),
    "of logits reshaped": lambda: T.nnet.categorical_crossentropy(
        softmax(z3.reshape((N, 5))), labels
    ).mean(),
    "of a flat array": lambda: -T.log(softmax(z).flatten()[rows * 5 + labels]).mean(),
    "all by hand": lambda: -T.log(written(z, 1)[rows, labels]).mean(),
    "all by hand, twice": lambda: -T.log(written_twice(z)[rows, labels]).mean(),
    "with an entropy": lambda: (
        -T.log(softmax(z)[rows, labels]).mean()
        + 0.1 * (softmax(z) * T.log(softmax(z))).sum()
    ),
}


PICKED = [
    lambda p, y: -T.log(p)[T.arange(y.shape[0]), y].mean(),
    lambda p, y: -T.log(p[T.arange(y.shape[0]), y]).mean(),
    lambda p, y: -(T.extra_ops.to_one_hot(y, 4) * T.log(p)).sum(axis=1).mean(),
    lambda p, y: T.nnet.categorical_crossentropy(p, y).mean(),
]


@pytest.mark.parametrize("write", [lambda x: written(x, 1), written_twice])
@pytest.mark.parametrize("cost", PICKED)
def test_a_written_softmax_has_a_gradient_where_exp_overflows(cost, write):
    x, y = T.fmatrix("x"), T.ivector("y")
    logits = 2 * x if write is written_twice else x
    c = cost(write(logits), y) + 0.5 * (x**2).sum()
    f = ss.function([x, y], [c, ss.grad(c, x)])
    far = np.array([[1.0, 2.0, 3.0, 100.0]], np.float32)
    slope = 2 if write is written_twice else 1
    _, g = f(far, np.array([1], np.int32))
    np.testing.assert_allclose(g, far + slope * np.array([[0, -1, 0, 1]]), atol=1e-6)


@pytest.mark.parametrize("name", WAYS)
def test_a_cross_entropy_is_one_softmax_and_no_division_by_it(name):
    cost = WAYS[name]()
    x = z3 if "reshaped" in name else z
    before = [cost, T.grad(cost, x)]
    changed = share_softmax(rewrite(rewrite(before, STABILISE), SIMPLIFY))
    found = ops(changed)
    assert found["softmax"] + found["log_softmax"] == 1
    assert not found["log"]
    wide = {node.outputs[0].ndim for node in divisions(changed)}
    assert wide <= {0}
    check_values(before, changed, x)


def divisions(outputs):
    return [n for n in ss.traverse.sort_nodes(outputs) if n.op.name == "true_div"]


def check_values(before, changed, x):
    """As the plain form on small logits; exact where one class has all the weight."""
    rng = np.random.default_rng(0)
    small = rng.normal(size=(2, 3, 5) if x is z3 else (6, 5))
    data = {"labels": np.arange(6) % 5, "mask": np.arange(6.0), "t": np.ones((6, 5))}
    inputs = [x, labels, mask, t]
    plain = ss.function(inputs, before, target="reference", on_unused_input="ignore")
    ours = ss.function(inputs, changed, on_unused_input="ignore")
    given = data["labels"], data["mask"], data["t"]
    for one, other in zip(plain(small, *given), ours(small, *given), strict=True):
        np.testing.assert_allclose(other, one, 1e-10, 1e-12)
    for value in ours(small * 1e4, *given):
        assert np.isfinite(value).all()
    for value in ours(small * np.nan, *given):
        assert np.isnan(value).any()


def test_a_known_batch_needs_no_sum_of_onehots():
    x = T.TensorType("float32", (6, 5))("x")
    y = T.TensorType("int64", (6,))("y")
    cost = T.nnet.categorical_crossentropy(softmax(x), y).mean()
    found = ops(rewrite(rewrite([T.grad(cost, x)], STABILISE), SIMPLIFY))
    assert found["put"] == 1 and not found["sum"] and not found["true_div"]


def test_an_exp_of_a_log_alone_is_a_softmax():
    made = share_softmax([T.exp(T.nnet.logsoftmax(z))])
    assert ops(made) == {"softmax": 1}


def test_one_softmax_inside_a_loop_too():
    def step(row):
        p = softmax(row, axis=0)
        return T.log(p).sum() + p[0]

    made, _ = ss.scan(step, z)
    found = ops(share_softmax(rewrite([made], STABILISE)))
    assert (found["log_softmax"], found["exp"], found["softmax"]) == (1, 1, 0)
    check_same([made], share_softmax(rewrite([made], STABILISE)), extreme=False)


def test_a_copy_of_a_graph_is_rewritten_alike():
    cost = WAYS["the log of a picked one"]()
    (copied,), _ = clone([T.grad(cost, z)], [z, labels])
    assert after(copied, STABILISE) == after(T.grad(cost, z), STABILISE)
