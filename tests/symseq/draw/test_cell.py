"""Cells as textbooks draw them, without any code for pictures in the cell."""

import re

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.draw.cell import cell_dot
from symseq.draw.render import render
from symseq.errors import UsageError
from symseq.models.attention.lstmn import LSTMN
from symseq.models.cells.gru import GRU, ResetAfterGRU
from symseq.models.cells.lstm import LSTM, PeepholeLSTM
from symseq.models.cells.simple import SimpleRNN
from symseq.models.recurrent import Recurrent

n, F = 4, "float32"
_NODE = re.compile(r'^\s*(c\d+n\d+) \[label=(?:"([^"]*)"|(\S+)) ', re.M)
_EDGE = re.compile(r"^\s*(c\d+n\d+) -> (c\d+n\d+)(?: \[(.*)\])?$", re.M)
WEIGHT, FUNCTION = "#0072B2", "#C8321E"


def parameter(name, *shape):
    return ss.shared(np.zeros(shape, F), name=name)


def edges(dot):
    """(from, to, label, colour) by what the nodes say."""
    names = {key: quoted or bare for key, quoted, bare in _NODE.findall(dot)}
    found = set()
    for source, target, look in _EDGE.findall(dot):
        label = re.search(r'label=" ([^"]*) "', look)
        colour = re.search(r'color="([^"]*)"', look)
        found.add((
            names[source], names[target], label[1] if label else "",
            colour[1] if colour else "",
        ))  # fmt: skip
    return found


def new_cell():
    W, U, b = parameter("W", 3, 2 * n), parameter("U", n, 2 * n), parameter("b", 2 * n)

    def step(x_t, s):
        sums = T.dot(x_t, W) + T.dot(s, U) + b
        keep = T.nnet.sigmoid(sums[:, :n])
        new = T.tanh(sums[:, n:])
        return keep * s + (1 - keep) * new

    s, _ = ss.scan(step, T.tensor3("x"), T.matrix("s0"))
    return s


def test_a_new_cell():
    dot = cell_dot(new_cell())
    found = edges(dot)
    assert {
        ("x(t)", "+ b_keep", "W_keep", WEIGHT),
        ("s(t−1)", "+ b_keep", "U_keep", WEIGHT),
        ("+ b_keep", "keep(t)", "σ", FUNCTION),
        ("x(t)", "+ b_new", "W_new", WEIGHT),
        ("+ b_new", "new(t)", "tanh", FUNCTION),
        ("keep(t)", "⊙", "1 −", FUNCTION),
        ("keep(t)", "⊙", "", ""),
        ("s(t−1)", "⊙", "", ""),
        ("⊙", "+", "", ""),
        ("+", "s(t)", "", ""),
    } <= found
    assert "s(t) = keep(t) ⊙ s(t−1) + (1 − keep(t)) ⊙ new(t)" in dot


def test_peepholes_are_weights_on_the_memory():
    rng = np.random.default_rng(0)
    x = T.tensor3("x")
    found = edges(cell_dot(Recurrent(PeepholeLSTM(3, n, rng=rng))(x)))
    weights = {(a, label) for a, _, label, colour in found if colour == WEIGHT}
    assert len([1 for a, label in weights if label.startswith("⊙ p")]) == 3
    assert len([1 for a, _ in weights if a == "x(t)"]) == 4


def two_taps():
    U = parameter("U", n, n)
    h0 = {"initial": T.tensor3("h0"), "taps": [-2, -1]}
    h, _ = ss.scan(lambda far, near: T.tanh(near @ U - far), None, h0, n_steps=3)
    return h


def mapped():
    W, b = parameter("W", 3, n), parameter("b", n)
    y, _ = ss.map(lambda x: T.nnet.relu(x @ W + b), T.tensor3("x"))
    return y


def backwards():
    U = parameter("U", n, n)
    step = {"go_backwards": True}
    h, _ = ss.scan(lambda x, h: x + h @ U, T.tensor3("x"), T.matrix("h0"), **step)
    return h


def nested():
    def outer(row, s):
        a, _ = ss.scan(lambda e, a: a + e, row, T.zeros_like(row[0]), name="total")
        return T.tanh(s + a[-1])

    s, _ = ss.scan(outer, T.tensor3("x"), T.vector("s0"))
    return s


def passed_on():
    (_, b), _ = ss.scan(lambda a, b: (b, a), None, [T.vector("a0"), T.vector("b0")],
                        n_steps=3)  # fmt: skip
    return b


def ugly():
    W = parameter('W"<script>&\n日本語' + "長" * 200, n, n)
    x = T.tensor3('<b>x"&\\n')
    h, _ = ss.scan(lambda x, h: T.tanh(x @ W) + h, x, T.matrix("h0"), name='<"&\n>')
    return h


def test_two_taps_enter_apart():
    found = edges(cell_dot(two_taps()))
    assert ("h(t−1)", "+", "U", WEIGHT) in found
    assert ("h(t−2)", "+", "−", "") in found


def test_a_loop_that_runs_backwards_reads_the_step_after_and_says_so():
    dot = cell_dot(backwards())
    assert ("h(t+1)", "+", "U", WEIGHT) in edges(dot)
    assert "t = T, …, 1" in dot


def test_a_state_passed_on_is_drawn():
    found = edges(cell_dot(passed_on()))
    assert {("b(t−1)", "a(t)", "", ""), ("a(t−1)", "b(t)", "", "")} <= found


def of_models():
    rng, x = np.random.default_rng(0), T.tensor3("x")
    for cell in (SimpleRNN, LSTM, PeepholeLSTM, GRU, ResetAfterGRU):
        yield Recurrent(cell(3, n, rng=rng))(x, T.matrix("mask"))
    yield Recurrent(LSTMN(3, n, rng=rng).over(x.shape[0]))(x)


def test_every_cell_is_laid_out_and_escaped():
    """One layout of all, so that Graphviz starts once."""
    made = [two_taps(), mapped(), backwards(), nested(), passed_on(), ugly()]
    svg = render(cell_dot([*made, *of_models()]), "svg").decode()
    assert "<script>" not in svg and "<b>" not in svg
    assert "&lt;script&gt;" in svg
    assert svg.count("tanh") > 6


def test_a_style_of_draw():
    assert ss.draw(new_cell(), style="cell").dot == cell_dot(new_cell())


def test_no_loop_no_cell():
    with pytest.raises(UsageError, match="body of a scan"):
        cell_dot(T.tanh(T.vector("x")))
