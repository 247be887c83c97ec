"""Every registered op gives the same values on the numpy target as on reference."""

import numpy as np
import pytest

import symseq.ops.methods  # noqa: F401  (fills the registry)
from symseq.compiler.function import function
from symseq.graph import Variable
from symseq.ops.registry import REGISTRY
from symseq.types import TensorType


def free_type(array):
    """The type of an input of which only lengths of 1 are known."""
    return TensorType(array.dtype.name, [1 if n == 1 else None for n in array.shape])


def same(a, b):
    assert a.dtype == b.dtype and a.shape == b.shape
    if a.dtype.kind == "f":
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    else:
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_numpy_equals_reference(name):
    rng = np.random.default_rng(7)
    for case in REGISTRY[name].cases(rng):
        arrays = [np.asarray(x) for x in case.inputs]
        inputs = [Variable(free_type(x), name=f"x{k}") for k, x in enumerate(arrays)]
        outputs = list(case.op.make(*inputs))
        plan = function(inputs, outputs, on_unused_input="ignore")
        reference = function(
            inputs, outputs, target="reference", on_unused_input="ignore"
        )
        for _ in range(2):  # the second call runs over what the first one left
            for a, b in zip(plan(*arrays), reference(*arrays), strict=True):
                same(a, b)
        strided = [x[::-1].copy()[::-1] if x.ndim else x for x in arrays]
        for a, b in zip(plan(*strided), reference(*arrays), strict=True):
            same(a, b)
