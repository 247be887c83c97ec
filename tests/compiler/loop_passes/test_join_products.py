"""Gates that are written one by one are computed side by side."""

import numpy as np
import pytest
from loop_tools import only_loop, ops, rewritten

import symseq as ss
import symseq.tensor as T
from symseq.compiler.loop_passes.join_products import join_products
from symseq.compiler.pipeline import passes_of
from symseq.scan.op import Scan
from symseq.traverse import sort_nodes

H = 3
x, h0 = T.dtensor3("x"), T.dmatrix("h0")
rng = np.random.default_rng(0)
Wz, Wr, Wn, Uz, Ur, Un = (
    ss.shared(rng.normal(size=(H, H)), name) for name in ("Wz Wr Wn Uz Ur Un".split())
)
bz, br, bn = (ss.shared(rng.normal(size=H), name) for name in ("bz", "br", "bn"))
SAMPLES = [[rng.normal(size=(n, 2, H)), rng.normal(size=(2, H))] for n in (0, 1, 4)]


def gru(x_t, h):
    z = T.nnet.sigmoid(T.dot(x_t, Wz) + T.dot(h, Uz) + bz)
    r = T.nnet.sigmoid(T.dot(x_t, Wr) + T.dot(h, Ur) + br)
    n = T.tanh(T.dot(x_t, Wn) + T.dot(r * h, Un) + bn)
    return (1 - z) * h + z * n


def joined(step, *samples):
    h, _ = ss.scan(step, x, h0)
    return ops(only_loop(rewritten(join_products, [h], [x, h0], *samples)))


def test_products_and_the_sums_behind_them_are_joined():
    found = joined(gru, *SAMPLES)
    assert found["dot"] == 3  # of x, of h, of r * h
    assert found["add"] == 5  # z and r at once: twice; n: twice; the new state


def test_what_the_products_share_leaves_the_step_with_the_biases():
    h, _ = ss.scan(gru, x, h0)
    made = passes_of([h])[-1][1]
    (node,) = (n for n in sort_nodes(made) if isinstance(n.op, Scan))
    assert ops(node)["dot"] == 2 and ops(node)["add"] == 3


def test_a_step_over_one_example():
    def step(x_t, h):
        row = h[0]
        a = T.tanh(T.dot(row, Uz) + bz) + T.tanh(T.dot(row, Ur) + br)
        return h + a

    assert joined(step, *SAMPLES)["dot"] == 1


@pytest.mark.parametrize(
    "step",
    [
        lambda x_t, h: T.tanh(T.dot(h, Uz) + T.dot(x_t, Ur)),  # other values
        lambda x_t, h: T.tanh(T.dot(h, Uz) + T.dot(T.dot(h, Uz), Ur)),  # in sequence
        lambda x_t, h: T.tanh(T.dot(h, h.T).sum() + T.dot(h, Uz)),  # not fixed
    ],
)
def test_others_stay_apart(step):
    assert joined(step, *SAMPLES)["dot"] == 2


def test_unlike_sums_stay_apart():
    def step(x_t, h):
        a, b = T.dot(h, Uz), T.dot(h, Ur)
        return T.tanh(a + x_t) * T.tanh(b + bz) + (b + x_t) + (a + b)

    found = joined(step, *SAMPLES)
    assert found["dot"] == 1 and found["add"] == 6


def test_products_used_twice_and_sums_with_themselves():
    def step(x_t, h):
        a, b = T.dot(h, Uz), T.dot(h, Ur)
        return T.tanh(a + a) * (b + b) + (a + bz) * (b + br) + (a + br)

    assert joined(step, *SAMPLES)["dot"] == 1


def test_a_product_that_no_state_reads_stays_apart():
    def step(x_t, h):
        h = T.tanh(x_t + T.dot(h, Uz))
        return h, T.dot(h, Ur), T.dot(h, Un)

    outputs, _ = ss.scan(step, x, [h0, None, None])
    assert ops(only_loop(rewritten(join_products, outputs, [x, h0])))["dot"] == 3


def test_large_weights_stay_apart():
    big = ss.shared(np.zeros((200, 200)), "big"), ss.shared(np.ones((200, 200)), "one")
    start = T.dmatrix("start", shape=(2, 200))
    h, _ = ss.scan(
        lambda h: T.tanh(T.dot(h, big[0]) * T.dot(h, big[1])), None, start, n_steps=2
    )
    made = rewritten(join_products, [h], [start], [rng.normal(size=(2, 200))])
    assert ops(only_loop(made))["dot"] == 2
