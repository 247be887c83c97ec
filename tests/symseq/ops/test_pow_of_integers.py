"""Integers have no negative powers: said where the power is written."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.errors import DTypeError


def test_a_negative_power_of_an_integer_is_refused():
    i = T.ivector("i")
    with pytest.raises(DTypeError) as caught:
        i**-1
    assert "i**-1" in str(caught.value) and "astype" in str(caught.value)
    f = ss.function([i], i.astype("float64") ** -1)
    np.testing.assert_array_equal(f([2, 4]), [0.5, 0.25])
