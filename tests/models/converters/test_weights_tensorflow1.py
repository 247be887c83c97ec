"""TensorFlow 1's equations in NumPy, from its variables, answer as our cells with them.

One kernel for [x, h]; an LSTM's parts are i, j, f, o, and the forget bias is added when
it runs. A GRU resets before the product; its gates are r, u.
"""

import numpy as np
import pytest
from converter_tools import (
    H,
    R,
    answers,
    close,
    drawn,
    looped,
    made,
    sequence,
    sigmoid,
)

from symseq.models.converters import from_tf1, to_tf1


def side(x, h):
    return np.concatenate([x, h], axis=1)


def rnn(v, _):
    return lambda x, h: (np.tanh(side(x, h) @ v["kernel"] + v["bias"]),)


def lstm(v, forget_bias):
    def step(x, h, c):
        i, j, f, o = np.split(side(x, h) @ v["kernel"] + v["bias"], 4, axis=1)
        c = c * sigmoid(f + forget_bias) + sigmoid(i) * np.tanh(j)
        return np.tanh(c) * sigmoid(o), c

    return step


def peepholes(v, forget_bias):
    def step(x, h, c):
        i, j, f, o = np.split(side(x, h) @ v["kernel"] + v["bias"], 4, axis=1)
        kept = sigmoid(f + forget_bias + v["w_f_diag"] * c) * c
        c = kept + sigmoid(i + v["w_i_diag"] * c) * np.tanh(j)
        return sigmoid(o + v["w_o_diag"] * c) * np.tanh(c), c

    return step


def projected(v, forget_bias):
    inner = lstm(v, forget_bias)

    def step(x, h, c):
        m, c = inner(x, h, c)
        return m @ v["projection/kernel"], c

    return step


def gru(v, _):
    def step(x, h):
        gates = sigmoid(side(x, h) @ v["gates/kernel"] + v["gates/bias"])
        r, u = np.split(gates, 2, axis=1)
        c = np.tanh(side(x, r * h) @ v["candidate/kernel"] + v["candidate/bias"])
        return (u * h + (1 - u) * c,)

    return step


STEPS = {
    "rnn": rnn, "lstm": lstm, "peepholes": peepholes, "projected": projected,
    "gru": gru,
}  # fmt: skip


def theirs(kind, variables, x, forget_bias):
    widths = {"rnn": [H], "gru": [H], "projected": [R, H]}.get(kind, [H, H])
    state = [np.zeros((x.shape[1], width)) for width in widths]
    return looped(STEPS[kind](variables, forget_bias), x, *state)


@pytest.mark.parametrize("forget_bias", [1.0, 0.0, 2.5])
@pytest.mark.parametrize("kind", STEPS)
def test_either_way(kind, forget_bias):
    cell, x = made(kind), sequence()
    variables = to_tf1(cell, forget_bias=forget_bias)
    close(answers(cell, x), theirs(kind, variables, x, forget_bias))
    variables = drawn(variables)
    from_tf1(cell, variables, forget_bias=forget_bias)
    close(answers(cell, x), theirs(kind, variables, x, forget_bias))


def test_the_forget_bias_is_1_where_nothing_is_said():
    cell = made("lstm")
    variables = to_tf1(cell)
    close(answers(cell, sequence()), theirs("lstm", variables, sequence(), 1.0))


def test_the_scope_of_a_model():
    cell, other = made("gru"), made("gru", 1)
    variables = to_tf1(cell, prefix="rnn/gru_cell/")
    assert "rnn/gru_cell/gates/kernel" in variables
    from_tf1(other, variables | {"logits/w": np.ones(2)}, prefix="rnn/gru_cell/")
    np.testing.assert_array_equal(other.U_h.get_value(), cell.U_h.get_value())
