"""The sums of docs/bptt.md in NumPy, its equation beside each, are our gradients."""

from functools import cache

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.models import Hidden, Recurrent, SimpleRNN

D, H, K, B = 3, 4, 2, 2
NAMES = ("c", "V", "b", "U", "W", "x", "h")


def drawn(steps, seed=0):
    """Weights, x: [T, B, D], y: [T, B] and the first state."""
    rng = np.random.default_rng(seed)
    shapes = {"W": (D, H), "U": (H, H), "b": (H,), "V": (H, K), "c": (K,)}
    w = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    x, y = rng.standard_normal((steps, B, D)), rng.integers(0, K, (steps, B))
    return w, x, y, rng.standard_normal((B, H))


def forwards(w, x, y, h_0):
    """The loss, h_0 ... h_T, and p_1 ... p_T."""
    h, p, loss = [h_0], [], 0.0
    for x_t, y_t in zip(x, y, strict=True):
        a = x_t @ w["W"] + h[-1] @ w["U"] + w["b"]  # (1)
        h.append(np.tanh(a))  # (2)
        o = h[-1] @ w["V"] + w["c"]  # (3)
        p.append(np.exp(o) / np.exp(o).sum(axis=1, keepdims=True))  # (4)
        loss -= np.log(p[-1][np.arange(B), y_t]).sum()  # (5)
    return loss, h, p


def backwards(w, x, y, h_0, k=None):
    """The loss, its gradients in the page's order, and the last state.

    `k`: only the last k steps of the loop are gone back through.
    """
    steps, (loss, h, p) = len(x), forwards(w, x, y, h_0)
    found = {name: np.zeros_like(value) for name, value in w.items()}
    found |= {"x": np.zeros_like(x), "h": np.zeros_like(h_0)}
    delta = np.zeros((B, H))  # (9): δ_{T+1} = 0
    for t in range(steps, 0, -1):
        e = p[t - 1] - np.eye(K)[y[t - 1]]  # (6)
        found["c"] += e.sum(axis=0)  # (7)
        found["V"] += h[t].T @ e  # (8)
        if k is not None and t <= steps - k:
            delta = np.zeros((B, H))  # (15)
            continue
        at_h = e @ w["V"].T + delta @ w["U"].T  # (9)
        delta = at_h * (1 - h[t] ** 2)  # (10)
        found["b"] += delta.sum(axis=0)  # (11)
        found["U"] += h[t - 1].T @ delta  # (12)
        found["W"] += x[t - 1].T @ delta  # (13)
        found["x"][t - 1] = delta @ w["W"].T  # (14)
    found["h"] = delta @ w["U"].T  # (14)
    return loss, found, h[-1]


def network(w, truncate=-1):
    """x, y, h_0, the loss, its gradients in the order of NAMES, and the last state."""
    cell = SimpleRNN(D, H, rng=np.random.default_rng(0))
    own = {name: ss.shared(value, name) for name, value in w.items()}
    cell.W, cell.U, cell.b = own["W"], own["U"], own["b"]
    x, y, h = T.dtensor3("x"), T.lmatrix("y"), T.dmatrix("h")
    run = Recurrent(cell, truncate=truncate).run(x, initial=Hidden(h))
    flat = T.dot(run.outputs, own["V"]).reshape((-1, K)) + own["c"]
    right = T.nnet.logsoftmax(flat)[T.arange(flat.shape[0]), y.reshape((-1,))]
    loss = -right.sum()
    grads = ss.grad(loss, [*(own[name] for name in NAMES[:5]), x, h])
    return [x, y, h], [loss, *grads, run.last.h]


@cache
def compiled(truncate=-1, target="numpy"):
    """(x, y, h_0) → loss, gradients, last state, for the weights of seed 0."""
    inputs, outputs = network(drawn(1)[0], truncate)
    return ss.function(inputs, outputs, target=target)


def agree(got, wanted):
    loss, gradients, last = wanted
    for ours, theirs in zip(
        got, [loss, *(gradients[name] for name in NAMES), last], strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("target", ["reference", "numpy"])
@pytest.mark.parametrize("steps", [7, 1, 0])
def test_the_sums_are_the_gradient(steps, target):
    w, x, y, h_0 = drawn(steps)
    agree(compiled(target=target)(x, y, h_0), backwards(w, x, y, h_0))


@pytest.mark.parametrize("target", ["reference", "numpy"])
@pytest.mark.parametrize("steps, k", [(7, 3), (7, 1), (7, 7), (2, 3)])
def test_the_last_k_steps(steps, k, target):
    w, x, y, h_0 = drawn(steps)
    got = compiled(truncate=k, target=target)(x, y, h_0)
    agree(got, backwards(w, x, y, h_0, k))
    if k < steps:
        assert not got[1 + NAMES.index("x")][: steps - k].any()
        assert not got[1 + NAMES.index("h")].any()


def test_scan_truncates_as_a_layer_does():
    w, x, y, h_0 = drawn(6)
    own = {name: ss.shared(value, name) for name, value in w.items()}
    x_, h_ = T.dtensor3("x"), T.dmatrix("h")

    def step(x_t, h):
        return T.tanh(T.dot(x_t, own["W"]) + T.dot(h, own["U"]) + own["b"])

    h, _ = ss.scan(step, x_, h_, truncate_gradient=2)
    flat = T.dot(h, own["V"]).reshape((-1, K)) + own["c"]
    loss = -T.nnet.logsoftmax(flat)[T.arange(6 * B), y.reshape(-1)].sum()
    got = ss.function([x_, h_], ss.grad(loss, [own[n] for n in NAMES[:5]]))(x, h_0)
    _, wanted, _ = backwards(w, x, y, h_0, 2)
    for ours, name in zip(got, NAMES[:5], strict=True):
        np.testing.assert_allclose(ours, wanted[name], rtol=1e-12, atol=1e-12)


def test_minibatches_of_k_steps():
    """(16): the state goes on as a number, in a shared variable."""
    w, x, y, h_0 = drawn(6)
    (x_, y_, h), [loss, *grads, last] = network(w)
    state = ss.shared(h_0, "state")
    step = ss.function(
        [x_, y_], [loss, *grads, last], updates=[(state, last)], givens=[(h, state)]
    )
    now = h_0
    for s in (0, 3):
        wanted = backwards(w, x[s : s + 3], y[s : s + 3], now)
        agree(step(x[s : s + 3], y[s : s + 3]), wanted)
        now = wanted[-1]
    np.testing.assert_allclose(state.get_value(), now, rtol=1e-12)


def test_numpys_sums_are_central_differences():
    """The page itself is right."""
    w, x, y, h_0 = drawn(4)
    _, found, _ = backwards(w, x, y, h_0)
    rng = np.random.default_rng(5)
    for name in w:
        way = rng.standard_normal(w[name].shape)
        ahead, behind = (
            forwards(w | {name: w[name] + s * way}, x, y, h_0)[0] for s in (1e-5, -1e-5)
        )
        slope = (ahead - behind) / 2e-5
        np.testing.assert_allclose(slope, (found[name] * way).sum(), rtol=1e-7)
