"""Scatters share the sorting of their indices, and never make what they spread."""

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.compiler.pipeline import passes_of
from symseq.traverse import sort_nodes

B, N, L, D, V = 3, 4, 2, 5, 6
rng = np.random.default_rng(0)
ids = T.ltensor3("ids")
IDS = rng.integers(-V, V, (B, N, L))


def table(name="table"):
    return ss.shared(rng.normal(size=(V, D)), name)


def compiled(outputs, inputs, target="numpy"):
    return ss.function(inputs, outputs, target=target, on_unused_input="ignore")


def agree(outputs, inputs, values):
    """The numpy plan equals the reference; it gives the same bits each time."""
    wanted = compiled(outputs, inputs, "reference")(*values)
    f = compiled(outputs, inputs)
    for a, b, c in zip(wanted, f(*values), f(*values), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(b, c)
    return f


def ops(outputs):
    made = passes_of(outputs)[-1][1]
    return Counter(node.op.name for node in sort_nodes(made)), made


def test_equal_indices_are_sorted_once():
    one, other = table("one"), table("other")
    y = T.dtensor4("y")
    cost = (one[ids] * y).sum() + (other[ids] * y * y).sum()
    gradients = T.grad(cost, [one, other])
    found, _ = ops(gradients)
    assert found["sort_places"] == 1 and found["put_runs"] == 2
    agree(gradients, [ids, y], [IDS, rng.normal(size=(B, N, L, D))])


def test_tables_of_other_lengths_are_sorted_for_alone():
    one, other = table("one"), ss.shared(rng.normal(size=(2 * V, D)), "other")
    y = T.dtensor4("y")
    cost = (one[ids] * y).sum() + (other[ids] * y * y).sum()
    found, _ = ops(T.grad(cost, [one, other]))
    assert found["sort_places"] == 2


def spread(a, b, c):
    """Values over [B, N, L, D] made of parts that lack axes."""
    rows, words = a.dimshuffle(0, 1, "x", 2), b.dimshuffle("x", "x", 0, 1)
    return {
        "of two": rows * words,
        "of a sum": rows * words + a.dimshuffle(0, 1, "x", 2) * (words + 1),
        "of the middle": c.dimshuffle("x", 0, "x", 1) / words,
        "of outer axes": (a[:, 0].dimshuffle(0, "x", 1) * b).dimshuffle(0, "x", 1, 2)
        * c.dimshuffle("x", 0, "x", 1),
        "negative": -(rows * 2.0),
    }


@pytest.mark.parametrize("kind", spread(T.dtensor3(), T.dmatrix(), T.dmatrix()))
def test_what_lacks_axes_is_taken_first(kind):
    a, b, c = T.dtensor3("a"), T.dmatrix("b"), T.dmatrix("c")
    y = spread(a, b, c)[kind]
    w = table()
    made = T.inc_subtensor(w[ids], y)
    shapes = (B, N, D), (L, D), (N, D)
    values = [rng.normal(size=shape) + 3 for shape in shapes]
    agree([made], [ids, a, b, c], [IDS, *values])


def test_the_product_that_is_scattered_is_never_made():
    a, b, w = T.dtensor3("a"), T.dmatrix("b"), table()
    y = a.dimshuffle(0, 1, "x", 2) * b.dimshuffle("x", "x", 0, 1)
    made = [T.grad((w[ids] * y).sum(), w)]
    found, outputs = ops(made)
    assert found["put_runs"] == 1 and not found["put_rows"]
    assert not [v for node in sort_nodes(outputs) for v in node.outputs if v.ndim == 4]
    agree(made, [ids, a, b], [IDS, rng.normal(size=(B, N, D)), rng.normal(size=(L, D))])


@pytest.mark.parametrize("shape", [(0, N, L), (1, 1, 1), (B, N, 0)])
def test_few_indices_and_none(shape):
    y, w = T.dtensor4("y"), table()
    made = [T.inc_subtensor(w[ids], y)]
    agree(made, [ids, y], [np.zeros(shape, int), rng.normal(size=(*shape, D))])


def test_places_that_surely_differ_are_not_sorted():
    (batch,) = ss.dims("B")
    x, labels = T.TensorType("float64", (batch, None))("x"), T.lvector("labels")
    made = T.grad(x[T.arange(x.shape[0]), labels].sum(), x)
    found, _ = ops([made])
    assert not found["sort_places"]


@pytest.mark.parametrize("dtype", ["int8", "int64", "float32"])
def test_dtypes(dtype):
    y, w = T.TensorType(dtype, (None, None))("y"), T.TensorType(dtype, (None, None))()
    one = T.lvector("one")
    made = [T.inc_subtensor(w[one], y)]
    values = [1, -1, 1, 1], np.full((4, 2), 100, dtype), np.ones((3, 2), dtype)
    agree(made, [one, y, w], values)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32"])
def test_narrow_indices(dtype):
    y, w = T.dmatrix("y"), ss.shared(np.zeros((200, 2)))
    one = T.TensorType(dtype, (None,))("one")
    made = [T.inc_subtensor(w[one], y), w[one].sum(0)]
    first = 0 if dtype == "uint8" else -1
    values = np.array([first, 1, first, 100], dtype), rng.normal(size=(4, 2))
    agree(made, [one, y], values)


def test_a_bad_index_names_the_line_and_changes_nothing():
    w = table()
    before = w.get_value()
    f = ss.function([ids], updates={w: w - T.grad((w[ids] ** 2).sum(), w)})
    with pytest.raises(IndexError) as caught:
        f(np.full((1, 1, 1), V))
    assert "test_order_scatters.py" in str(caught.value)
    np.testing.assert_array_equal(w.get_value(), before)


def test_scatters_inside_a_loop():
    w, moves = table(), T.lmatrix("moves")

    def step(chosen, state):
        return T.inc_subtensor(state[chosen], T.outer(chosen * 1.0, T.ones(D)))

    states, _ = ss.scan(step, moves, w)
    values = [rng.integers(0, V, (4, 7))]
    agree([states[-1], T.grad((states**2).sum(), w)], [moves], values)


def test_a_saved_plan_has_all_that_it_calls(tmp_path):
    w, y = table(), T.dtensor4("y")
    f = compiled([T.inc_subtensor(w[ids], y).sum(), w[ids].sum(2)], [ids, y])
    f(IDS, rng.normal(size=(B, N, L, D)))
    f.plan.save(tmp_path / "scatter.py")
    done = subprocess.run(
        [sys.executable, tmp_path / "scatter.py"], capture_output=True, check=True
    )
    assert done.stdout


@pytest.mark.parametrize("columns", [[0, 1], [1, 0], [2, 2]])
def test_constant_indices(columns):
    x = T.dmatrix("x")
    rows = np.array([1, 1])
    made = [T.inc_subtensor(x[rows, np.array(columns)], 2.0)]
    agree(made, [x], [rng.normal(size=(2, 3))])
