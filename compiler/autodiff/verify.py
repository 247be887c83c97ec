"""verify_grad: a symbolic gradient against central differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symseq.errors import SymseqError, UsageError
from symseq.graph import Variable
from symseq.ops.convert import constant
from symseq.span import here
from symseq.types import Array, TensorType

from ..reference import Evaluator
from .gradient import grad

# By dtype: the step of the differences, and how far off a gradient may be.
STEP = {"float32": 1e-2, "float64": 1e-6}
TOLERANCE = {"float32": 2e-2, "float64": 1e-6}


class GradientError(SymseqError, AssertionError):
    """A gradient differs from central differences."""


def verify_grad(
    fun: Callable[..., Any],
    pt: Sequence[Any],
    n_tests: int = 2,
    rng: Any = None,
    eps: float | None = None,
    out_type: str | None = None,
    abs_tol: float | None = None,
    rel_tol: float | None = None,
    mode: object = None,
    cast_to_output_type: bool = False,
) -> None:
    """Check the gradient of ``fun(*variables)`` at `pt` against central differences.

    Args:
        fun: from one variable per entry of `pt` to a float variable.
        pt: float arrays.
        n_tests: how many random projections of the output are tried.
        rng: a NumPy generator or RandomState; a fixed one where it is left out.
        eps: the step of the differences.
        abs_tol, rel_tol: an element passes if it is within either.

    Raises: GradientError with the element that is furthest off; UsageError.
    """
    points = [np.array(p) for p in pt]
    if not points or any(p.dtype.kind != "f" for p in points):
        raise UsageError("verify_grad needs points that are float arrays").at(here())
    inputs = [Variable(TensorType(p.dtype.name, ones_only(p.shape))) for p in points]
    output = fun(*inputs)
    dtype = min((p.dtype.name for p in points), key=lambda name: name == "float64")
    dtype = "float32" if output.dtype == "float32" else dtype
    step = STEP[dtype] if eps is None else eps
    tolerances = [TOLERANCE[dtype] if t is None else t for t in (abs_tol, rel_tol)]
    draw = np.random.default_rng(0) if rng is None else rng
    evaluate = Evaluator()
    (value,) = evaluate([output], inputs, points)
    for _ in range(n_tests):
        weights = np.asarray(draw.uniform(-1, 1, value.shape)) + 0.1
        cost = (output * constant(weights.astype(output.dtype))).sum()
        gradients = grad(cost, inputs, disconnected_inputs="ignore")
        symbolic = evaluate(gradients, inputs, points)
        f = _projected(evaluate, output, inputs, weights)
        compare(symbolic, central_differences(f, points, step), *tolerances)


def _projected(
    evaluate: Evaluator, output: Variable, inputs: Sequence[Variable], weights: Array
) -> Callable[..., float]:
    """points → Σ weights · output, summed in float64."""

    def f(*points: Array) -> float:
        return float(np.vdot(weights, evaluate([output], inputs, points)[0]))

    return f


def ones_only(shape: Sequence[int]) -> tuple[int | None, ...]:
    """A length of 1 is known, so that it broadcasts; others are found when called."""
    return tuple(1 if length == 1 else None for length in shape)


def central_differences(
    f: Callable[..., float], points: Sequence[Array], step: float
) -> list[Array]:
    """(f(x + h) − f(x − h)) / 2h, for each element of each point."""
    gradients = []
    for k, point in enumerate(points):
        found = np.zeros(point.shape, "float64")
        for at in np.ndindex(point.shape):
            sides = []
            for sign in (1, -1):
                moved = point.copy()
                moved[at] += sign * step
                there = float(moved[at])
                sides.append((there, f(*points[:k], moved, *points[k + 1 :])))
            (high, f_high), (low, f_low) = sides
            found[at] = (f_high - f_low) / (high - low)
        gradients.append(found)
    return gradients


def compare(
    symbolic: Sequence[Array], numeric: Sequence[Array], abs_tol: float, rel_tol: float
) -> None:
    """Raises: GradientError where an element is off by more than both tolerances."""
    for k, (ours, theirs) in enumerate(zip(symbolic, numeric, strict=True)):
        off = np.abs(ours - theirs)
        scale = np.maximum(np.maximum(np.abs(ours), np.abs(theirs)), 1e-12)
        # A NaN compares as not within the tolerance.
        bad = ~((off <= abs_tol) | (off <= rel_tol * scale))
        bad &= ~(np.isnan(ours) & np.isnan(theirs))
        if not np.any(bad):
            continue
        score = np.where(bad, np.nan_to_num(off, nan=np.inf, posinf=np.inf), -1)
        at = tuple(map(int, np.unravel_index(int(np.argmax(score)), off.shape)))
        raise GradientError(
            f"the gradient of input {k} must equal central differences; at {list(at)} "
            f"it is {ours[at]:.6g} and the differences give {theirs[at]:.6g}",
            hint="look for a wrong vjp, a kink near the point, or a step eps too large",
        ).at(here())
