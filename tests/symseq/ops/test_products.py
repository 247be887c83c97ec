"""dot, matmul, tensordot, einsum and their batches against NumPy."""

import numpy as np
import pytest
from array_checks import check_gradient, like, same, value

from symseq.errors import ShapeError, UsageError
from symseq.ops.einsum import einsum
from symseq.ops.products import (
    batched_dot,
    batched_tensordot,
    dot,
    matmul,
    outer,
    tensordot,
)
from symseq.ops.vectorize import vectorize
from symseq.traverse import sort_nodes
from symseq.types import TensorType


def drawn(*shapes):
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape) for shape in shapes]


DOTS = [
    ((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)), ((), (3,)),
    ((4, 2, 3), (3,)), ((4, 2, 3), (3, 5)), ((3,), (4, 3, 2)), ((2, 3), (4, 3, 2)),
    ((4, 2, 3), (4, 3, 2)), ((0, 3), (3, 2)), ((2, 0), (0, 2)), ((1, 1), (1, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), DOTS)
def test_dot(a, b):
    same(dot, np.dot, *drawn(a, b))
    check_gradient(dot, *drawn(a, b))


@pytest.mark.parametrize(
    ("a", "b"),
    [*(d for d in DOTS if d[0]), ((5, 1, 2, 3), (4, 3, 2)), ((0, 2, 3), (0, 3, 2))],
)
def test_matmul(a, b):
    same(lambda x, y: x @ y, np.matmul, *drawn(a, b))
    check_gradient(matmul, *drawn(a, b))


@pytest.mark.parametrize(
    ("a", "b", "axes"),
    [
        ((2, 3, 4), (3, 4, 5), 2), ((2, 3), (4, 5), 0), ((2, 3), (2, 3), 2),
        ((2, 3, 4), (4, 2, 5), [[0, 2], [1, 0]]), ((2, 3), (3,), 1),
        ((2, 3), (4, 3), [1, 1]),
    ],
)  # fmt: skip
def test_tensordot(a, b, axes):
    same(
        lambda x, y: tensordot(x, y, axes),
        lambda x, y: np.tensordot(x, y, axes),
        *drawn(a, b),
    )


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((5, 2, 3), (5, 3, 4)), ((5, 3), (5, 3, 4)), ((5, 2, 3), (5, 3)),
        ((5, 3), (5, 3)), ((5,), (5, 3)), ((0, 2, 3), (0, 3, 4)),
        ((5, 2, 3), (5, 2, 3, 4)),
    ],
)  # fmt: skip
def test_batched_dot(a, b):
    def rows(x, y):
        made = [np.dot(p, q) for p, q in zip(x, y, strict=True)]
        return np.stack(made) if made else np.zeros((0, 2, 4))

    same(batched_dot, rows, *drawn(a, b))
    check_gradient(batched_dot, *drawn(a, b))


def test_batched_tensordot():
    same(
        lambda x, y: batched_tensordot(x, y, [[1, 3], [2, 1]]),
        lambda x, y: np.stack(
            [np.tensordot(p, q, [[0, 2], [1, 0]]) for p, q in zip(x, y, strict=True)]
        ),
        *drawn((3, 2, 4, 5), (3, 5, 2, 6)),
    )
    same(outer, np.outer, *drawn((2, 2), (3,)))


EINSUMS = {
    "bid,bjd->bij": [(2, 3, 4), (2, 5, 4)], "ij,jk": [(2, 3), (3, 4)],
    "ij->ji": [(2, 3)], "ij->": [(2, 3)], "ii->i": [(3, 3)],
    "ii": [(3, 3)], "i,i->": [(3,), (3,)],
    "i,j->ij": [(3,), (2,)], "ij,ij->ij": [(2, 3), (2, 3)],
    "i,ij,j->": [(2,), (2, 3), (3,)],
    "ijk,kl,jm->iml": [(2, 3, 4), (4, 5), (3, 2)], "bi, bi -> b": [(2, 3), (2, 3)],
    "bhqd,bhkd->bhqk": [(2, 3, 4, 2), (2, 3, 1, 2)], "ab,cd->acbd": [(2, 3), (4, 1)],
    "bi,bj->ij": [(0, 3), (0, 4)], "iij,j->i": [(3, 3, 2), (2,)],
    "...ij,jk->...ik": [(2, 3, 4, 2), (2, 3)], "...i,...i": [(2, 3), (2, 3)],
    "i...,i...->...": [(2, 3, 4), (2, 3, 4)], "...i,...i->...": [(4, 2, 3), (2, 3)],
    "...ij,...jk": [(2, 1, 3, 2), (4, 2, 3)], "...,...": [(2, 1), (1, 3)],
    "a...b->b...a": [(2, 3)], "...->...": [(2, 0, 3)], "...ii->...i": [(2, 3, 3)],
}  # fmt: skip


@pytest.mark.parametrize("subscripts", EINSUMS)
def test_einsum(subscripts):
    arrays = drawn(*EINSUMS[subscripts])
    same(
        lambda *v: einsum(subscripts, *v), lambda *v: np.einsum(subscripts, *v), *arrays
    )
    check_gradient(lambda *v: einsum(subscripts, *v), *arrays)


@pytest.mark.parametrize(
    ("subscripts", "shapes", "kind", "text"),
    [
        ("...i->i", [(2, 3)], UsageError, "sums over no"),
        ("..i->i", [(2, 3)], UsageError, "takes one"),
        ("...ij->...", [(2,)], ShapeError, "more letters"),
        ("ij,jk->ik", [(2, 3)], UsageError, "2 operands; got 1"),
        ("ij->ik", [(2, 3)], UsageError, "letters of the operands"),
        ("ijk->i", [(2, 3)], ShapeError, "one letter per axis"),
        ("ij,jk->ik", [(2, 3), (4, 5)], ShapeError, "'j' must be equal; got 3 and 4"),
    ],
)
def test_einsum_refuses(subscripts, shapes, kind, text):
    with pytest.raises(kind, match=text):
        einsum(subscripts, *[TensorType("float32", s)() for s in shapes])


def test_inner_lengths():
    a, b = TensorType("float32", (None, 50))("x"), TensorType("float32", (64, 128))("W")
    with pytest.raises(
        ShapeError, match="dot needs equal inner lengths; got 50 and 64"
    ) as e:
        dot(a, b)
    assert "W : float32[64, 128]" in str(e.value)
    free = TensorType("float32", (None, None))("V")
    with pytest.raises(ShapeError, match="got 3 and 2"):
        value(dot(free, free), {free: np.zeros((2, 3))})


def test_projection_of_a_batch_is_one_product():
    x, w = like(np.zeros((5, 2, 3))), like(np.zeros((3, 4)))
    y = vectorize(dot, in_axes=[0, None])(x, w)
    ops = [node.op.name for node in sort_nodes([y])]
    assert ops.count("dot") == 1 and "batched_dot" not in ops


@pytest.mark.parametrize(("a", "b"), DOTS)
@pytest.mark.parametrize("axes", [(0, 0), (0, None), (None, 0)])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_batches_of_products(a, b, axes, count):
    shapes = [(count, *s) if k == 0 else s for s, k in zip((a, b), axes, strict=True)]
    x, y = drawn(*shapes)

    def each(x, y):
        made = [
            np.dot(x if axes[0] is None else x[n], y if axes[1] is None else y[n])
            for n in range(count)
        ]
        empty = np.dot(np.zeros(a), np.zeros(b)).shape
        return np.stack(made) if made else np.zeros((0, *empty))

    same(vectorize(dot, in_axes=axes), each, x, y)
