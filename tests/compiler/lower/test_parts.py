"""What is only read in parts is computed in parts, outside of loops."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.compiler.program import Kernel, walk


def tanhs(f):
    """How many elements each tanh of a plan computes along the last axis."""
    return sorted(
        step.out.variable.type.shape[-1]
        for step in walk(f.plan.program.steps)
        if isinstance(step, Kernel) and "tanh" in str(step.recipe)
    )


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize(
    ("stop", "start", "wanted"), [(2, 2, [2, 4]), (2, 3, [2, 3]), (3, 2, [6])]
)
def test_parts_that_do_not_overlap_are_made_apart(ndim, stop, start, wanted):
    x = T.TensorType("float64", [*[None] * (ndim - 1), 6])("x")
    whole = T.tanh(x * 2)
    outputs = [T.exp(whole[..., 0:stop]).sum(), T.sin(whole[..., start:6]) * 3]
    values = np.random.default_rng(0).normal(size=(*[2] * (ndim - 1), 6))
    f = ss.function([x], outputs)
    for ours, theirs in zip(
        f(values), ss.function([x], outputs, target="reference")(values), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    assert tanhs(f) == wanted
