"""What rules ask of variables."""

import numpy as np
import pytest

import symseq.tensor as T
from symseq.compiler.rewrite.patterns import (
    core_of,
    counts_along,
    is_length_of,
    is_scalar,
    number_of,
    same_length,
)
from symseq.lengths import dims

x, m = T.dvector("x"), T.TensorType("float64", (4, 6))("m")


@pytest.mark.parametrize(
    "build, number",
    [
        (lambda: T.constant(3.0), 3),
        (lambda: T.constant(np.full((2, 3), 7)), 7),
        (lambda: T.constant(np.full(1000, 2.5)), 2.5),
        (lambda: T.constant(3.0).dimshuffle("x", "x"), 3),
        (lambda: T.fill(x, 4), 4),
        (lambda: T.zeros((3, 4)), 0),
        (lambda: T.alloc(T.fill(x, -0.0), 2, x.shape[0]), 0),
        (lambda: T.constant(2**60), 2**60),
        (lambda: T.constant([1.0, 2.0]), None),
        (lambda: T.constant(np.arange(1000.0)), None),
        (lambda: T.constant(np.zeros((0, 2))), None),
        (lambda: x, None),
        (lambda: T.fill(T.constant(1.0).dimshuffle("x"), x), None),
    ],
)
def test_the_number_that_a_variable_is(build, number):
    variable = build()
    assert number_of(variable) == number
    assert number_of(variable) == number  # also when it is known already


def test_the_core_is_behind_views_and_repeats():
    assert core_of(T.alloc(T.fill(m, x.sum()).dimshuffle(1, "x", 0), 6, 2, 4)).owner
    assert core_of(x.dimshuffle("x", 0)) is x


def test_scalars_have_only_static_ones():
    assert is_scalar(T.constant(1.0)) and is_scalar(x.sum().dimshuffle("x", "x"))
    assert not is_scalar(x)


def test_lengths():
    B, H = dims("B", H=3)
    assert same_length(B, B) and same_length(H, 3) and not same_length(B, 3)
    assert not same_length(None, None)
    assert is_length_of(x.shape[0], x, 0) and is_length_of(T.constant(4), m, 0)
    assert not is_length_of(x.shape[0], m, 0)


@pytest.mark.parametrize(
    "build, answer",
    [
        (lambda: T.arange(4), True),
        (lambda: T.constant(np.arange(4)), True),
        (lambda: T.arange(m.shape[0]), True),
        (lambda: T.arange(1, 5), False),
        (lambda: T.arange(3), False),
        (lambda: T.arange(0, 8, 2), False),
        (lambda: T.lvector("i"), False),
    ],
)
def test_counting_along_an_axis(build, answer):
    assert counts_along(build(), 0, m, 0) == answer
    grid = build().dimshuffle("x", 0)
    assert counts_along(grid, 1, m, 0) == answer
    assert not counts_along(grid, 0, m, 0)
