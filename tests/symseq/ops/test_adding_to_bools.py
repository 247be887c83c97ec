"""Adding at places of bools and of small integers keeps their dtype."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T


@pytest.mark.parametrize("target", ["reference", "numpy"])
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int16"])
def test_repeated_places(target, dtype):
    x, y, ids = (
        T.TensorType(dtype, [None])("x"),
        T.TensorType(dtype, [None])("y"),
        T.ivector("i"),
    )
    f = ss.function([x, y, ids], T.inc_subtensor(x[ids], y), target=target)
    wanted = np.array([0, 1, 0], dtype)
    made = f(wanted, np.array([1, 0, 1], dtype), [0, 1, 0])
    np.add.at(wanted, [0, 1, 0], np.array([1, 0, 1], dtype))
    assert made.dtype == dtype
    np.testing.assert_array_equal(made, wanted)
    with_read = T.inc_subtensor(x[1:], y)[1:]
    g = ss.function([x, y], with_read, target=target)
    assert g(np.ones(3, dtype), np.ones(2, dtype)).dtype == dtype
