"""Keras's equations in NumPy, from its arrays, answer as our cells with these weights.

LSTM: kernels and bias in i, f, c, o. GRU: in z, r, h; with reset_after the bias has two
rows, input's and recurrent's, and the reset scales a product that its row is part of.
"""

import numpy as np
import pytest
from converter_tools import (
    H,
    answers,
    close,
    drawn,
    looped,
    made,
    sequence,
    sigmoid,
)

from symseq.models import Bidirectional
from symseq.models.converters import from_keras, to_keras


def rnn(kernel, recurrent_kernel, bias):
    return lambda x, h: (np.tanh(x @ kernel + h @ recurrent_kernel + bias),)


def lstm(kernel, recurrent_kernel, bias):
    def step(x, h, c):
        z = x @ kernel + h @ recurrent_kernel + bias
        z0, z1, z2, z3 = np.split(z, 4, axis=1)
        i, f = sigmoid(z0), sigmoid(z1)
        c = f * c + i * np.tanh(z2)
        return sigmoid(z3) * np.tanh(c), c

    return step


def gru(kernel, recurrent_kernel, bias):
    def step(x, h):
        x_z, x_r, x_h = np.split(x @ kernel + bias, 3, axis=1)
        u_z, u_r, u_h = np.split(recurrent_kernel, 3, axis=1)
        z, r = sigmoid(x_z + h @ u_z), sigmoid(x_r + h @ u_r)
        return (z * h + (1 - z) * np.tanh(x_h + (r * h) @ u_h),)

    return step


def gru_after(kernel, recurrent_kernel, bias):
    def step(x, h):
        x_z, x_r, x_h = np.split(x @ kernel + bias[0], 3, axis=1)
        h_z, h_r, h_h = np.split(h @ recurrent_kernel + bias[1], 3, axis=1)
        z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
        return (z * h + (1 - z) * np.tanh(x_h + r * h_h),)

    return step


STEPS = {"rnn": rnn, "lstm": lstm, "gru": gru, "gru_after": gru_after}


def theirs(kind, weights, x):
    start = np.zeros((x.shape[1], H))
    state = [start, start] if kind == "lstm" else [start]
    return looped(STEPS[kind](*weights), x, *state)


@pytest.mark.parametrize("kind", STEPS)
def test_a_layer_with_their_weights(kind):
    cell, x = made(kind), sequence()
    weights = drawn(to_keras(cell))
    from_keras(cell, weights)
    close(answers(cell, x), theirs(kind, weights.values(), x))


@pytest.mark.parametrize("kind", STEPS)
def test_their_layer_with_our_weights(kind):
    cell, x = made(kind), sequence()
    close(answers(cell, x), theirs(kind, to_keras(cell).values(), x))


@pytest.mark.parametrize("kind", STEPS)
def test_both_directions(kind):
    both, x = Bidirectional(made(kind), made(kind, 1)), sequence()
    weights = drawn(to_keras(both))
    from_keras(both, weights)
    first, second = list(weights.values())[:3], list(weights.values())[3:]
    ahead, behind = theirs(kind, first, x), theirs(kind, second, x[::-1])[::-1]
    close(answers(both, x), np.concatenate([ahead, behind], axis=2))
    assert list(weights)[2:4] == ["forward/bias", "backward/kernel"]
