"""The masked LSTM against the tutorial's equations in a NumPy loop."""

import numpy as np
import pytest

import symseq.tensor as T
from symseq.compiler.function import function
from symseq.errors import ShapeError
from symseq.graph import Variable
from symseq.lengths import dims
from symseq.models import LSTM, Recurrent, pooling
from symseq.models.cells import LSTMState
from symseq.types import Array, TensorType

D, H = 3, 4


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def by_hand(lstm: LSTM, x: Array, mask: Array) -> Array:
    """The tutorial's equations (1)-(6), then its masked carry, one step at a time."""
    W, U, b = (v.get_value().astype("float64") for v in (lstm.W, lstm.U, lstm.b))
    h, c, all_h = np.zeros((x.shape[1], H)), np.zeros((x.shape[1], H)), []
    for x_t, m in zip(x, mask, strict=True):
        pre = [x_t @ w + h @ u + v
               for w, u, v in zip(np.split(W, 4, 1), np.split(U, 4, 1), np.split(b, 4),
                                  strict=True)]  # fmt: skip
        i, f, o = sigmoid(pre[0]), sigmoid(pre[1]), sigmoid(pre[2])
        new_c = i * np.tanh(pre[3]) + f * c
        new_h = o * np.tanh(new_c)
        m = m[:, None]
        c, h = m * new_c + (1 - m) * c, m * new_h + (1 - m) * h
        all_h.append(h)
    return np.array(all_h).reshape(len(x), x.shape[1], H)


@pytest.fixture
def lstm(rng: np.random.Generator) -> LSTM:
    return LSTM(D, H, rng=rng, forget_bias=0.5)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def inputs() -> tuple[Variable, Variable]:
    B, T = dims("B T")
    x, mask = TensorType("float32", (T, B, D)), TensorType("float32", (T, B))
    return x("x"), mask("mask")


@pytest.mark.parametrize("target", ["reference", "numpy"])
@pytest.mark.parametrize("shape", [(5, 3), (1, 2), (6, 1), (0, 2), (3, 0)])
def test_masked_lstm_is_the_tutorials(
    lstm: LSTM, rng: np.random.Generator, shape: tuple[int, int], target: str
) -> None:
    x, mask = inputs()
    run = function([x, mask], Recurrent(lstm)(x, mask), target=target)
    value = rng.standard_normal((*shape, D)).astype("float32")
    real = (rng.random(shape) < 0.6).astype("float32")
    np.testing.assert_allclose(
        run(value, real), by_hand(lstm, value, real), rtol=1e-5, atol=1e-6
    )


def test_padding_changes_nothing(lstm: LSTM, rng: np.random.Generator) -> None:
    x, mask = inputs()
    h = Recurrent(lstm)(x, mask)
    run = function([x, mask], [h[-1], pooling.mean_pool(h, mask)])
    sequence = rng.standard_normal((4, 1, D)).astype("float32")
    padded = np.concatenate([sequence, 9 * np.ones((3, 1, D), "float32")])
    real = np.array([[1.0]] * 4 + [[0.0]] * 3, "float32")
    for alone, beside in zip(run(sequence, real[:4]), run(padded, real), strict=True):
        np.testing.assert_allclose(alone, beside, atol=1e-6)


def test_a_row_of_padding_gives_zeros(lstm: LSTM) -> None:
    x, mask = inputs()
    pooled = function([x, mask], pooling.mean_pool(Recurrent(lstm)(x, mask), mask))
    nothing = pooled(np.ones((3, 1, D), "float32"), np.zeros((3, 1), "float32"))
    np.testing.assert_array_equal(nothing, np.zeros((1, H)))


def test_no_mask_is_a_mask_of_ones(lstm: LSTM, rng: np.random.Generator) -> None:
    x, mask = inputs()
    layer = Recurrent(lstm)
    both = function([x, mask], [layer(x), layer(x, mask)])
    value = rng.standard_normal((4, 2, D)).astype("float32")
    without, beside = both(value, np.ones((4, 2), "float32"))
    np.testing.assert_allclose(without, beside, atol=1e-7)


def test_reverse_reads_from_the_end(lstm: LSTM, rng: np.random.Generator) -> None:
    x, _ = inputs()
    backward, last = Recurrent(lstm, reverse=True, return_state=True)(x)
    both = function([x], [backward, Recurrent(lstm)(x[::-1])[::-1], last.h])
    got, expected, final = both(rng.standard_normal((5, 2, D)).astype("float32"))
    np.testing.assert_allclose(got, expected, atol=1e-7)
    np.testing.assert_allclose(final, got[0], atol=1e-7)


def test_state_is_carried_from_call_to_call(
    lstm: LSTM, rng: np.random.Generator
) -> None:
    x, _ = inputs()
    _, middle = Recurrent(lstm)(x[:2], return_state=True)
    assert isinstance(middle, LSTMState)
    rest = Recurrent(lstm)(x[2:], initial=middle)
    parts = function([x], [rest, Recurrent(lstm)(x)[2:]])
    got, expected = parts(rng.standard_normal((5, 2, D)).astype("float32"))
    np.testing.assert_allclose(got, expected, atol=1e-7)


def test_a_cell_is_one_step(lstm: LSTM, rng: np.random.Generator) -> None:
    x, _ = inputs()
    output, state = lstm(x[0], lstm.initial(x.shape[1]))
    assert output is state.h
    one = function([x], [output, Recurrent(lstm)(x)[0]])
    got, expected = one(rng.standard_normal((1, 2, D)).astype("float32"))
    np.testing.assert_allclose(got, expected, atol=1e-7)


def test_a_mask_of_other_lengths_is_refused():
    x, mask = T.tensor3("x"), T.matrix("mask")
    layer = Recurrent(LSTM(2, 3, rng=np.random.default_rng(0)))
    f = function([x, mask], layer(x, mask))
    values = np.ones((5, 4, 2), "float32")
    assert f(values, np.ones((5, 4), "float32")).shape == (5, 4, 3)
    for shape in ((3, 4), (6, 4), (5, 3)):
        with pytest.raises(ShapeError):
            f(values, np.ones(shape, "float32"))
