"""Slices of slices, of joins and of writes, against NumPy for every small length."""

import itertools

import numpy as np
import pytest

import symseq.tensor as T
from symseq.compiler.passes.simplify import SIMPLIFY
from symseq.compiler.reference import Evaluator
from symseq.compiler.rewrite.engine import rewrite
from symseq.traverse import sort_nodes

CUTS = [
    slice(None),
    slice(1, None),
    slice(None, -1),
    slice(2, None),
    slice(None, 2),
    slice(None, None, -1),
    slice(None, None, 2),
    slice(3, None, -2),
    slice(-2, None),
    slice(1, 3),
    slice(-1, None, -1),
    slice(None, 0, -1),
]
INDICES = [0, 1, -1, -2]
PAIRS = list(itertools.product(CUTS, [*CUTS, *INDICES]))


def run(output, x, value):
    """The value, or the kind of the error."""
    try:
        return Evaluator()([output], [x], [value])[0]
    except IndexError:
        return IndexError


@pytest.mark.parametrize("size", [None, 0, 1, 2, 3, 5])
def test_slices_of_slices(size):
    x = T.TensorType("float64", (size,))("x")
    for first, second in PAIRS:
        try:
            made = x[first][second]
        except IndexError:
            continue  # seen when the graph is built
        (changed,) = rewrite([made], SIMPLIFY)
        for n in range(6) if size is None else [size]:
            value = np.arange(float(n))
            wanted, got = run(made, x, value), run(changed, x, value)
            if wanted is IndexError:
                assert got is IndexError, (first, second, n)
            else:
                np.testing.assert_array_equal(got, wanted, f"{first} {second} {n}")


@pytest.mark.parametrize("size", [1, 2, 5])
def test_two_slices_of_a_known_length_are_one(size):
    x = T.TensorType("float64", (size,))("x")
    for first, second in itertools.product(CUTS, CUTS):
        (changed,) = rewrite([x[first][second]], SIMPLIFY)
        assert len(sort_nodes([changed])) <= 1


def test_slices_of_joins():
    parts = [T.TensorType("float64", (n, 2))(f"p{n}") for n in (2, 0, 3, 1)]
    values = [np.full((n, 2), k + 1.0) for k, n in enumerate((2, 0, 3, 1))]
    values = [v + np.arange(len(v))[:, None] for v in values]
    joined = T.concatenate(parts)
    for a, b in itertools.combinations_with_replacement(range(7), 2):
        made = joined[a:b]
        (changed,) = rewrite([made], SIMPLIFY)
        wanted = np.concatenate(values)[a:b]
        got = Evaluator()([changed], parts, values)[0]
        np.testing.assert_array_equal(got, wanted)


def test_writes_in_any_order_against_numpy():
    rng = np.random.default_rng(0)
    x = T.TensorType("float64", (6,))("x")
    y = T.TensorType("float64", (6,))("y")
    for _ in range(200):
        base, check = (
            (x, True) if rng.random() < 0.5 else (T.zeros(6, "float64"), False)
        )
        made, bounds = base, []
        for _ in range(rng.integers(1, 4)):
            a, b = sorted(rng.integers(0, 7, 2))
            adds = rng.random() < 0.5
            bounds.append((a, b, adds))
            put = T.inc_subtensor if adds else T.set_subtensor
            made = put(made[a:b], y[a:b])
        a, b = sorted(rng.integers(0, 7, 2))
        outputs = [made, made[a:b], made + x]
        changed = rewrite(outputs, SIMPLIFY)
        value, other = rng.normal(size=6), rng.normal(size=6)
        wanted = value.copy() if check else np.zeros(6)
        for start, stop, adds in bounds:
            wanted[start:stop] = wanted[start:stop] * adds + other[start:stop]
        got = Evaluator()(changed, [x, y], [value, other])
        for one, right in zip(got, [wanted, wanted[a:b], wanted + value], strict=True):
            np.testing.assert_allclose(one, right, 1e-14, 1e-15)
