"""Formulas: precedence, shared parts, lengths, loops."""

import numpy as np
import pytest

import symseq  # noqa: F401  (fills the table of operators)
from symseq.errors import UsageError
from symseq.graph import SharedVariable, Variable
from symseq.lengths import dims
from symseq.ops.convert import constant
from symseq.ops.math import sigmoid, tanh
from symseq.ops.products import dot
from symseq.printing.pprint import pp, pprint
from symseq.scan.frontend import scan
from symseq.scan.returns import until
from symseq.types import TensorType

B, T, H, D = dims("B T", H=128, D=64)


def leaf(name, *shape):
    return Variable(TensorType("float32", shape), name=name)


def parameter(name, *shape):
    type_ = TensorType("float32", shape)
    return SharedVariable(type_, np.zeros(type_.sizes, "float32"), name)


a, b, c = (leaf(name, T) for name in "abc")


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (a + b * c, "a + b * c"),
        ((a + b) * c, "(a + b) * c"),
        (a - (b - c), "a - (b - c)"),
        (a - b - c, "a - b - c"),
        (a / (b * c), "a / (b * c)"),
        (-(a**2), "-a ** 2"),
        ((-a) ** 2, "(-a) ** 2"),
        (-(a + b), "-(a + b)"),
        (a * -2.0, "a * -2"),
        (a < b, "a < b"),
        (a[1:] * a[:-1], "a[1:] * a[:-1]"),
        ((a + b)[0], "(a + b)[0]"),
        (a[::-1], "a[::-1]"),
        (abs(a - b), "|a - b|"),
        (a.sum(), "sum(a)"),
        (leaf("x", B, H).sum(axis=1), "sum(x, axis=1)"),
        (leaf("x", B, H).T, "x.T"),
        (a[:, None], "a[:, None]"),
        (a.shape[0] * 2 + 1, "2T + 1"),
        (leaf(None, T) + leaf(None, T), "x1 + x2"),
        (a.astype("int64"), "int64(a)"),
        (constant(0.5), "0.5"),
    ],
)
def test_formula(made, text):
    assert pprint(made) == text


def test_layer_is_one_line():
    x, w, bias = leaf("x", B, D), parameter("W", D, H), parameter("b", H)
    assert pprint(tanh(dot(x, w) + bias)) == "tanh(dot(x, W) + b)"
    assert pp is pprint


def test_shared_parts_are_named_once():
    y = tanh(a)
    assert pprint(y * (1 - y)) == "t1 = tanh(a)\nt1 * (1 - t1)"


def test_named_parts_keep_their_names():
    y = tanh(a)
    y.name = "y"
    assert pprint(y + 1) == "y = tanh(a)\ny + 1"
    assert pprint(y) == "y = tanh(a)"


def test_two_variables_of_one_name_stay_apart():
    assert pprint(leaf("a", T) + leaf("a", T)) == "a + a_1"


def test_loop_is_printed_in_place():
    x, h0 = leaf("x", T, B, D), leaf("h0", B, H)
    w, u = parameter("W", D, H), parameter("U", H, H)
    h, _ = scan(lambda x, h: tanh(dot(x, w) + dot(h, u)), [x], [h0])
    assert pprint(h) == (
        "h = for t < T:  (sequence x[t]; state h[t-1] from h0)\n"
        "      h[t] = tanh(dot(x[t], W) + dot(h[t-1], U))"
    )
    assert pprint(h[-1]).endswith("\nh[-1]")


def test_taps_until_and_mapped_outputs():
    start = leaf("start", 2)
    state = {"initial": start, "taps": [-1, -2]}

    def step(u, one, two):
        return (one * u + two, one - two), until(one > 3)

    outputs, _ = scan(step, [a], [state, None])
    assert pprint(outputs).splitlines()[:4] == [
        "h, y, steps = for t < T:  (sequence a[t]; state h[t-1] from start; "
        "state h[t-2] from start)",
        "      h[t] = h[t-1] * a[t] + h[t-2]",
        "      y[t] = h[t-1] - h[t-2]",
        "      until h[t-1] > 3",
    ]


def test_nested_loops_count_with_other_letters():
    grid, start = leaf("grid", T, T), leaf("start")

    def row(values, total):
        inner, _ = scan(lambda v, s: tanh(v + s), [values], [start])
        return total + inner[-1]

    text = pprint(scan(row, [grid], [start])[0])
    assert "for s < T:  (sequence grid[t][s]; state h_1[s-1] from start)" in text
    assert "            h_1[s] = tanh(grid[t][s] + h_1[s-1])" in text


def test_deep_graph_does_not_recurse():
    y = a
    for _ in range(3000):
        y = sigmoid(y) + a
    lines = pprint(y).splitlines()
    assert max(map(len, lines)) < 100
    assert len(lines) > 100


def test_outputs_of_objects_and_lists():
    class Model:
        outputs = (a, a + b)

    assert pprint(Model()) == "a\na + b"
    assert pprint([]) == ""
    with pytest.raises(UsageError, match="got int"):
        pprint(3)
