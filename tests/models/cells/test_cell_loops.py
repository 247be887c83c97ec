"""What is left inside the loops of compiled cells: what depends on the state."""

from collections import Counter

import pytest
from cell_tools import CELLS, in_loops, inputs, layer, made

import symseq as ss
from symseq.models import Bidirectional, Recurrent, cells
from symseq.tensor.shared_randomstreams import RandomStreams

# Matrix products per step that read the state: forward, and of the gradient's loop.
PRODUCTS = {
    "rnn": (1, 1), "relu": (1, 1), "irnn": (1, 1), "carousel": (1, 1), "lstm": (1, 1),
    "peepholes": (1, 1), "coupled": (1, 1), "projected": (2, 2),
    "multiplicative": (2, 2), "layer_norm": (1, 1), "gru": (2, 2), "gru_after": (1, 1),
    "mgu": (2, 2), "scrn": (2, 2), "residual": (1, 1), "normalized": (2, 2),
    "dropout": (1, 1), "zoneout": (1, 1),
    # U_1, then W_2 on what the first shows, U_2 and U_h.
    "stacked": (4, 4),
}  # fmt: skip
LOOPLESS = ["identity", "dense"]
# Their modules are branches: what only a branch reads stays in it, to be computed where
# it is taken. So each of g modules has a product of x_t beside that of the state.
BRANCHES = {"clockwork": 4, "nested": 7}


def compiled(cell, streams=None):
    """The loops of a layer's outputs, and those of its cost and all gradients."""
    x, _ = inputs()
    y = Recurrent(cell)(x, streams=streams)
    wrt = [x, *cell.parameters().values()]
    cost = (y * y).sum()
    return in_loops([y]), in_loops([cost, *ss.grad(cost, wrt)])


def test_every_cell_is_counted():
    assert {*PRODUCTS, *LOOPLESS, *BRANCHES} == CELLS.keys()


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_step_has_the_products_of_its_state(name):
    (alone,), (forward, backward) = compiled(layer(name)[0])
    ahead, behind = PRODUCTS[name]
    assert alone["dot"] == forward["dot"] == ahead
    assert backward["dot"] <= behind


@pytest.mark.parametrize("name", LOOPLESS)
def test_without_a_state_there_is_no_loop(name):
    assert compiled(layer(name)[0]) == ([], [])


# Of the gradient's branches: for each of the two, one by the weights and one for them.
BACKWARD = {"clockwork": 8, "nested": 8 + 3}


@pytest.mark.parametrize("name", BRANCHES)
def test_modules_keep_their_products_in_their_branches(name):
    (alone,), (forward, backward) = compiled(layer(name)[0])
    assert alone["dot"] == forward["dot"] == BRANCHES[name]
    assert backward["dot"] == BACKWARD[name]


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru_after"])
def test_masks_of_a_sequence_and_draws_of_a_step_leave_the_loop(name):
    cell = cells.VariationalDropout(cells.Zoneout(made(name)))
    alone, both = compiled(cell, RandomStreams(1))
    for loop in (*alone, *both):
        assert not loop["bits"] and loop["dot"] == 1


def test_a_mask_adds_no_product_and_both_directions_have_one_each():
    x, mask = inputs()
    y = Bidirectional(made("lstm"), made("lstm", seed=1))(x, mask)
    assert [loop["dot"] for loop in in_loops([y])] == [1, 1]


def test_a_simple_rnn_is_three_ops_each_way():
    (alone,), (forward, backward) = compiled(layer("rnn")[0])
    assert alone == forward
    assert forward == Counter(dot=1, add=1, tanh=1)
    views = {"dimshuffle", "subtensor", "reshape", "shape", "unbroadcast"}
    worked = {op: n for op, n in backward.items() if op not in views}
    assert worked == {"dot": 1, "add": 1, "mul": 1}


def test_gradients_of_peepholes_are_summed_behind_the_loop():
    _, (_, backward) = compiled(layer("peepholes")[0])
    # Slopes: 4 of gates, d_h into o and c each; the gate f; 3 peepholes: none of c_t.
    assert backward["mul"] == 9 and not backward["sum"]
