"""What a cell is made with, its gates for pictures, and the carousel's own claim."""

import numpy as np
import pytest
from cell_tools import D, H, layer, values

import symseq as ss
from symseq.models import Recurrent, cells

LSTMS = ["carousel", "lstm", "peepholes", "coupled", "projected", "multiplicative"]


@pytest.mark.parametrize("name", [*LSTMS, "layer_norm"])
def test_gates_of_all_steps_give_the_memory(name):
    """A picture's gates, from all states at once, are those that made the memory."""
    cell, x, mask, run = layer(name)
    before = [
        ss.tensor.concatenate([start[None], part[:-1]])
        for start, part in zip(cell.initial(x.shape[1]), run.states, strict=True)
    ]
    gates = cell.gates(x, cells.LSTMState(*before))
    c = gates.f * before[1] + gates.i * gates.g
    found, wanted, *shut = ss.function([x, mask], [c, run.states.c, *gates[:3]])(
        *values([4, 4])
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)
    for gate in shut:
        assert gate.shape == (4, 2, H) and (gate >= 0).all() and (gate <= 1).all()


def test_the_carousel_keeps_an_error_for_ever():
    """∂c_T/∂c_0 is 1 where neither gate hears h: the constant error carousel."""
    cell = cells.CarouselLSTM(D, H, rng=np.random.default_rng(0))
    cell.U.set_value(np.zeros((H, 3 * H)))
    x = ss.tensor.tensor3("x", dtype="float64")
    start = cells.LSTMState(*(ss.tensor.matrix(n, dtype="float64") for n in "hc"))
    _, last = Recurrent(cell)(x, initial=start, return_state=True)
    slope = ss.function([x, *start], ss.grad(last.c.sum(), start.c))
    long = np.random.default_rng(0).standard_normal((200, 2, D))
    np.testing.assert_array_equal(slope(long, np.ones((2, H)), np.ones((2, H))), 1)


def test_irnn_begins_as_a_sum():
    cell = cells.SimpleRNN.irnn(D, H, rng=np.random.default_rng(0), scale=0.5)
    np.testing.assert_array_equal(cell.U.get_value(), 0.5 * np.eye(H))
    assert not cell.b.get_value().any()
    assert 0 < np.abs(cell.W.get_value()).max() < 0.01


def test_forget_bias_stands_in_its_block():
    cell = cells.PeepholeLSTM(D, H, rng=np.random.default_rng(0), forget_bias=1.5)
    np.testing.assert_array_equal(cell.b.get_value().reshape(4, H).sum(1), [0, 6, 0, 0])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda rng: cells.SimpleRNN(D, H, rng=rng, activation="σ"), "activation"),
        (lambda rng: cells.CoupledLSTM(D, H, rng=rng, forget_bias=1.0), "forget gate"),
        (lambda rng: cells.SCRN(D, H, 2, rng=rng, alpha=1.5), "alpha"),
        (lambda rng: cells.Clockwork(D, 5, rng=rng, periods=(1, 2)), "evenly"),
        (lambda rng: cells.Clockwork(D, H, rng=rng, periods=(0, 2)), "at least 1"),
        (lambda rng: cells.Clockwork(D, H, rng=rng, periods=()), "periods"),
    ],
)
def test_what_makes_no_cell_is_refused(make, said):
    with pytest.raises(ss.errors.UsageError, match=said):
        make(np.random.default_rng(0))
