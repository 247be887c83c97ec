"""Cells with weights that are nowhere 0, and what a layer of them answers."""

import numpy as np

import symseq as ss
import symseq.tensor as T
from symseq.models import Bidirectional, Recurrent, cells

D, H, R, STEPS, B = 3, 4, 2, 5, 2

MAKE = {
    "rnn": lambda rng, d=D: cells.SimpleRNN(d, H, rng=rng),
    "lstm": lambda rng, d=D: cells.LSTM(d, H, rng=rng, forget_bias=1.0),
    "projected": lambda rng, d=D: cells.ProjectedLSTM(d, H, R, rng=rng),
    "peepholes": lambda rng, d=D: cells.PeepholeLSTM(d, H, rng=rng),
    "gru": lambda rng, d=D: cells.GRU(d, H, rng=rng),
    "gru_after": lambda rng, d=D: cells.ResetAfterGRU(d, H, rng=rng),
}


def made(kind, seed=0, inputs=D, noise=0.1):
    """A cell of this kind; with noise, no weight is 0."""
    rng = np.random.default_rng(seed)
    cell = MAKE[kind](rng, inputs)
    for variable in cell.parameters().values():
        variable.storage[...] += noise * rng.standard_normal(variable.storage.shape)
    return cell


def sequence(seed=7):
    return np.random.default_rng(seed).standard_normal((STEPS, B, D))


def answers(model, x):
    """All outputs of a cell or layer. Shapes: x: float[T, B, D], float[T, B, H]."""
    whole = isinstance(model, (Recurrent, Bidirectional))
    layer, x_t = model if whole else Recurrent(model), T.tensor3("x")
    return ss.function([x_t], layer(x_t))(x)


def bits(cell):
    return {name: v.storage.tobytes() for name, v in cell.parameters().items()}


def drawn(like, seed=1):
    """Other arrays of the same names, shapes and dtypes."""
    rng = np.random.default_rng(seed)
    return {
        name: rng.standard_normal(array.shape).astype(array.dtype)
        for name, array in like.items()
    }


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def looped(step, x, *state):
    """The first part of the state after each step(x_t, *state) → state."""
    rows = []
    for x_t in x:
        state = step(x_t, *state)
        rows.append(state[0])
    return np.array(rows)


def close(ours, theirs):
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-12)
