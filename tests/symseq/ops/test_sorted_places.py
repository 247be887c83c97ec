"""Sorting places by digits, before rows are added at them."""

import numpy as np
import pytest

from symseq.ops.scatter import add_rows, sorting


@pytest.mark.parametrize("count", [1, 2**16, 2**16 + 1, 2**20, 2**32, 2**40])
@pytest.mark.parametrize("size", [0, 1, 3000])
def test_places_are_sorted_stably(count, size):
    drawn = np.random.default_rng(0).integers(0, count, size)
    places = np.concatenate([drawn, drawn, np.full(2, count - 1)])
    np.testing.assert_array_equal(
        sorting(places, count), np.argsort(places, kind="stable")
    )


def test_rows_of_a_table_of_many_rows_add_up():
    table = np.zeros((2**16 + 5, 2))
    where = np.array([2**16 + 4, 0, 2**16 + 4, 1])
    add_rows(table, np.ones((4, 2)), where)
    assert table.sum() == 8
    assert (table[-1] == 2).all() and (table[:2] == 1).all()
