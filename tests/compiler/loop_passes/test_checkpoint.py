"""Checkpoints: the same gradients in less memory."""

import numpy as np
import pytest
from loop_tools import loops

import symseq as ss
import symseq.tensor as T
from symseq.compiler.loop_passes.checkpoint import checkpoint_loops

H, STEPS = 8, 101
x = T.dtensor3("x")
W, U, W2, U2 = (T.dmatrix(name, shape=(H, 4 * H)) for name in ("W", "U", "W2", "U2"))
INPUTS = [x, W, U, W2, U2]
rng = np.random.default_rng(0)
VALUES = [
    rng.normal(size=(STEPS, 4, H)), *(rng.normal(size=(H, 4 * H)) * 0.2 for _ in "abcd")
]  # fmt: skip


def layer(x, W, U, **options):
    def step(x_t, h, c):
        z = T.dot(x_t, W) + T.dot(h, U)
        i, f, o, g = (z[:, k * H : (k + 1) * H] for k in range(4))
        c = T.nnet.sigmoid(f) * c + T.nnet.sigmoid(i) * T.tanh(g)
        return T.nnet.sigmoid(o) * T.tanh(c), c

    start = T.zeros((x.shape[1], H), dtype="float64")
    return ss.scan(step, x, [start, start], **options)[0][0]


def two_layers(**options):
    h = layer(x, W, U, **options)
    cost = (layer(h, W2, U2, **options)[-1] ** 2).sum() + (h * h).mean()
    return [cost, *T.grad(cost, INPUTS)]


def bytes_and_results(outputs, values=VALUES):
    f = ss.function(INPUTS, outputs, on_unused_input="ignore")
    results = f(*values)
    (binding,) = f.plan.bindings.values()
    return binding.nbytes, results


def test_checkpoints_that_the_user_asks_for_save_memory():
    plain, wanted = bytes_and_results(two_layers())
    tight, found = bytes_and_results(two_layers(checkpoint_every=10))
    assert tight < 0.45 * plain
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("steps", [0, 1, 9, 10, 31])
def test_loops_get_checkpoints_afterwards(steps):
    outputs = two_layers()
    values = [VALUES[0][:steps], *VALUES[1:]]
    run = ss.function(INPUTS, outputs, on_unused_input="ignore")
    tight = ss.function(INPUTS, checkpoint_loops(outputs, 10), on_unused_input="ignore")
    if not steps:
        with pytest.raises(IndexError):
            tight(*values)
        return
    for a, b in zip(tight(*values), run(*values), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_checkpoints_afterwards_save_memory_too():
    plain, wanted = bytes_and_results(two_layers())
    tight, found = bytes_and_results(checkpoint_loops(two_layers(), 10))
    assert tight < 0.45 * plain
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_a_gradient_alone_is_enough():
    outputs = T.grad(layer(x, W, U).sum(), [W, U])
    wanted = bytes_and_results(outputs)[1]
    found = bytes_and_results(checkpoint_loops(outputs, 10))[1]
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_loops_that_stop_or_are_truncated_stay_as_they_are():
    v = T.dvector("v")

    def step(x_t, h):
        h = T.tanh(x_t * h + x_t)
        return h, ss.until(h.sum() > 3)

    rows = x[:, 0]
    stopped = ss.scan(step, rows, v)[0]
    truncated = ss.scan(lambda a, h: T.tanh(a + h), rows, v, truncate_gradient=2)[0]
    for output in (stopped, truncated):
        outputs = T.grad(output.sum(), [v])
        assert len(loops(checkpoint_loops(outputs, 5))) == len(loops(outputs))


def test_gradients_of_gradients_keep_their_values():
    v = T.dvector("v")
    h = ss.scan(lambda a, h: T.tanh(a + h * h), x[:, 0], v)[0]
    slope = T.grad(h.sum(), v)
    outputs = [slope, T.grad((slope * slope).sum(), v)]
    values = VALUES[0], np.full(H, 0.1)
    wanted = ss.function([x, v], outputs)(*values)
    found = ss.function([x, v], checkpoint_loops(outputs, 7))(*values)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
