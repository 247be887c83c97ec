"""Cells, wrappers and layers equal plain loops written from the papers.

The loops are in `cells_in_numpy` and `wrappers_in_numpy`, by someone who had not read
the models: each line has the paper's equation beside it. Gradients of the models are
compared with central differences of those loops, not of the models.
"""

from functools import cache

import numpy as np
import pytest
import wrappers_in_numpy as loops
from cell_tools import CELLS, inputs, parts
from oracle_tools import (
    ORACLES,
    batch,
    compare,
    drawn,
    initial_rows,
    symbols,
    values_of,
)

import symseq as ss
from symseq.models import Recurrent

every_cell = pytest.mark.parametrize("name", CELLS)

# Lengths of the rows, and steps of the batch: padding behind, none, alone, nothing.
BATCHES = [
    ([7, 2, 0], 7), ([2, 3, 1], 5), ([2], 2), ([1], 1), ([0, 1, 1], 1),
    ([0, 0, 0], 2), ([0], 7), ([0], 0), ([0, 0, 0], 0),
]  # fmt: skip


@cache
def compiled(name, reverse=False):
    """The cell, and (x, mask, *initial state) → outputs, all states, last state."""
    cell, (x, mask) = drawn(name), inputs()
    initial = symbols(cell.widths)
    run = Recurrent(cell, reverse=reverse).run(x, mask, initial)
    given = [run.outputs, *parts(run.states), *parts(run.last)]
    return cell, ss.function([x, mask, *parts(initial)], given)


def agree(name, x, mask, seed=None, reverse=False):
    cell, run = compiled(name, reverse)
    starts, columns = initial_rows(cell, mask.shape[1], seed)
    ours = run(x, mask, *columns)
    right = loops.layer(
        ORACLES[name], values_of(cell), x, mask, starts,
        width=cell.outputs, reverse=reverse,
    )  # fmt: skip
    assert ours[0].shape == right[0].shape
    compare(ours, right)


def test_every_cell_has_a_loop():
    assert set(ORACLES) == set(CELLS)


@every_cell
def test_outputs_and_states_are_those_of_the_paper(name):
    for lengths, steps in BATCHES:
        agree(name, *batch(lengths, steps))


@every_cell
def test_a_given_state_goes_before_the_first_step(name):
    for lengths, steps in BATCHES:
        agree(name, *batch(lengths, steps), seed=8)


@every_cell
def test_padding_may_stand_anywhere(name):
    x, mask = batch([6, 6, 6], 6)
    mask[0, 0] = mask[2:4, 1] = mask[5, 0] = 0
    agree(name, x, mask, seed=8)


@every_cell
def test_from_the_end_to_the_beginning(name):
    for lengths, steps in [([5, 2, 0], 5), ([1], 1), ([0], 0)]:
        agree(name, *batch(lengths, steps), seed=8, reverse=True)


@every_cell
def test_gradients_are_central_differences_of_the_loop(name):
    """For every number of every parameter, x and first state, to 1e-6."""
    cell, (x, mask) = drawn(name), inputs()
    initial = symbols(cell.widths)
    run = Recurrent(cell).run(x, mask, initial)
    rng = np.random.default_rng(9)
    x_value, mask_value = batch([3, 1], 3)
    starts, columns = initial_rows(cell, 2, seed=8)
    weights = rng.standard_normal((3, 2, cell.outputs))
    last = [part for part in parts(run.last) if part.ndim > 1]
    on_last = [rng.standard_normal((2, int(part.type.shape[1]))) for part in last]

    cost = (run.outputs * weights).sum()
    cost = sum([(a * b).sum() for a, b in zip(last, on_last, strict=True)], cost)
    free = [part for part in parts(initial) if part.ndim > 1]
    wrt = [*cell.parameters().values(), x, *free]
    gradients = ss.function([x, mask, *parts(initial)], ss.grad(cost, wrt))

    p = values_of(cell)

    def loop():
        outputs, _, ends = loops.layer(
            ORACLES[name], p, x_value, mask_value, starts, width=cell.outputs
        )
        ends = [end for end in ends if end.ndim > 1]
        on_ends = sum((a * b).sum() for a, b in zip(ends, on_last, strict=True))
        return (outputs * weights).sum() + on_ends

    ours = gradients(x_value, mask_value, *columns)
    places = [*p.values(), x_value]
    for mine, place in zip(ours, places, strict=False):
        np.testing.assert_allclose(mine, slopes(loop, place), rtol=1e-6, atol=1e-8)
    for n, mine in enumerate(ours[len(places) :]):
        for b, row in enumerate(starts):
            place = [leaf for leaf in loops.leaves(row) if np.ndim(leaf)][n]
            right = slopes(loop, place)
            np.testing.assert_allclose(mine[b], right, rtol=1e-6, atol=1e-8)


def slopes(cost, place, step=1e-5):
    """Central differences of the cost by each number of an array, changed in place."""
    found = np.zeros_like(place)
    for at in np.ndindex(place.shape):
        value = place[at]
        place[at] = value + step
        above = cost()
        place[at] = value - step
        found[at] = (above - cost()) / (2 * step)
        place[at] = value
    return found
