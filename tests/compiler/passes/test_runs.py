"""The order in which rows are added at places that repeat, against np.add.at."""

import numpy as np
import pytest

from symseq.compiler.passes.runs import PutRuns, SortPlaces, SumRuns, schedule
from symseq.errors import BadIndexError

WIDTH = 3


def skewed(rng, count, n):
    """Indices of which a few stand for most."""
    return np.minimum(rng.geometric(0.3, n) - 1, count - 1)


DRAWS = {
    "even": lambda rng, count, n: rng.integers(0, count, n),
    "skewed": skewed,
    "one": lambda rng, count, n: np.full(n, count - 1),
    "each": lambda rng, count, n: rng.permutation(max(count, n))[:n],
}


def steps_for(where, count):
    n = where.size
    made = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n + 4, np.int64)
    schedule(where, count, *made)
    return made


def test_small_indices():
    where = np.array([3, 0, 3, 3, 1], "int32")
    for ours, wide in zip(
        steps_for(where, 5), steps_for(where.astype("int64"), 5), strict=True
    ):
        np.testing.assert_array_equal(ours, wide)


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("n", [0, 1, 2, 15, 16, 17, 33, 500, 4000])
@pytest.mark.parametrize("count", [1, 7, 70_000])
def test_rows_end_where_they_belong(draw, n, count):
    rng = np.random.default_rng(n + count)
    where = DRAWS[draw](rng, count, n)
    size = max(count, n)
    order, places, steps = steps_for(where, size)
    np.testing.assert_array_equal(np.sort(order), np.arange(n))
    rows = rng.integers(-9, 9, (n, WIDTH)).astype("float64")  # sums are exact
    x = rng.integers(-9, 9, (size, WIDTH)).astype("float64")
    (sums,) = SumRuns().numpy(rows[order], steps)
    (made,) = PutRuns().numpy(x, sums, places, steps)
    wanted = x.copy()
    np.add.at(wanted, where, rows)
    np.testing.assert_array_equal(made, wanted)


@pytest.mark.parametrize("draw", DRAWS)
def test_the_places_of_a_round_differ_and_rounds_are_few(draw):
    where = DRAWS[draw](np.random.default_rng(0), 50, 5000) % 50
    _, places, steps = steps_for(where, 50)
    sums, rounds = steps[:2]
    ends = steps[2 + sums : 2 + sums + rounds]
    starts = [0, *ends[:-1]]
    for start, end in zip(starts, ends, strict=True):
        part = places[start:end]
        assert 0 < len(part) == len(np.unique(part))
    assert sums + 5 * rounds < 8 * np.bincount(where).max() ** 0.5 + 20


def test_several_indices_name_one_place():
    i, j = np.array([[0], [-1]]), np.array([[1, 1, 0]])
    sizes = np.int64(2), np.int64(3)
    order, places, steps = SortPlaces(2).numpy(*sizes, i, j)
    rows = np.arange(6.0).reshape(6, 1)
    (sums,) = SumRuns().numpy(rows[order], steps)
    (made,) = PutRuns().numpy(np.zeros((2, 3, 1)), sums, places, steps)
    wanted = np.zeros((2, 3))
    np.add.at(wanted, (i, j), rows.reshape(2, 3))
    np.testing.assert_array_equal(made[..., 0], wanted)


def test_an_index_out_of_bounds_is_refused():
    with pytest.raises(BadIndexError, match="index 3 is out of bounds"):
        SortPlaces(1).numpy(np.int64(3), np.array([0, 3]))
