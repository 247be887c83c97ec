"""Array ops evaluated by `reference`, beside NumPy and central differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import symseq.ops.methods  # noqa: F401
from symseq.compiler.autodiff.reverse import differentiate
from symseq.compiler.reference import Evaluator
from symseq.graph import Variable
from symseq.types import TensorType


def like(array: Any, name: str = "x") -> Variable:
    """An input for `array`: lengths known when called, 1 static."""
    array = np.asarray(array)
    shape = tuple(1 if n == 1 else None for n in array.shape)
    return Variable(TensorType(array.dtype.name, shape), name=name)


def value(outputs: Any, given: dict[Variable, Any]) -> Any:
    """The value of one variable, or of a list of them."""
    many = isinstance(outputs, (list, tuple))
    wanted = list(outputs) if many else [outputs]
    values = [np.asarray(v, k.dtype) for k, v in given.items()]
    found = Evaluator()(wanted, list(given), values)
    for variable, array in zip(wanted, found, strict=True):
        assert array.dtype.name == variable.dtype
        for known, n in zip(variable.type.sizes, array.shape, strict=True):
            assert known in (None, n)
    return found if many else found[0]


def same(fn: Callable[..., Any], numpy: Callable[..., Any], *arrays: Any) -> None:
    """fn on variables gives what numpy gives on arrays, in shape and value."""
    inputs = [like(array) for array in arrays]
    got = value(fn(*inputs), dict(zip(inputs, arrays, strict=True)))
    want = np.asarray(numpy(*map(np.asarray, arrays)))
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-12)


def check_gradient(fn: Callable[..., Variable], *arrays: Any) -> None:
    """The gradient of Σ w·fn with respect to each float equals central differences."""
    arrays = tuple(np.asarray(a) for a in arrays)
    inputs = [like(array) for array in arrays]
    y = fn(*inputs)
    start = value(y, dict(zip(inputs, arrays, strict=True)))
    weights = np.random.default_rng(1).normal(size=start.shape)
    g = like(weights)
    wrt = [x for x in inputs if x.type.is_float]
    grads = differentiate([y], [g], wrt)
    given = {**dict(zip(inputs, arrays, strict=True)), g: weights}
    for x, grad in zip(wrt, grads, strict=True):
        assert grad is not None
        assert grad.broadcastable == x.broadcastable
        got = value(grad, given)
        want = _difference(y, weights, inputs, list(arrays), inputs.index(x))
        np.testing.assert_allclose(got, want, atol=1e-7)


def _difference(
    y: Variable, w: Any, inputs: Sequence[Variable], arrays: list[Any], k: int
) -> Any:
    slope = np.zeros(arrays[k].shape)
    for place in np.ndindex(slope.shape):
        ends = []
        for step in (1e-6, -1e-6):
            moved = arrays[k].copy()
            moved[place] += step
            point = [*arrays[:k], moved, *arrays[k + 1 :]]
            ends.append((value(y, dict(zip(inputs, point, strict=True))) * w).sum())
        slope[place] = (ends[0] - ends[1]) / 2e-6
    return slope
