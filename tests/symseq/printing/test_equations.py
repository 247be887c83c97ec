"""Equations of cells that no code for printing knows of."""

import re

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.errors import UsageError

n, F = 4, "float32"


def parameter(name, *shape):
    return ss.shared(np.zeros(shape, F), name=name)


def printed(what):
    return ss.equations(what).splitlines()


def new_cell():
    """A cell with a joined kernel that is in no module of models."""
    W, U, b = parameter("W", 3, 3 * n), parameter("U", n, 3 * n), parameter("b", 3 * n)

    def step(x_t, s, m):
        sums = T.dot(x_t, W) + T.dot(s, U) + b
        keep = T.nnet.sigmoid(sums[:, :n])
        new = T.tanh(sums[:, n : 2 * n])
        out = T.nnet.sigmoid(sums[:, 2 * n :])
        m_t = keep * m + (1 - keep) * new
        s_t = out * T.tanh(m_t)
        return s_t, m_t

    x, s0, m0 = T.tensor3("x"), T.matrix("s0"), T.matrix("m0")
    (s, _), _ = ss.scan(step, x, [s0, m0], name="mine")
    return s


def test_a_new_cell():
    assert printed(new_cell()) == [
        "keep(t) = σ(x(t) W_keep + s(t−1) U_keep + b_keep)",
        "new(t) = tanh(x(t) W_new + s(t−1) U_new + b_new)",
        "out(t) = σ(x(t) W_out + s(t−1) U_out + b_out)",
        "m(t) = keep(t) ⊙ m(t−1) + (1 − keep(t)) ⊙ new(t)",
        "s(t) = out(t) ⊙ tanh(m(t))",
        "W = [W_keep W_new W_out]",
        "U = [U_keep U_new U_out]",
        "b = [b_keep b_new b_out]",
    ]


def test_latex():
    rows = ss.equations(new_cell(), form="latex").split(" \\\\\n")
    assert rows[3] == (
        r"m(t) &= \mathrm{keep}(t) \odot m(t-1) + "
        r"(1 - \mathrm{keep}(t)) \odot \mathrm{new}(t)"
    )
    assert rows[0].startswith(r"\mathrm{keep}(t) &= \sigma(x(t)\, W_{\mathrm{keep}} + ")


def tutorial_lstm():
    """The Theano tutorial's: x W + b of all steps before the loop, a mask, a helper."""
    W, U, b = parameter("W", n, 4 * n), parameter("U", n, 4 * n), parameter("b", 4 * n)
    emb, mask = T.tensor3("emb"), T.matrix("mask")

    def _slice(_x, k, dim):
        if _x.ndim == 3:
            return _x[:, :, k * dim : (k + 1) * dim]
        return _x[:, k * dim : (k + 1) * dim]

    def step(m_, x_, h_, c_):
        preact = T.dot(h_, U)
        preact += x_
        i = T.nnet.sigmoid(_slice(preact, 0, n))
        f = T.nnet.sigmoid(_slice(preact, 1, n))
        o = T.nnet.sigmoid(_slice(preact, 2, n))
        g = T.tanh(_slice(preact, 3, n))
        c = f * c_ + i * g
        c = m_[:, None] * c + (1.0 - m_)[:, None] * c_
        h = o * T.tanh(c)
        h = m_[:, None] * h + (1.0 - m_)[:, None] * h_
        return h, c

    zeros = T.alloc(np.zeros((), F), emb.shape[1], n)
    (h, _), _ = ss.scan(step, [mask, T.dot(emb, W) + b], [zeros, zeros])
    return h


def test_what_was_hoisted_out_of_the_loop_is_written_where_it_is_read():
    assert printed(tutorial_lstm()) == [
        "i(t) = σ(h(t−1) U_i + emb(t) W_i + b_i)",
        "f(t) = σ(h(t−1) U_f + emb(t) W_f + b_f)",
        "o(t) = σ(h(t−1) U_o + emb(t) W_o + b_o)",
        "g(t) = tanh(h(t−1) U_g + emb(t) W_g + b_g)",
        "c′(t) = f(t) ⊙ c(t−1) + i(t) ⊙ g(t)",
        "c(t) = mask(t) ⊙ c′(t) + (1 − mask(t)) ⊙ c(t−1)",
        "h′(t) = o(t) ⊙ tanh(c(t))",
        "h(t) = mask(t) ⊙ h′(t) + (1 − mask(t)) ⊙ h(t−1)",
        "U = [U_i U_f U_o U_g]",
        "W = [W_i W_f W_o W_g]",
        "b = [b_i b_f b_o b_g]",
    ]


def test_unnamed_gates_are_numbered_as_their_blocks_lie():
    W, b = parameter("net.W", 3, 2 * n), parameter("net.b", 2 * n)

    def step(x, h):
        sums = x @ W + b
        return T.nnet.sigmoid(sums[:, n:]) * h + T.tanh(sums[:, :n])

    h, _ = ss.scan(step, T.tensor3("x"), T.matrix("h0"))
    assert printed(h) == [
        "a1(t) = tanh(x(t) W_1 + b_1)",
        "a2(t) = σ(x(t) W_2 + b_2)",
        "h(t) = a2(t) ⊙ h(t−1) + a1(t)",
        "W = [W_1 W_2]",
        "b = [b_1 b_2]",
    ]


def test_blocks_of_named_lengths():
    D, H = ss.dims("D H")
    W, h0 = T.matrix("W", shape=(D, 2 * H)), T.vector("h0", shape=(H,))
    width = h0.shape[0]

    def step(x):
        sums = x @ W
        gate = T.nnet.sigmoid(sums[:, :width])
        return gate * sums[:, width:]

    y, _ = ss.map(step, T.tensor3("x"))
    assert printed(y) == [
        "gate(t) = σ(x(t) W_gate)",
        "y(t) = gate(t) ⊙ x(t) W_y",
        "W = [W_gate W_y]",
    ]


def test_columns_that_are_no_blocks():
    W = parameter("W", 3, 5)
    y, _ = ss.map(lambda x: (x @ W)[:, :2] + (x @ W)[:, 1:3], T.tensor3("x"))
    assert printed(y) == ["y(t) = x(t) W[:, :2] + x(t) W[:, 1:3]"]


def test_two_taps_of_a_state_and_of_a_sequence():
    W, U = parameter("W", 3, n), parameter("U", n, n)

    def step(before, x, far, near):
        return T.tanh(x @ W + before @ W + near @ U - 0.5 * far)

    x = {"input": T.tensor3("x"), "taps": [-1, 0]}
    h, _ = ss.scan(step, x, {"initial": T.tensor3("h0"), "taps": [-2, -1]})
    assert printed(h) == ["h(t) = tanh(x(t) W + x(t−1) W + h(t−1) U − 0.5 · h(t−2))"]


def test_without_sequences():
    U = parameter("U", n, n)
    h, _ = ss.scan(lambda h: T.tanh(h @ U), None, T.matrix("h0"), n_steps=5)
    assert printed(h) == ["h(t) = tanh(h(t−1) U)"]


def test_a_loop_that_runs_backwards_reads_the_step_after():
    U, x = parameter("U", n, n), T.tensor3("x")
    h, _ = ss.scan(lambda x, h: x + h @ U, x, T.matrix("h0"), go_backwards=True)
    assert printed(h) == ["h(t) = x(t) + h(t+1) U"]


def test_until():
    def step(p, most):
        return p * 2, ss.until(p * 2 > most)

    p, _ = ss.scan(step, None, T.constant(1.0), T.scalar("most"), n_steps=9)
    assert printed(p) == ["h(t) = h(t−1) · 2", "until h(t−1) · 2 > most"]


def test_a_loop_in_a_loop_is_one_value():
    def inner(element, a):
        return a * 0.5 + element

    def outer(row, s):
        a, _ = ss.scan(inner, row, T.zeros_like(row[0]), name="sum")
        return T.tanh(s + a[-1])

    s, _ = ss.scan(outer, T.tensor3("x"), T.vector("s0"))
    (line,) = printed(s)
    assert line.startswith("s(t) = tanh(s(t−1) + sum(x(t), ")


def test_outputs_of_one_application_are_told_apart():
    def step(x):
        small, large = T.split(x, [1, 1], 2, axis=0)
        return small - large

    y, _ = ss.map(step, T.tensor3("x"))
    (line,) = printed(y)
    assert "[0] − " in line and line.endswith("[1]")


def test_each_loop_has_its_equations():
    U, x, h0 = parameter("U", n, n), T.tensor3("x"), T.matrix("h0")
    first, _ = ss.scan(lambda x, h: x + h @ U, x, h0, name="first")
    second, _ = ss.scan(lambda x, h: T.tanh(x) * h, first, h0, name="second")
    assert printed(second) == [
        "first:",
        "  h(t) = x(t) + h(t−1) U",
        "",
        "second:",
        "  h(t) = tanh(x(t)) ⊙ h(t−1)",
    ]


def test_a_constant_that_is_computed_is_written_out():
    W, memory = parameter("W", n, n), T.matrix("memory")
    keys = memory @ W
    y, _ = ss.map(lambda q: T.nnet.softmax(q @ keys.T), T.tensor3("q"))
    assert printed(y) == ["y(t) = softmax(q(t) (memory W).T)"]


def test_names_with_line_breaks_stay_in_their_line():
    W = parameter('W"<script>&\n日本語' + "長" * 200, 3, 3)
    y, _ = ss.map(lambda x: x @ W, T.tensor3("a\nb"))
    assert printed(y) == ['y(t) = a b(t) W"<script>& 日本語長長長長長長長長…']


def test_no_loop_no_equations():
    with pytest.raises(UsageError, match="body of a scan"):
        ss.equations(T.tanh(T.vector("x")))
    with pytest.raises(UsageError, match="form must be"):
        ss.equations(new_cell(), form="html")


def test_the_gradient_of_a_simple_rnn_reads_as_in_textbooks():
    """Goodfellow, Bengio and Courville 2016, section 10.2.2, its sums carried along."""
    W, U, b = parameter("W", 3, n), parameter("U", n, n), parameter("b", n)
    x, h0 = T.matrix("x"), T.vector("h0")
    step = lambda x_t, h: T.tanh(T.dot(x_t, W) + T.dot(h, U) + b)  # noqa: E731
    h, _ = ss.scan(step, x, h0, name="rnn")
    *_, backward = ss.equations(ss.grad((h[-1] ** 2).sum(), [W, U, b])).split("\n\n")
    assert backward.splitlines()[1:] == [
        "  a1(t) = (dh(t+1) + dh_out(t)) ⊙ (1 − h(t) ⊙ h(t))",
        "  dh(t) = U a1(t)",
        "  dW(t) = dW(t+1) + x(t) ⊙ a1(t)",
        "  dU(t) = dU(t+1) + h(t−1) ⊙ a1(t)",
        "  db(t) = db(t+1) + a1(t)",
        "  dx(t) = W a1(t)",
    ]


def test_a_gradient_reads_what_the_step_called_its_values():
    """Rows of h are counted from the first step; values kept have their names."""
    W, U = parameter("W", 3, n), parameter("U", n, n)
    b, P = parameter("b", n), parameter("P", n)
    x, h0 = T.tensor3("x"), T.tensor3("h0")

    def step(x_t, before, h):
        f = T.nnet.sigmoid(T.dot(x_t, W) + T.dot(h, U) + b)
        return f * h + P * before

    h, _ = ss.scan(step, x, [dict(initial=h0, taps=[-2, -1])])
    cost = (h[-1] ** 2).sum()
    *forward, backward = ss.equations([cost, *ss.grad(cost, [U, b, P])]).split("\n\n")
    assert len(forward) == 1  # a cost and its gradient share the loop forward
    assert [
        line for line in backward.splitlines() if re.match(r" *d[UbP]\(", line)
    ] == [
        "  dU(t) = dU(t+1) + h(t−1).T a2(t)",
        "  db(t) = db(t+1) + sum(a2(t), axis=0)",
        "  dP(t) = dP(t+1) + sum(a1(t) ⊙ h(t−2), axis=0)",
    ]
    assert "a2(t) = a1(t) ⊙ h(t−1) ⊙ f(t) ⊙ (1 − f(t))" in backward
