"""reshape, join, split, stack, the makers: values as NumPy's, names of lengths."""

import numpy as np
import pytest
from array_checks import check_gradient, like, same, value

from symseq.errors import DTypeError, ShapeError, UsageError
from symseq.lengths import dims
from symseq.ops import axes, create
from symseq.ops.alloc import alloc
from symseq.ops.arange import arange
from symseq.ops.join import (
    concatenate,
    horizontal_stack,
    split,
    stack,
    stacklists,
    vertical_stack,
)
from symseq.ops.reshape import flatten, reshape
from symseq.ops.shape import shape, specify_shape
from symseq.types import TensorType

T, B, D = dims("T B D")
H = dims(H=8)[0]


@pytest.fixture
def x():
    return TensorType("float32", (T, B, D))("x")


def shown(variable):
    return str(variable.type)


def test_names_survive(x):
    t, b = x.shape[0], x.shape[1]
    assert shown(reshape(x, (t * b, x.shape[2]))) == "float32[B*T, D]"
    assert shown(x.reshape((-1, x.shape[2]))) == "float32[B*T, D]"
    assert shown(x.reshape((t * b, -1))) == "float32[B*T, D]"
    assert shown(x.reshape((t, b, 2, -1))) == "float32[T, B, 2, ?]"
    assert shown(flatten(x, 2)) == "float32[T, B*D]"
    assert shown(create.zeros((t, H))) == "float32[T, H]"
    assert shown(create.zeros_like(x)) == "float32[T, B, D]"
    assert shown(create.ones(x.shape)) == "float32[T, B, D]"
    assert shown(arange(t)) == "int64[T]"
    assert shown(concatenate([x, x], axis=2)) == "float32[T, B, 2D]"
    assert shown(stack([x, x])) == "float32[2, T, B, D]"
    assert stack([t, 3]).held == (T, 3)
    gates = TensorType("float32", (B, 4 * H))("gates")
    assert shown(gates.reshape((gates.shape[0], 4, -1))) == "float32[B, 4, H]"


@pytest.mark.parametrize(
    "shape", [(12,), (3, 4), (-1, 2), (2, -1, 1), (4, 3, 1), (1, 12, 1)]
)
def test_reshape(shape):
    a = np.arange(12.0).reshape(2, 3, 2)
    same(lambda v: v.reshape(shape), lambda v: v.reshape(shape), a)
    check_gradient(lambda v: v.reshape(shape), a)


def test_reshape_to_a_vector_of_lengths():
    a, b = np.arange(6.0), np.zeros((3, 2))
    same(lambda v, w: v.reshape(shape(w)), lambda v, w: v.reshape(w.shape), a, b)
    n = like(np.array([3, 2]))
    v = like(a)
    assert value(v.reshape(n, ndim=2), {v: a, n: [3, 2]}).shape == (3, 2)
    with pytest.raises(ShapeError, match="known number of entries"):
        v.reshape(n)


@pytest.mark.parametrize("a", [np.zeros((0, 3, 2)), np.ones((1, 1, 1)), np.float64(2)])
def test_flatten_of_little(a):
    same(flatten, np.ravel, a)
    if np.ndim(a) == 3:
        same(lambda v: flatten(v, 2), lambda v: v.reshape(len(v), v[0:1].size or 6), a)


@pytest.mark.parametrize(
    ("build", "kind", "text"),
    [
        (lambda x: x.reshape((3, 7)), ShapeError, "number of elements"),
        (lambda x: x.reshape((5, -1)), ShapeError, "number of elements"),
        (lambda x: x.reshape((-1, -1)), ShapeError, "may be -1"),
        (lambda x: x.reshape((-2, 3)), ShapeError, "at least 0"),
        (lambda x: x.reshape((2.0, 3)), DTypeError, "must be an integer"),
        (lambda x: flatten(x, 3), ShapeError, "flatten leaves 1 to 2"),
        (lambda x: alloc(0.0, -1), ShapeError, "at least 0; got -1"),
        (lambda x: alloc(x, 3, 4), ShapeError, "got 4 and 3"),
        (lambda x: create.zeros((B, 3)), UsageError, "must have a value"),
        (lambda x: concatenate([x, x[0]]), ShapeError, "ranks 2, 1"),
        (lambda x: concatenate([x, x[:, :2]]), ShapeError, "got 3 and 2"),
        (lambda x: concatenate([x, x], axis=2), ShapeError, "axis"),
        (lambda x: stack([]), UsageError, "at least one"),
        (lambda x: axes.transpose(x, 0, 0), ShapeError, "each axis"),
        (lambda x: axes.squeeze(x, 0), ShapeError, "length 1"),
        (lambda x: specify_shape(x, (2, 9)), ShapeError, "got 3 and 9"),
        (lambda x: split(x, [1, 2], 2), ShapeError, "must be equal; got"),
    ],
)
def test_what_is_refused(build, kind, text):
    with pytest.raises(kind, match=text) as caught:
        build(TensorType("float32", (4, 3))("x"))
    assert "test_reshape_join.py" in str(caught.value)


def test_joins():
    a, b = np.arange(6.0).reshape(2, 3), np.arange(4.0).reshape(2, 2)
    same(lambda p, q: concatenate([p, q], 1), lambda *v: np.concatenate(v, 1), a, b)
    same(lambda p, q: concatenate([p, q], -1), lambda *v: np.concatenate(v, 1), a, b)
    same(horizontal_stack, lambda *v: np.hstack(v), a, b)
    same(vertical_stack, lambda *v: np.vstack(v), a, a[:0])
    check_gradient(lambda p, q: concatenate([p, q, p], 1), a, b)
    for axis in (0, 1, -1):
        same(
            lambda p, k=axis: stack([p, p], axis=k),
            lambda p, k=axis: np.stack([p, p], k),
            a,
        )
    same(lambda p: stack(p, p), lambda p: np.stack([p, p]), a)
    same(lambda s: stacklists([[s, 1.0], [2.0, s]]), lambda s: [[s, 1], [2, s]], 3.0)


def test_join_meets_in_one_dtype():
    i, f = TensorType("int64", (2,))(), TensorType("float32", (2,))()
    assert concatenate([i, f]).dtype == "float32"
    assert stack([i[0], 1]).dtype == "int64"


def test_split():
    a, sizes = np.arange(5.0), np.array([2, 0, 3])
    v, n = like(a), like(sizes)
    parts = split(v, n, 3)
    got = value(parts, {v: a, n: sizes})
    assert [p.tolist() for p in got] == [[0, 1], [], [2, 3, 4]]
    check_gradient(lambda v: split(v, [2, 0, 3], 3)[2] * 2, a)
    with pytest.raises(ShapeError, match="sum"):
        value(parts, {v: a, n: [2, 2, 3]})


@pytest.mark.parametrize(
    "args",
    [
        (5,),
        (0,),
        (-3,),
        (1, 7, 2),
        (7, 1, -2),
        (3, 1),
        (0.0, 1.0, 0.25),
        (1.0, -1.0, -0.5),
    ],
)
def test_arange(args):
    made = arange(*args)
    assert made.dtype == ("int64" if isinstance(args[0], int) else "float32")
    np.testing.assert_array_equal(value(made, {}), np.arange(*args))
    symbols = [like(np.asarray(a)) for a in args]
    got = value(arange(*symbols), dict(zip(symbols, args, strict=True)))
    np.testing.assert_allclose(got, np.arange(*args))


def test_makers():
    n = like(np.int64(2))
    assert value(create.full((n, 3), 7, "int8"), {n: 0}).shape == (0, 3)
    assert value(create.ones((n,)), {n: 2}).tolist() == [1, 1]
    assert create.zeros_like(n).dtype == "int64"
    row = like(np.ones((1, 3)))
    check_gradient(lambda r: alloc(r, 2, 4, 3), np.ones((1, 3)))
    assert alloc(row, n, 3).type.shape == (None, 3)


def test_views():
    a = np.arange(6.0).reshape(1, 2, 3)
    same(lambda v: v.T, lambda v: v.T, a)
    same(lambda v: axes.transpose(v, (1, 0, -1)), lambda v: v.transpose(1, 0, 2), a)
    same(lambda v: axes.swapaxes(v, 0, -1), lambda v: v.swapaxes(0, -1), a)
    same(lambda v: axes.moveaxis(v, -1, 0), lambda v: np.moveaxis(v, -1, 0), a)
    same(axes.squeeze, np.squeeze, a)
    same(lambda v: axes.shape_padaxis(v, -1), lambda v: v[..., None], a)
    same(lambda v: axes.shape_padleft(v, 2), lambda v: v[None, None], a)
    same(lambda v: axes.shape_padright(v), lambda v: v[..., None], a)


def test_specified_lengths_are_checked_when_called():
    v = like(np.zeros((2, 3)))
    stated = specify_shape(v, (None, 4))
    assert stated.type.shape == (None, 4)
    with pytest.raises(ShapeError, match="got 3 and 4"):
        value(stated, {v: np.zeros((2, 3))})
    one = axes.addbroadcast(v, 0)
    assert one.broadcastable == (True, False)
    with pytest.raises(ShapeError):
        value(one, {v: np.zeros((2, 3))})
