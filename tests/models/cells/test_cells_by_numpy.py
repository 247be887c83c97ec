"""Cells without a peer against their equations, one step at a time, in NumPy."""

import numpy as np
import pytest
from cell_tools import D, H, forward, layer, values

import symseq as ss
from symseq.models import Recurrent, cells

LENGTHS = [4, 2]


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def cut(a, count):
    return np.split(a, count, axis=-1)


def memory(p, x, h, c):
    """[i o g], the carousel: nothing is forgotten."""
    i, o, g = cut(x @ p["W"] + h @ p["U"] + p["b"], 3)
    c = c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return h, (h, c)


def peepholes(p, x, h, c):
    i, f, o, g = cut(x @ p["W"] + h @ p["U"] + p["b"], 4)
    p_i, p_f, p_o = cut(p["p"], 3)
    new = sigmoid(f + p_f * c) * c + sigmoid(i + p_i * c) * np.tanh(g)
    h = sigmoid(o + p_o * new) * np.tanh(new)
    return h, (h, new)


def coupled(p, x, h, c):
    i, o, g = cut(x @ p["W"] + h @ p["U"] + p["b"], 3)
    c = (1 - sigmoid(i)) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return h, (h, c)


def multiplicative(p, x, h, c):
    m = (x @ p["W_m"]) * (h @ p["U_m"])
    i, f, o, g = cut(x @ p["W"] + m @ p["U"] + p["b"], 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return h, (h, c)


def norm(p, name, z):
    centred = z - z.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return p[f"{name}.alpha"] * scaled + p[f"{name}.beta"]


def layer_norm(p, x, h, c):
    z = norm(p, "norm_x", x @ p["W"]) + norm(p, "norm_h", h @ p["U"]) + p["b"]
    i, f, o, g = cut(z, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(norm(p, "norm_c", c))
    return h, (h, c)


def gru(p, x, h):
    W_r, W_z, W_h = cut(p["W"], 3)
    b_r, b_z, b_h = cut(p["b"], 3)
    U_r, U_z = cut(p["U"], 2)
    r = sigmoid(x @ W_r + h @ U_r + b_r)
    z = sigmoid(x @ W_z + h @ U_z + b_z)
    h = z * h + (1 - z) * np.tanh(x @ W_h + (r * h) @ p["U_h"] + b_h)
    return h, (h,)


def mgu(p, x, h):
    (W_f, W_h), (b_f, b_h) = cut(p["W"], 2), cut(p["b"], 2)
    f = sigmoid(x @ W_f + h @ p["U_f"] + b_f)
    h = (1 - f) * h + f * np.tanh(x @ W_h + (f * h) @ p["U_h"] + b_h)
    return h, (h,)


def scrn(p, x, h, s):
    s = 0.05 * x @ p["B"] + 0.95 * s
    h = sigmoid(s @ p["P"] + x @ p["A"] + h @ p["R"])
    return np.concatenate([h, s], axis=1), (h, s)


def clockwork(p, x, h, t):
    """The paper's way: all of W_H, its blocks below the diagonal 0, rows by clock."""
    half, kept = H // 2, h
    whole = np.zeros((H, H))
    whole[:, :half], whole[half:, half:] = p["U.0"], p["U.1"]
    into = np.concatenate([p["W.0"], p["W.1"]], axis=1)
    new = np.tanh(x @ into + h @ whole + np.concatenate([p["b.0"], p["b.1"]]))
    runs = np.repeat([t % 1 == 0, t % 2 == 0], half)
    h = np.where(runs, new, kept)
    return h, (h, t + 1)


def residual(p, x, h):
    h = np.tanh(x @ p["cell.W"] + h @ p["cell.U"] + p["cell.b"])
    return x + h, (h,)


def normalized(p, x, h):
    inside = {name.removeprefix("cell."): value for name, value in p.items()}
    h, _ = mgu(inside, x, h)
    h = norm(p, "norm", h)
    return h, (h,)


def stacked(p, x, h_1, c_1, h_2):
    i, f, o, g = cut(x @ p["cells.0.W"] + h_1 @ p["cells.0.U"] + p["cells.0.b"], 4)
    c_1 = sigmoid(f) * c_1 + sigmoid(i) * np.tanh(g)
    h_1 = sigmoid(o) * np.tanh(c_1)
    above = {name.removeprefix("cells.1."): value for name, value in p.items()}
    h_2, _ = gru(above, h_1, h_2)
    return h_2, (h_1, c_1, h_2)


def zoneout(p, x, h, c):
    i, f, o, g = cut(x @ p["cell.W"] + h @ p["cell.U"] + p["cell.b"], 4)
    new = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    shown = sigmoid(o) * np.tanh(new)  # of the new c, before it is zoned out
    h = 0.1 * h + 0.9 * shown
    return h, (h, 0.4 * c + 0.6 * new)


STEPS = {
    "carousel": (memory, (H, H)), "peepholes": (peepholes, (H, H)),
    "coupled": (coupled, (H, H)), "multiplicative": (multiplicative, (H, H)),
    "layer_norm": (layer_norm, (H, H)), "gru": (gru, (H,)), "mgu": (mgu, (H,)),
    "scrn": (scrn, (H, 2)), "clockwork": (clockwork, (H, None)),
    "residual": (residual, (D,)), "normalized": (normalized, (H,)),
    "stacked": (stacked, (H, H, 2)), "zoneout": (zoneout, (H, H)),
}  # fmt: skip


@pytest.mark.parametrize("target", ["reference", "numpy"])
@pytest.mark.parametrize("name", STEPS)
def test_a_layer_is_its_equations(name, target):
    step, widths = STEPS[name]
    cell, *_ = layer(name)
    p = {path: v.get_value() for path, v in cell.parameters().items()}
    x, mask = values(LENGTHS)
    state = [0 if width is None else np.zeros((2, width)) for width in widths]
    outputs = []
    for x_t, real in zip(x, mask[:, :, None], strict=True):
        y, new = step(p, x_t, *state)
        shown = [k for k, part in enumerate(new) if part is y]
        state = [
            np.where(real, n, s) if np.ndim(n) else n
            for n, s in zip(new, state, strict=True)
        ]
        outputs.append(state[shown[0]] if shown else y * real)
    got, *rest = forward(name, target)(x, mask)
    np.testing.assert_allclose(got, np.array(outputs), rtol=1e-10, atol=1e-12)
    for part, last in zip(rest[: len(state)], state, strict=True):
        np.testing.assert_allclose(part, last, rtol=1e-10, atol=1e-12)


LSTMS = ["carousel", "lstm", "peepholes", "coupled", "projected", "multiplicative"]


@pytest.mark.parametrize("name", [*LSTMS, "layer_norm"])
def test_gates_of_all_steps_give_the_memory(name):
    """A picture's gates, from all states at once, are those that made the memory."""
    cell, x, mask, run = layer(name)
    before = [
        ss.tensor.concatenate([start[None], part[:-1]])
        for start, part in zip(cell.initial(x.shape[1]), run.states, strict=True)
    ]
    gates = cell.gates(x, cells.LSTMState(*before))
    c = gates.f * before[1] + gates.i * gates.g
    found, wanted, *shut = ss.function([x, mask], [c, run.states.c, *gates[:3]])(
        *values([4, 4])
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)
    for gate in shut:
        assert gate.shape == (4, 2, H) and (gate >= 0).all() and (gate <= 1).all()


def test_the_carousel_keeps_an_error_for_ever():
    """∂c_T/∂c_0 is 1 where neither gate hears h: the constant error carousel."""
    cell = cells.CarouselLSTM(D, H, rng=np.random.default_rng(0))
    cell.U.set_value(np.zeros((H, 3 * H)))
    x = ss.tensor.tensor3("x", dtype="float64")
    start = cells.LSTMState(*(ss.tensor.matrix(n, dtype="float64") for n in "hc"))
    _, last = Recurrent(cell)(x, initial=start, return_state=True)
    slope = ss.function([x, *start], ss.grad(last.c.sum(), start.c))
    long = np.random.default_rng(0).standard_normal((200, 2, D))
    np.testing.assert_array_equal(slope(long, np.ones((2, H)), np.ones((2, H))), 1)


def test_irnn_begins_as_a_sum():
    cell = cells.SimpleRNN.irnn(D, H, rng=np.random.default_rng(0), scale=0.5)
    np.testing.assert_array_equal(cell.U.get_value(), 0.5 * np.eye(H))
    assert not cell.b.get_value().any()
    assert 0 < np.abs(cell.W.get_value()).max() < 0.01


def test_forget_bias_stands_in_its_block():
    cell = cells.PeepholeLSTM(D, H, rng=np.random.default_rng(0), forget_bias=1.5)
    np.testing.assert_array_equal(cell.b.get_value().reshape(4, H).sum(1), [0, 6, 0, 0])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda rng: cells.SimpleRNN(D, H, rng=rng, activation="σ"), "activation"),
        (lambda rng: cells.CoupledLSTM(D, H, rng=rng, forget_bias=1.0), "forget gate"),
        (lambda rng: cells.SCRN(D, H, 2, rng=rng, alpha=1.5), "alpha"),
        (lambda rng: cells.Clockwork(D, 5, rng=rng, periods=(1, 2)), "evenly"),
        (lambda rng: cells.Clockwork(D, H, rng=rng, periods=(0, 2)), "at least 1"),
        (lambda rng: cells.Clockwork(D, H, rng=rng, periods=()), "periods"),
    ],
)
def test_what_makes_no_cell_is_refused(make, said):
    with pytest.raises(ss.errors.UsageError, match=said):
        make(np.random.default_rng(0))
