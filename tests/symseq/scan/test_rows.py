"""Rows of histories."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.scan.rows import final_rows


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("until", [False, True])
def test_final_rows(depth, until):
    history, done = T.dmatrix("history"), T.lscalar("done") if until else None
    rows = final_rows(history, depth, done)
    assert rows.broadcastable == (depth == 1, False)
    value = np.arange(12.0).reshape(6, 2)
    inputs = [history, done] if until else [history]
    f = ss.function(inputs, rows)
    got = f(value, 3) if until else f(value)
    np.testing.assert_array_equal(
        got, value[3 : 3 + depth] if until else value[-depth:]
    )
