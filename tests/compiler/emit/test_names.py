"""Names in a plan's text: the user's where there are some, and never two for one."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T

# What a plan calls its own things, as a user may call variables.
TAKEN = [
    "lstm_views", "lstm_done", "lstm", "lstm_at", "table", "bind", "run", "update",
    "outputs", "buffer", "early", "shape", "op", "trips", "rows", "prepare", "blocks",
    "blocks_0", "add", "copyto", "range", "zip", "int", "n_1", "n_1_", "c_1", "tmp",
    "lambda", "None", "1st", "x y", "take_rows", "put_rows", "gather", "softmax",
    "dot_1", "x_flat", "x_b", "tmp_b", "array",
]  # fmt: skip


def program(name):
    """A loop with `until`, blocks, helpers, numbers: every name of a text occurs."""
    x, other = T.dmatrix("x"), T.dvector(name)
    h0 = T.zeros(3, "float64")
    h0.name = f"{name}0"

    def step(x_t, h):
        new = T.tanh(T.nnet.sigmoid(x_t) * h + other + 1)
        new.name = name
        return new, ss.until(new.sum() > 50)

    h, _ = ss.scan(step, x, h0, name="lstm")
    picked = h[T.constant([0, 0])] + T.nnet.softmax(x)[0]
    picked.name = name
    return ss.function([x, other], [picked, (h * h).sum(), T.inc_subtensor(h[[0]], 1)])


@pytest.mark.parametrize("name", TAKEN)
def test_a_user_s_names_do_not_clash(name):
    f = program(name)
    x, other = np.ones((4, 3)), np.zeros(3)
    compile(f.plan.source, "plan", "exec")
    h, rows = np.zeros(3), []
    for row in x:
        h = np.tanh(h / (1 + np.exp(-row)) + other + 1)
        rows.append(h)
    picked, total, added = f(x, other)
    np.testing.assert_allclose(picked, np.array(rows)[[0, 0]] + 1 / 3)
    np.testing.assert_allclose(total, (np.array(rows) ** 2).sum())
    np.testing.assert_allclose(added[0], rows[0] + 1)


def test_the_user_s_names_are_kept():
    source = program("bias").plan.source
    assert "bias_t" in source  # the new state
    assert "bias_tm1" in source  # the old one
    assert "softmax" in source


def test_views_are_named_for_what_they_look_into():
    x, W = T.dtensor3("x"), T.dmatrix("W")
    y = T.dot(x, W.T).reshape((x.shape[0], -1))[::-1]
    source = ss.function([x, W], y).plan.source
    assert "W_T" in source
    assert "_reversed" in source


def test_many_inputs_and_steps():
    inputs = [T.dscalar(f"v{k}") for k in range(300)]
    total = inputs[0]
    for v in inputs[1:]:
        total = T.tanh(total + v)
    f = ss.function(inputs, [total, *T.grad(total, inputs)])
    made = f(*np.linspace(0, 0.01, 300))
    assert len(made) == 301
    assert np.isfinite(made).all()
