"""Decoders and LSTMNs against loops written from the papers' numbered equations.

Values to 1e-10 and every gradient, by central differences of the loop, to 1e-5.
"""

import numpy as np
import pytest
from attention_tools import D, H, M, inputs, model, values, wide

import symseq as ss
import symseq.tensor as T
from symseq.models import Recurrent
from symseq.models.attention import Memory

TARGETS, SOURCES = [4, 2, 3], [3, 5, 1]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(e):
    e = np.exp(e - e.max())
    return e / e.sum()


def gru(p, x, s):
    """Cho et al. 2014 (5)-(8)."""
    W, U = np.split(p["W"], 3, 1), np.split(p["U"], 2, 1)
    b = np.split(p["b"], 3)
    r = sigmoid(x @ W[0] + s @ U[0] + b[0])
    z = sigmoid(x @ W[1] + s @ U[1] + b[1])
    new = np.tanh(x @ W[2] + (r * s) @ p["U_h"] + b[2])
    return z * s + (1 - z) * new


def lstm_gates(p, x, h):
    pre = x @ p["W"] + h @ p["U"] + p["b"]
    i, f, o, g = np.split(pre, 4)
    return sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)


def under(p, path):
    """The parameters below a path, by their names."""
    front = path + "."
    return {k[len(front) :]: v for k, v in p.items() if k.startswith(front)}


def additive(q, s, h):
    """Bahdanau A.1.2: e_j = v' tanh(W s_{i-1} + U h_j)."""
    return np.array([q["v"] @ np.tanh(s @ q["W"] + h_j @ q["U"]) for h_j in h])


def general(q, h_t, memory):
    """Luong 3.1: score = h_t' W h̄_s."""
    return np.array([h_t @ q["W"] @ h_s for h_s in memory])


def by_bahdanau(p, y, memory, hard=False):
    """Equations (4)-(6) of Bahdanau et al. 2015."""
    q, s, out = under(p, "decoder.attention.score"), np.zeros(H), []
    for y_i in y:
        alpha = softmax(additive(q, s, memory))  # (6), a(s_{i-1}, h_j)
        if hard:  # the likeliest place, where nothing is drawn
            alpha = np.eye(len(memory))[alpha.argmax()]
        c = sum(a * h_j for a, h_j in zip(alpha, memory, strict=True))  # (5)
        s = gru(under(p, "decoder.cell"), np.concatenate([y_i, c]), s)  # (4)
        out.append(np.concatenate([s, c]))
    return np.array(out)


def by_luong(p, y, memory, look=None):
    """Luong et al. 2015: (7), c_t, (5), input feeding; `look` makes weights local."""
    cell, q = under(p, "decoder.cell"), under(p, "decoder.attention.score")
    h, c, fed, out = np.zeros(H), np.zeros(H), np.zeros(H), []
    for t, y_t in enumerate(y):
        i, f, o, g = lstm_gates(cell, np.concatenate([y_t, fed]), h)
        c = f * c + i * g
        h = o * np.tanh(c)
        e = general(q, h, memory)
        a = softmax(e) if look is None else look(p, t, h, e)  # (7)
        context = sum(w * h_s for w, h_s in zip(a, memory, strict=True))
        fed = np.tanh(np.concatenate([context, h]) @ p["decoder.W"])  # (5)
        out.append(fed)
    return np.array(out)


def windowed(e, place, width):
    """softmax over the s in [p - D, p + D], zeros elsewhere."""
    a, inside = np.zeros(len(e)), [s for s in range(len(e)) if abs(s - place) <= width]
    if inside:
        a[inside] = softmax(e[inside])
    return a


def monotonic(p, t, h, e):
    """Section 3.2, local-m: p_t = t."""
    return windowed(e, t, 1)


def predictive(p, t, h, e):
    """Section 3.2, local-p: equations (9) and (10), σ = D / 2."""
    q = under(p, "decoder.attention")
    place = len(e) * sigmoid(q["v"] @ np.tanh(h @ q["W"]))  # (9)
    fall = np.exp(-((np.arange(len(e)) - place) ** 2) / (2 * (2 / 2) ** 2))
    return windowed(e, place, 2) * fall  # (10)


def by_lstmn(p, y, memory, at="lstmn", steps=None):
    """Cheng et al. 2016: (4)-(9), both tapes beginning with zeros."""
    q = under(p, at)
    h, c, attended, out = [np.zeros(H)], [np.zeros(H)], np.zeros(H), []
    for x_t in y:
        a = [q["v"] @ np.tanh(h_i @ q["W_h"] + x_t @ q["W_x"] + attended @ q["W_a"])
             for h_i in h]  # (4)  # fmt: skip
        s = softmax(np.array(a))  # (5)
        attended = sum(s_i * h_i for s_i, h_i in zip(s, h, strict=True))  # (6)
        remembered = sum(s_i * c_i for s_i, c_i in zip(s, c, strict=True))
        i, f, o, new = lstm_gates(q, x_t, attended)  # (7)
        c.append(f * remembered + i * new)  # (8)
        h.append(o * np.tanh(c[-1]))  # (9)
        out.append(h[-1])
    return np.array(out)


def by_deep_fusion(p, y, memory):
    """Cheng et al. 2016: (4)-(7) within, (10)-(15) across."""
    q, u = under(p, "fusion.lstmn"), under(p, "fusion")
    gamma, alpha = np.split(wide(memory[:, None])[:, 0], 2, axis=1)
    h, c, attended, seen, out = (
        [np.zeros(H)],
        [np.zeros(H)],
        np.zeros(H),
        np.zeros(H),
        [],
    )
    for x_t in y:
        b = [u["u"] @ np.tanh(g_j @ u["W_g"] + x_t @ u["W_x"] + seen @ u["W_a"])
             for g_j in gamma]  # (10)  # fmt: skip
        w = softmax(np.array(b))  # (11)
        seen, kept = w @ gamma, w @ alpha  # (12)
        r = sigmoid(np.concatenate([seen, x_t]) @ u["W_r"])  # (13)
        a = [q["v"] @ np.tanh(h_i @ q["W_h"] + x_t @ q["W_x"] + attended @ q["W_a"])
             for h_i in h]  # fmt: skip
        s = softmax(np.array(a))
        attended, own = s @ np.array(h), s @ np.array(c)
        i, f, o, new = lstm_gates(q, x_t, attended)
        c.append(r * kept + f * own + i * new)  # (14)
        h.append(o * np.tanh(c[-1]))  # (15)
        out.append(h[-1])
    return np.array(out)


LOOPS = {
    "bahdanau": by_bahdanau,
    "bahdanau_hard": lambda *given: by_bahdanau(*given, hard=True),
    "luong": by_luong,
    "luong_monotonic": lambda *given: by_luong(*given, look=monotonic),
    "luong_predictive": lambda *given: by_luong(*given, look=predictive),
    "lstmn": by_lstmn,
    "deep": by_deep_fusion,
}


def by_hand(name, p, data):
    """Outputs of all rows, each by itself; 0 over padding. Shape: [T, B, outputs]."""
    y, real, memory, mask = data
    rows = []
    for b in range(y.shape[1]):
        n, m = int(real[:, b].sum()), int(mask[:, b].sum())
        out = LOOPS[name](p, y[:n, b], memory[:m, b])
        rows.append(np.concatenate([out, np.zeros((len(y) - n, out.shape[1]))]))
    return np.stack(rows, axis=1)


@pytest.mark.parametrize("name", LOOPS)
def test_values_and_gradients_are_those_of_the_equations(name):
    given, (parameters, over) = inputs(), model(name)
    y, real, memory, mask = given
    layer = Recurrent(over(Memory(memory, mask), y.shape[0]))
    shown = layer(y, real) * real[:, :, None]
    data = values(TARGETS, SOURCES)
    weight = np.random.default_rng(7).standard_normal((4, 3, H + M))
    cost = (shown * T.constant(weight)[:, :, : shown.shape[2]]).sum()
    wanted = {"y": y} | ({} if name == "lstmn" else {"memory": memory}) | parameters
    grads = T.grad(cost, list(wanted.values()), disconnected_inputs="ignore")
    f = ss.function(given, [shown, *grads], on_unused_input="ignore")
    outputs, *found = f(*data)
    root = {"deep": "fusion", "lstmn": "lstmn"}.get(name, "decoder")
    p = {f"{root}.{k}": v.get_value() for k, v in parameters.items()}
    np.testing.assert_allclose(outputs, by_hand(name, p, data), atol=1e-10)

    def cost_by_hand():
        made = by_hand(name, p, data)
        return (made * weight[:, :, : made.shape[2]]).sum()

    for (path, _), gradient in zip(wanted.items(), found, strict=True):
        place = {"y": 0, "memory": 2}.get(path)
        value = data[place] if place is not None else p[f"{root}.{path}"]
        expected = differences(cost_by_hand, value)
        np.testing.assert_allclose(gradient, expected, atol=1e-5, err_msg=path)


def differences(cost, value, step=1e-5):
    """∂cost/∂value by central differences, `value` changed in place."""
    made = np.zeros_like(value)
    for at in np.ndindex(value.shape):
        before = value[at]
        value[at] = before + step
        above = cost()
        value[at] = before - step
        made[at] = (above - cost()) / (2 * step)
        value[at] = before
    return made


def test_shallow_fusion_is_an_lstmn_that_reads_the_context():
    """The sources as Bahdanau's, the LSTMN's (4)-(9) for its cell."""
    y, real, memory, mask = inputs()
    parameters, over = model("shallow")
    run = Recurrent(over(Memory(memory, mask), y.shape[0])).run(y, real)
    f = ss.function([y, real, memory, mask], [run.outputs, run.states.weights])
    data = values([4], [3])
    (outputs, weights), p = f(*data), {k: v.get_value() for k, v in parameters.items()}
    contexts = outputs[:, 0, H:]
    np.testing.assert_allclose(contexts, weights[:, 0] @ data[2][:, 0], atol=1e-12)
    x = np.concatenate([data[0][:, 0], contexts], axis=1)
    inner = {
        f"lstmn.{k}": v for k, v in p.items() if k in "W U b W_h W_x W_a v".split()
    }
    assert x.shape[1] == D + M
    np.testing.assert_allclose(outputs[:, 0, :H], by_lstmn(inner, x, None), atol=1e-10)
