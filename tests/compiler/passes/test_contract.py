"""Sums of products along an axis as matrix products, where they are some."""

from collections import Counter

import numpy as np
import pytest

import symseq as ss
from symseq.compiler.passes.contract import CONTRACT
from symseq.compiler.rewrite.engine import rewrite
from symseq.traverse import sort_nodes

B, S, H, N = 2, 3, 4, 5
rng = np.random.default_rng(0)


def tensor(shape):
    static = [1 if n == 1 else None for n in shape]
    return ss.TensorType("float64", static)


def product(left, right, axis):
    """(inputs, Σ left · right along `axis`, values)."""
    a = ss.Variable(tensor(left), name="a")
    b = ss.Variable(tensor(right), name="b")
    values = [rng.normal(size=shape) for shape in (left, right)]
    return [a, b], (a * b).sum(axis), values


CASES = {
    "attention over steps": ((S, B, 1), (S, B, H), 0, "batched_dot"),
    "scores": ((B, N, H), (B, 1, H), 2, "batched_dot"),
    "weighted sum": ((B, N, 1), (B, N, H), 1, "batched_dot"),
    "outer in a batch": ((B, N, 1, S), (B, 1, H, S), 3, "batched_dot"),
    "additive scores": ((S, B, H), (1, 1, H), 2, "dot"),
    "matrix and vector": ((N, H), (1, H), 1, "dot"),
    "vector and matrix": ((N, 1), (N, H), 0, "dot"),
    "two matrices": ((N, H, 1), (1, H, S), 1, "dot"),
    "outer over the batch": ((B, N, 1), (B, 1, H), 0, "dot"),
    "with an axis of neither": ((B, 1, N, H), (B, 1, 1, H), 3, "batched_dot"),
    "a batch side by side": ((N, B), (N, B), 0, None),
    "the batch lies innermost": ((S, N, B), (1, N, B), 1, None),
    "rows that lie apart": ((S, N, H), (1, N, 1), 1, None),
    "one operand along the axis": ((N, H), (N, 1), 1, None),
}


@pytest.mark.parametrize("name", CASES)
def test_a_sum_of_products(name):
    left, right, axis, wanted = CASES[name]
    for one, other in ((left, right), (right, left)):
        inputs, total, values = product(one, other, axis)
        (made,) = rewrite([total], CONTRACT)
        assert made.type == total.type
        found = Counter(node.op.name for node in sort_nodes([made]))
        assert found["sum"] == (wanted is None)
        assert not wanted or found[wanted] == 1
        f = ss.function(inputs, total)
        np.testing.assert_allclose(f(*values), (values[0] * values[1]).sum(axis))


def test_a_product_that_is_read_elsewhere_stays():
    _, total, _ = product((B, N, H), (B, 1, H), 2)
    made = rewrite([total, total.owner.inputs[0]], CONTRACT)
    assert "batched_dot" not in {node.op.name for node in sort_nodes(made)}


def test_empty_and_infinite():
    inputs, total, _ = product((B, N, H), (B, 1, H), 2)
    f = ss.function(inputs, total)
    for shape in ((0, N, H), (B, 0, H), (B, N, 0)):
        found = f(np.ones(shape), np.ones((shape[0], 1, shape[2])))
        np.testing.assert_array_equal(found, np.zeros(shape[:2]))
    x, y = np.ones((B, N, H)), np.zeros((B, 1, H))
    x[0, 0, 0] = np.inf
    assert np.isnan(f(x, y)[0, 0]) and np.isfinite(f(x, y)).sum() == B * N - 1
