"""x[key], set_subtensor and inc_subtensor do as NumPy does."""

import numpy as np
import pytest
from array_checks import check_gradient, like, same, value
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import basic_indices

from symseq.errors import BadIndexError, ShapeError, UsageError
from symseq.lengths import dims
from symseq.ops.arange import arange
from symseq.ops.indexing import inc_subtensor, set_subtensor
from symseq.ops.nonzero import flatnonzero, nonzero, nonzero_values
from symseq.ops.vectorize import vectorize
from symseq.types import TensorType

X = np.random.default_rng(0).normal(size=(4, 3, 5))
IDS = np.array([0, 2, -1, 2])
MASK = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]], dtype=bool)

KEYS = {
    "int": lambda i, d, m: (i,),
    "negative": lambda i, d, m: (-1, ..., -2),
    "slices": lambda i, d, m: (slice(i, i + 2), slice(None, None, 2)),
    "beyond": lambda i, d, m: (slice(2, 90), slice(90, None), slice(-90, 2)),
    "backwards": lambda i, d, m: (slice(None, None, -1), slice(i, None, -2)),
    "empty": lambda i, d, m: (slice(0), slice(3, 1)),
    "newaxis": lambda i, d, m: (None, i, None, ..., None),
    "only_newaxis": lambda i, d, m: (slice(None), None),
    "all": lambda i, d, m: (slice(None),),
    "ellipsis": lambda i, d, m: (...,),
    "ids": lambda i, d, m: (d,),
    "ids_1": lambda i, d, m: (slice(None), d),
    "ids_last": lambda i, d, m: (..., d),
    "ids_2d": lambda i, d, m: (d[:, None] + np.zeros((1, 2), int),),
    "ids_int": lambda i, d, m: (i, d),
    "apart": lambda i, d, m: (0, slice(None), d),
    "apart_two": lambda i, d, m: (d, slice(1, None), d),
    "apart_newaxis": lambda i, d, m: (d, None, slice(None), d),
    "together": lambda i, d, m: (slice(1, None), d, d, None),
    "product": lambda i, d, m: (d[:, None], slice(None), d[None, :]),
    "list": lambda i, d, m: ([0, 3, 0], [1, 1, 2]),
    "no_ids": lambda i, d, m: (np.zeros(0, dtype=np.int64),),
    "mask": lambda i, d, m: (m,),
    "mask_row": lambda i, d, m: (slice(None), m[0]),
    "mask_rest": lambda i, d, m: (m, slice(None, None, 2)),
    "mask_ids": lambda i, d, m: (m[:, 0], slice(None), [1, 1]),
}


@pytest.fixture
def inputs():
    return like(X), like(np.int64(1), "i"), like(IDS, "d"), like(MASK, "m")


@pytest.mark.parametrize("name", KEYS)
def test_reading_and_writing_are_numpys(name, inputs):
    x, i, d, m = inputs
    table = dict(zip(inputs, (X, 1, IDS, MASK), strict=True))
    place = x[KEYS[name](i, d, m)]
    key = KEYS[name](1, IDS, MASK)
    np.testing.assert_array_equal(value(place, table), X[key])
    y = np.random.default_rng(1).normal(size=X[key].shape)
    put, added = X.copy(), X.copy()
    put[key] = y
    np.add.at(added, key, y)
    np.testing.assert_array_equal(value(set_subtensor(place, y), table), put)
    np.testing.assert_allclose(value(inc_subtensor(place, y), table), added)
    put[key], added = 2.5, X.copy()
    np.add.at(added, key, 2.5)
    np.testing.assert_array_equal(value(set_subtensor(place, 2.5), table), put)
    np.testing.assert_allclose(value(inc_subtensor(place, 2.5), table), added)


@pytest.mark.parametrize("name", KEYS)
def test_gradients(name):
    x, key = X[:, :, :3], KEYS[name]
    ids, mask = np.array([0, 2, -1, 2]), MASK

    def read(v):
        return v[key(1, ids, mask)]

    check_gradient(read, x)
    y = np.random.default_rng(2).normal(size=np.shape(x[key(1, ids, mask)]))
    check_gradient(lambda v, w: inc_subtensor(read(v), w), x, y)
    check_gradient(lambda v, w: set_subtensor(read(v), w), x, y)


@settings(max_examples=60, deadline=None)
@given(basic_indices((4, 3, 5), allow_newaxis=True))
def test_any_basic_index(key):
    same(lambda x: x[key], lambda x: x[key], X)


def test_repeated_ids_add_up():
    x, ids = like(np.zeros(3)), like(np.array([1, 1, 1]))
    added = inc_subtensor(x[ids], 1.0)
    assert value(added, {x: np.zeros(3), ids: [1, 1, 1]}).tolist() == [0, 3, 0]


def test_small_integer_ids_reach_far_rows():
    x, ids = np.arange(1000.0), np.array([-1, 3], dtype=np.int8)
    same(lambda x, i: x[i], lambda x, i: x[i.astype(int)], x, ids)
    check_gradient(lambda x, i: x[i], x[:5], ids)


def test_lengths_keep_their_names():
    t, b, d = dims("T B D")
    x = TensorType("float32", (t, b, d))("x")
    shown = {
        "x[::-1]": x[::-1], "x[0]": x[0], "x[:, -1]": x[:, -1], "x[1:]": x[1:],
        "x[:x.shape[0]]": x[: x.shape[0]], "x[:0]": x[:0],
    }  # fmt: skip
    assert {k: str(v.type)[7:] for k, v in shown.items()} == {
        "x[::-1]": "[T, B, D]", "x[0]": "[B, D]", "x[:, -1]": "[T, D]",
        "x[1:]": "[?, B, D]", "x[:x.shape[0]]": "[T, B, D]", "x[:0]": "[0, B, D]",
    }  # fmt: skip
    rows = TensorType("float32", (t + 2, d))("rows")
    assert str(rows[2:].type) == "float32[T, D]"
    assert str(rows[1:-1].type) == "float32[T, D]"
    assert str(rows[-1:].type) == "float32[1, D]"
    assert str(rows[3:].type) == "float32[?, D]"
    assert x.shape[0].held == t


@pytest.mark.parametrize(
    ("read", "kind", "text"),
    [
        (lambda x, f: x[f], BadIndexError, "must be an integer"),
        (lambda x, f: x[1.0], BadIndexError, "must be an integer"),
        (lambda x, f: x[True], BadIndexError, "must be an integer"),
        (lambda x, f: x["a"], BadIndexError, "must be an integer"),
        (lambda x, f: x[:f], BadIndexError, "must be an integer"),
        (lambda x, f: x[0, 0, 0], BadIndexError, "at most 2 indices"),
        (lambda x, f: x[..., ...], BadIndexError, "one Ellipsis"),
        (lambda x, f: x[:, 5], BadIndexError, "index 5 is out of bounds"),
        (lambda x, f: x[::0], BadIndexError, "step must not be 0"),
        (lambda x, f: x[:, np.ones(4, bool)], ShapeError, "4"),
        (lambda x, f: list(x), UsageError, "known leading length"),
        (lambda x, f: set_subtensor(x, 1), UsageError, "indexed variable"),
        (lambda x, f: set_subtensor(x[0], np.ones(4)), ShapeError, "5 and 4"),
        (lambda x, f: set_subtensor(arange(3)[0], 1.5), UsageError, "cannot hold"),
    ],
)
def test_what_is_refused_when_built(read, kind, text):
    x = TensorType("float32", (None, 5))("x")
    with pytest.raises(kind, match=text) as caught:
        read(x, TensorType("float32", ())("f"))
    assert "test_indexing.py" in str(caught.value)


@pytest.mark.parametrize("bad", [4, -5])
def test_out_of_bounds_when_called(bad):
    x, i, d = like(X), like(np.int64(0)), like(IDS)
    for place in (x[i], x[d], x[d, d], inc_subtensor(x[d], 1), inc_subtensor(x[i], 1)):
        with pytest.raises(BadIndexError, match=f"index {bad} .* of length 4"):
            value(place, {x: X, i: bad, d: [0, bad, 0, 0]})


def test_last_row_of_nothing():
    x = like(X)
    with pytest.raises(BadIndexError, match="length 0"):
        value(x[-1], {x: X[:0]})


def test_iteration_over_a_known_length():
    x = TensorType("float64", (4, None, None))("x")
    rows = list(x)
    np.testing.assert_array_equal(value(rows, {x: X})[2], X[2])


def test_nonzero():
    m = like(MASK)
    for got, want in zip(value(nonzero(m), {m: MASK}), np.nonzero(MASK), strict=True):
        np.testing.assert_array_equal(got, want)
    same(flatnonzero, np.flatnonzero, MASK)
    same(nonzero_values, lambda x: x[np.nonzero(x)], X * MASK[:, :, None])


@pytest.mark.parametrize(
    "name", ["int", "ids", "ids_int", "apart", "product", "slices"]
)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_indices_of_examples(name, count):
    rng = np.random.default_rng(3)
    xs = rng.normal(size=(count, 4, 3, 5))
    ids = rng.integers(-3, 3, (count, 4))
    numbers = np.full(count, 1) if name == "slices" else rng.integers(-3, 3, count)
    x, d, i = like(xs), like(ids), like(numbers)

    def read(x, i, d):
        step = 1 if name == "slices" else i
        return inc_subtensor(x[KEYS[name](step, d, None)], 1.5)

    made = value(vectorize(read)(x, i, d), {x: xs, i: numbers, d: ids})
    assert made.shape == xs.shape
    for n in range(count):
        want = xs[n].copy()
        step = 1 if name == "slices" else numbers[n]
        np.add.at(want, KEYS[name](step, ids[n], None), 1.5)
        np.testing.assert_allclose(made[n], want)


@given(st.integers(0, 4), st.integers(0, 9), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_scatter_is_add_at(rows, count, width):
    rng = np.random.default_rng(rows * 100 + count)
    x, y = rng.normal(size=(rows, width)), rng.normal(size=(count, width))
    if rows == 0 and count:
        return
    ids = rng.integers(-rows, max(rows, 1), count) if rows else np.zeros(0, int)

    def numpy(x, y, ids):
        out = x.copy()
        np.add.at(out, ids, y)
        return out

    same(lambda x, y, d: inc_subtensor(x[d], y), numpy, x, y, ids)
