"""Rows added to a shared table: in place, only those rows, after every check."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T

ROWS, WIDTH = 100_000, 128


def sgd(table, count=1600):
    """An SGD step on the rows that `ids` name: w[ids] -= 0.5 y, as a gradient."""
    ids, y = T.lvector("ids"), T.fmatrix("y")
    cost = (table[ids] * y).sum()
    step = table - np.float32(0.5) * T.grad(cost, table)
    return ss.function([ids, y], cost, updates={table: step})


def test_a_step_touches_only_the_used_rows():
    rng = np.random.default_rng(0)
    start = np.zeros((ROWS, WIDTH), "float32")
    table = ss.shared(start, "table")
    f = sgd(table)
    storage = table.get_value(borrow=True)
    used = rng.choice(ROWS, 1600, replace=False)
    unused = np.setdiff1d(np.arange(ROWS), used)
    storage[unused] = np.float32(np.nan)  # reading a row would show, writing too
    y = rng.normal(size=(1600, WIDTH)).astype("float32")
    f(used, y)
    assert table.get_value(borrow=True) is storage
    assert np.isnan(storage[unused]).all()
    np.testing.assert_array_equal(storage[used], np.float32(-0.5) * y)
    (binding,) = f.plan.bindings.values()
    assert binding.nbytes < 5 * y.nbytes  # no array of the table's size


def test_repeated_rows_add_up_first():
    rng = np.random.default_rng(1)
    value = rng.normal(size=(5, 3)).astype("float32")
    made = {}
    for target in ("reference", "numpy"):
        table, ids, y = ss.shared(value, "table"), T.lmatrix("ids"), T.ftensor3("y")
        moved = T.inc_subtensor(table[ids], y)
        f = ss.function([ids, y], [], updates={table: moved}, target=target)
        for _ in range(2):
            f([[0, -1, 0], [4, 2, 0]], np.ones((2, 3, 3), "float32") / 3)
        made[target] = table.get_value()
    np.testing.assert_array_equal(made["numpy"], made["reference"])


def test_a_bad_row_leaves_every_shared_variable_as_it_was():
    table, count = ss.shared(np.zeros((4, 2)), "table"), ss.shared(0, "count")
    ids = T.lvector("ids")
    moved = T.inc_subtensor(table[ids], 1.0)
    f = ss.function([ids], [], updates=[(count, count + 1), (table, moved)])
    with pytest.raises(IndexError, match="index 4 is out of bounds"):
        f([0, 4])
    assert count.get_value() == 0
    assert not table.get_value().any()
    f([0, 0, -1])
    np.testing.assert_array_equal(table.get_value(), [[2, 2], [0, 0], [0, 0], [1, 1]])


@pytest.mark.parametrize("axis", [0, 1])
def test_elements_by_two_indices(axis):
    x, i, j = T.dmatrix("x"), T.lvector("i"), T.lvector("j")
    taken = x[i, j] if axis == 0 else x[:, i]
    made = T.inc_subtensor(taken, 2.0)
    values = np.arange(12.0).reshape(3, 4), [0, 2, -1, 0], [1, 3, -1, 1]
    run = [
        ss.function([x, i, j], [made, taken], target=target, on_unused_input="ignore")(
            *values
        )
        for target in ("reference", "numpy")
    ]
    for a, b in zip(*run, strict=True):
        np.testing.assert_array_equal(a, b)


def test_parts_of_a_shared_variable_are_set_in_place():
    w, y = ss.shared(np.zeros((4, 3)), "w"), T.dvector("y")
    f = ss.function([y], w.sum(), updates={w: T.set_subtensor(w[1], y)})
    storage = w.get_value(borrow=True)
    assert f([1.0, 2.0, 3.0]) == 0
    assert w.get_value(borrow=True) is storage
    np.testing.assert_array_equal(storage[1], [1, 2, 3])
    assert storage.sum() == 6
    (binding,) = f.plan.bindings.values()
    assert binding.nbytes < w.get_value().nbytes  # the sum alone
