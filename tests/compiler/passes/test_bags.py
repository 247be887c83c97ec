"""Sums of a table's rows, added as they are taken."""

from collections import Counter

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.compiler.pipeline import passes_of
from symseq.traverse import sort_nodes

rng = np.random.default_rng(0)


def plan_of(outputs, inputs):
    return ss.function(inputs, outputs, target="numpy", on_unused_input="ignore")


def count(outputs):
    made = passes_of(outputs)[-1][1]
    return Counter(node.op.name for node in sort_nodes(made))


def agree(outputs, inputs, values, rtol=1e-12):
    wanted = ss.function(inputs, outputs, target="reference")(*values)
    found = plan_of(outputs, inputs)(*values)
    for a, b in zip(wanted, found, strict=True):
        np.testing.assert_allclose(b, a, rtol=rtol, atol=1e-12)


# Rows of out, words, rows of the table: one at a time, in groups, none; a table that
# is multiplied before, and one that is larger than what is taken from it.
SIZES = [(3, 4, 5), (2000, 3, 5), (2000, 3, 4000), (1, 3000, 9), (7, 0, 5), (0, 4, 5)]


@pytest.mark.parametrize(("rows", "words", "count_"), SIZES)
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("factors", ["none", "row", "number"])
def test_sums_of_rows(rows, words, count_, axis, factors):
    x, ids = T.dmatrix("x"), T.lmatrix("ids")
    l = T.TensorType("float64", (None, 1 if factors == "number" else None))("l")
    taken = x[ids]
    if factors != "none":
        taken = taken * (l.dimshuffle("x", 0, 1) if axis else l.dimshuffle(0, "x", 1))
    made = [taken.sum(axis)]
    assert count(made)["sum_taken"] == 1
    shape = (rows, words) if axis else (words, rows)
    width = 9
    values = [
        rng.normal(size=(count_, width)),
        rng.integers(-count_, count_, shape),
        rng.normal(size=(words, 1 if factors == "number" else width)),
    ]
    agree(made, [x, ids, l] if factors != "none" else [x, ids], values[: 2 + (
        factors != "none"
    )])  # fmt: skip


def test_the_middle_of_three_axes():
    x, ids, l = T.fmatrix("x"), T.ltensor3("ids"), T.fmatrix("l")
    made = [(l.dimshuffle("x", 0, "x", 1) * x[ids]).sum(1)]
    assert count(made)["sum_taken"] == 1
    values = [
        rng.normal(size=(6, 4)).astype("float32"),
        rng.integers(0, 6, (3, 5, 2)),
        rng.normal(size=(5, 4)).astype("float32"),
    ]
    agree(made, [x, ids, l], values, 1e-5)


def others(x, ids, l):
    """What is left as it is."""
    taken = x[ids]
    return {
        "a factor for each row": (taken * l.dimshuffle(0, 1, "x")).sum(1),
        "over the width": taken.sum(2),
        "over two axes": taken.sum((0, 1)),
        "read elsewhere": taken.sum(1) + taken[:, 0],
    }


@pytest.mark.parametrize(
    "kind", others(T.dmatrix(), T.TensorType("int64", (None, None))(), T.dmatrix())
)
def test_declines(kind):
    x, ids, l = T.dmatrix("x"), T.lmatrix("ids"), T.dmatrix("l")
    made = [others(x, ids, l)[kind]]
    assert not count(made)["sum_taken"]
    values = rng.normal(size=(6, 4)), rng.integers(0, 6, (3, 5)), np.ones((3, 5))
    inputs = [x, ids, l]
    found = plan_of(made, inputs)(*values)
    wanted = ss.function(inputs, made, target="reference", on_unused_input="ignore")
    np.testing.assert_allclose(found[0], wanted(*values)[0], rtol=1e-12)


def test_rows_that_nobody_takes_do_not_count():
    x, ids, l = T.dmatrix("x"), T.lmatrix("ids"), T.dmatrix("l")
    made = plan_of((x[ids] * l.dimshuffle("x", 0, 1)).sum(1), [x, ids, l])
    table = np.ones((3, 2))
    table[1] = np.nan
    found = made(table, np.zeros((100, 2), int), np.full((2, 2), np.inf))
    assert np.isinf(found).all()


def test_a_bad_index_is_refused_at_the_line():
    x, ids = T.dmatrix("x"), T.lmatrix("ids")
    made = plan_of(x[ids].sum(1), [x, ids])
    with pytest.raises(IndexError, match="index 3 is out of bounds") as caught:
        made(np.ones((3, 2)), [[0, 3]])
    assert "test_bags.py" in str(caught.value)
