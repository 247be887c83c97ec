"""Columns that one function is applied to are computed side by side."""

from itertools import takewhile

import numpy as np
import pytest
from loop_tools import compiled, only_loop, ops, rewritten

import symseq as ss
import symseq.tensor as T
from symseq.compiler.loop_passes.sort_columns import MOST_COPIED, sort_columns

H = 16  # long enough for neighbours to be merged, whatever the batch
x, h0 = T.dtensor3("x"), T.dmatrix("h0", shape=(None, H))
rng = np.random.default_rng(0)
W, U = (ss.shared(rng.normal(size=(H, 4 * H)), name) for name in "WU")
b = ss.shared(rng.normal(size=4 * H), "b")
V = ss.shared(rng.normal(size=(H, H)), "V")
SAMPLES = [[rng.normal(size=(n, 2, H)), rng.normal(size=(2, H))] for n in (0, 1, 4)]
sigmoid, tanh = T.nnet.sigmoid, T.tanh


def gates(z):
    return (z[:, k * H : (k + 1) * H] for k in range(4))


def mixed(x_t, h, c):
    i, f, g, o = gates(T.dot(x_t, W) + T.dot(h, U) + b)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c


def history(step, states=1, **options):
    made, _ = ss.scan(step, x, [h0] * states, **options)
    return made[0] if isinstance(made, (list, tuple)) else made


def changes(step, states=1, **options):
    """Whether the pass changes a loop; its values stay."""
    h = history(step, states, **options)
    steps = options.get("n_steps")
    samples = [s for s in SAMPLES if steps is None or len(s[0]) >= steps]
    (made,) = rewritten(sort_columns, [h], [x, h0], *samples)
    return made is not h


def test_sigmoids_lie_side_by_side_and_lose_their_sign():
    assert changes(mixed, 2)
    (made,) = compiled([history(mixed, 2)])
    found = ops(only_loop([made]))
    assert (found["sigmoid"], found["sigmoid_minus"], found["neg"]) == (0, 1, 0)
    assert (found["dot"], found["tanh"], found["add"]) == (1, 2, 2)


def test_the_calls_of_a_step():
    f = ss.function([x, h0], history(mixed, 2))
    lines = f.plan.source.splitlines()
    (start,) = (k for k, line in enumerate(lines) if " in scan:" in line)
    depth = len(lines[start + 1]) - len(lines[start + 1].lstrip())
    body = list(
        takewhile(lambda line: line.startswith(" " * depth), lines[start + 1 :])
    )
    assert len(body) == 11


def test_gradients_agree_with_the_reference():
    h = history(mixed, 2)
    wanted = ss.grad((h * h).sum(), [W, U, b, x, h0])
    plan, oracle = (
        ss.function([x, h0], wanted, target=target) for target in ("numpy", "reference")
    )
    for values in SAMPLES:
        for one, other in zip(plan(*values), oracle(*values), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_huge_and_missing_values():
    f, oracle = (
        ss.function([x, h0], history(mixed, 2), target=target)
        for target in ("numpy", "reference")
    )
    for value in (1e3, -1e3, 1e300, -1e300, np.inf, -np.inf, np.nan):
        given = np.full((2, 1, H), value), np.zeros((1, H))
        np.testing.assert_allclose(f(*given), oracle(*given), rtol=1e-12)


def test_columns_that_are_in_order_are_only_negated():
    def step(x_t, h):
        z = T.dot(x_t, V) + T.dot(h, V)
        return sigmoid(z)

    assert changes(step)
    found = ops(only_loop(compiled([history(step)])))
    assert found["sigmoid_minus"] == 1 and found["neg"] == 0


def apart(f):
    """A step that reads the columns as `f` says."""
    return lambda x_t, h: f(T.dot(x_t, W) + T.dot(h, U) + b, x_t, h)


@pytest.mark.parametrize(
    "step",
    [
        apart(lambda z, x_t, h: sum(tanh(p) for p in gates(z))),  # in order already
        apart(lambda z, x_t, h: sigmoid(z[:, :H]) + tanh(z[:, 1 : H + 1])),  # overlap
        apart(lambda z, x_t, h: sigmoid(z[:, :H]) + tanh(z[:, H : 2 * H])),  # not all
        apart(lambda z, x_t, h: sum(sigmoid(p) for p in gates(z)) * z.sum()),
        apart(lambda z, x_t, h: sum(sigmoid(p) * p for p in gates(z))),  # read twice
        lambda x_t, h: sigmoid(x_t + T.dot(h, V)),  # a term that is no product
        lambda x_t, h: sigmoid(T.dot(h, h.T * V.sum() + 0 * V) + x_t),  # not fixed
        lambda x_t, h: sigmoid(T.dot(h, V) + V.sum()),  # one number for all columns
        lambda x_t, h: sigmoid(x_t) + h,  # no state
    ],
)
def test_others_stay(step):
    h = history(step)
    (made,) = sort_columns([h])
    assert made is h


def test_values_that_leave_the_loop_stay():
    def step(x_t, h):
        z = T.dot(x_t, V) + T.dot(h, V)
        return sigmoid(z), z

    (h, z), _ = ss.scan(step, x, [h0, None])
    assert sort_columns([h, z]) == [h, z]


def test_few_steps_are_not_worth_it():
    assert not changes(mixed, 2, n_steps=4)
    assert changes(mixed, 2)


def test_large_weights_stay():
    n = int(MOST_COPIED**0.5)

    def made(n):
        U = ss.shared(np.zeros((n, n)), "U")
        start = T.dmatrix("start", shape=(None, n))
        h, _ = ss.scan(
            lambda h: sigmoid(T.dot(h, U)), None, start, n_steps=T.iscalar("n")
        )
        return sort_columns([h])[0] is not h

    assert made(n) and not made(n + 1)


def test_a_sum_of_many_products_and_one_used_twice():
    def step(x_t, h):
        a = T.dot(h, V)
        return sigmoid(T.dot(x_t, V) + (a + T.dot(x_t * 2, V))) * sigmoid(a + a)

    assert not changes(step)


def test_weights_that_are_made_in_the_step():
    def step(x_t, h):
        return sigmoid(T.dot(h, T.exp(V) / 9) + T.dot(x_t, V.T))

    assert changes(step)


def test_loops_in_loops():
    def outer(x_t, h):
        inner, _ = ss.scan(mixed, T.shape_padleft(x_t), [h, h])
        return inner[0][-1]

    h = history(outer)
    f, oracle = (
        ss.function([x, h0], h, target=target) for target in ("numpy", "reference")
    )
    for values in SAMPLES:
        np.testing.assert_allclose(f(*values), oracle(*values), rtol=1e-9)
