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


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int16", "int64"])
def test_what_is_added_twice_and_sums_of_it(dtype):
    """Bools are joined by "or" and small integers wrap; their sums do neither."""
    x, y, z = (T.TensorType(dtype, [None, None])(name) for name in "xyz")
    ids, pair = T.ivector("i"), (T.arange(3), T.constant([0, 1, 1]))
    zeros = T.zeros((3, 2), dtype)
    outputs = [
        T.inc_subtensor(T.inc_subtensor(x[ids], y)[ids], z),
        T.inc_subtensor(zeros[pair], y[:, 0]).sum(1),
        T.inc_subtensor(zeros[ids], y).sum(1),
    ]
    values = [np.array(rows, dtype) * 100 for rows in (
        [[1, 0], [1, 1], [0, 1]], [[1, 0], [1, 1], [0, 0]], [[1, 1], [0, 1], [1, 1]]
    )]  # fmt: skip
    ours, theirs = (
        ss.function([x, y, z, ids], outputs, target=target)(
            *[v.astype(dtype) for v in values], [0, 2, 0]
        )
        for target in ("numpy", "reference")
    )
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
