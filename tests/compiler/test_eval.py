"""`x.eval`: values without a function."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.errors import MissingInputError


def test_with_and_without_inputs() -> None:
    x = T.vector("x")
    assert T.arange(4).sum().eval() == 6
    assert (x * 2).eval({x: np.arange(3.0)}).tolist() == [0, 2, 4]
    assert ss.shared(np.ones(2)).sum().eval() == 2


def test_an_input_that_is_not_read_may_be_given() -> None:
    x, y = T.vector("x"), T.vector("y")
    assert x.sum().eval({x: [1.0, 2.0], y: [1.0]}) == 3


def test_a_missing_value_is_named() -> None:
    with pytest.raises(MissingInputError, match="reads x"):
        T.vector("x").sum().eval()
