"""The tutorial's equations in NumPy, from its npz, answer as our LSTM with these."""

import numpy as np
from converter_tools import H, answers, close, looped, made, sequence, sigmoid

from symseq.models.converters import from_theano, to_theano


def step_of(arrays):
    def step(x, h, c):
        preact = h @ arrays["lstm_U"] + (x @ arrays["lstm_W"] + arrays["lstm_b"])
        i, f, o, g = (preact[:, n * H : (n + 1) * H] for n in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c

    return step


def test_an_npz_of_the_tutorial(tmp_path):
    rng = np.random.default_rng(3)
    saved = {
        "lstm_W": rng.standard_normal((3, 4 * H)),
        "lstm_U": rng.standard_normal((H, 4 * H)),
        "lstm_b": rng.standard_normal(4 * H),
        "Wemb": rng.standard_normal((10, 3)), "U": rng.standard_normal((H, 2)),
        "b": rng.standard_normal(2), "history_errs": np.zeros(0),
    }  # fmt: skip
    np.savez(tmp_path / "lstm_model.npz", **saved)
    cell, x = made("lstm"), sequence()
    with np.load(tmp_path / "lstm_model.npz") as arrays:
        from_theano(cell, arrays)
    start = np.zeros((x.shape[1], H))
    close(answers(cell, x), looped(step_of(saved), x, start, start))
    again = to_theano(cell)
    assert all(again[name].tobytes() == saved[name].tobytes() for name in again)
