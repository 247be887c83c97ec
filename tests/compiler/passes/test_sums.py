"""Reductions of what is repeated keep the lengths that they had."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T


@pytest.mark.parametrize("axis", [0, 1, 2, (0, 2), (0, 1, 2)])
def test_a_sum_of_zeros_is_as_long_as_before(axis):
    x = T.tensor3("x")
    for made in (T.zeros_like(x), T.ones_like(x) * 2.5):
        f = ss.function([x], made.sum(axis), on_unused_input="ignore")
        values = np.ones((1, 3, 4), "float32")
        wanted = np.full(values.shape, made.eval({x: values}).flat[0]).sum(axis)
        found = f(values)
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted)
