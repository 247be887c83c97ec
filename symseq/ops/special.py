"""The error function, and x log x with its limits at 0."""

from __future__ import annotations

import math
from collections.abc import Sequence

from symseq.graph import Variable
from symseq.ops.compare import eq, switch
from symseq.ops.lift import lifted
from symseq.ops.math import exp, log, sqr, zeros
from symseq.ops.registry import POSITIVE, REAL

# W. J. Cody (1969), "Rational Chebyshev approximations for the error function":
# |x| <= 0.46875, 0.46875 <= |x| <= 4, and beyond, each as (numerator, denominator),
# the first coefficient belonging to the highest power.
_NEAR = (
    (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2,
     3.77485237685302021e2, 3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3,
     2.84423683343917062e3),
)  # fmt: skip
_MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594,
     6.61191906371416295e1, 2.98635138197400131e2, 8.81952221241769090e2,
     1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2,
     1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3,
     3.43936767414372164e3, 1.23033935480374942e3),
)  # fmt: skip
_FAR = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1,
     1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1,
     6.05183413124413191e-2, 2.33520497626869185e-3),
)  # fmt: skip
_INVERSE_ROOT_PI = 1 / math.sqrt(math.pi)
_SLOPE = 2 * _INVERSE_ROOT_PI


def _polynomial(coefficients: Sequence[float], x: str) -> str:
    text = repr(coefficients[0])
    for coefficient in coefficients[1:]:
        text = f"({text} * {x} + {coefficient!r})"
    return text


def _ratio(pair: tuple[Sequence[float], Sequence[float]], x: str) -> str:
    return f"{_polynomial(pair[0], x)} / {_polynomial(pair[1], x)}"


# Beyond 30 erfc is 0; the bound keeps infinities out of the differences.
_Y = "np.minimum(np.abs({0}), 30)"
# exp(-y²) as exp(-s²) exp(-(y - s)(y + s)), s = y cut to sixteenths: no error from y².
_S = f"(np.trunc({_Y} * 16) / 16)"
_GAUSS = f"(np.exp(-({_S} * {_S})) * np.exp(-(({_Y} - {_S}) * ({_Y} + {_S}))))"
_INVERSE = f"(1 / ({_Y} * {_Y}))"
_BEYOND = f"({_INVERSE_ROOT_PI!r} - {_INVERSE} * ({_ratio(_FAR, _INVERSE)})) / {_Y}"
_TAIL = f"({_GAUSS} * np.where({_Y} < 4, {_ratio(_MIDDLE, _Y)}, {_BEYOND}))"
_CENTRE = f"({{0}} * ({_ratio(_NEAR, '({0} * {0})')}))"

erf = lifted(
    "erf", "2/√π ∫ exp(-t²) dt from 0 to x.",
    numpy=f"np.where(np.abs({{0}}) < 0.46875, {_CENTRE},"
    f" np.sign({{0}}) * (1 - {_TAIL}))",
    c="erf({0})",
    vjp=lambda x, y, g: (g * (_SLOPE * exp(-sqr(x))),),
    domain=REAL,
)  # fmt: skip

erfc = lifted(
    "erfc", "1 - erf(x), exact for large x.",
    numpy=f"np.where(np.abs({{0}}) < 0.46875, 1 - {_CENTRE},"
    f" np.where({{0}} < 0, 2 - {_TAIL}, {_TAIL}))",
    c="erfc({0})",
    vjp=lambda x, y, g: (g * (-_SLOPE * exp(-sqr(x))),),
    domain=REAL,
)  # fmt: skip

xlogx = lifted(
    "xlogx", "x log x, and 0 at x = 0.",
    numpy="np.where({0} == 0, 0, {0} * np.log({0}))",
    c="({0} == 0 ? 0 : {0} * log({0}))",
    vjp=lambda x, y, g: (g * (1 + log(x)),),
    domain=POSITIVE,
)  # fmt: skip


def _xlogy_vjp(
    x: Variable, y: Variable, z: Variable, g: Variable
) -> tuple[Variable, Variable]:
    return g * log(y), switch(eq(x, 0), zeros(g), g * x / y)


xlogy0 = lifted(
    "xlogy0", "x log y, and 0 at x = 0.", arity=2,
    numpy="np.where({0} == 0, 0, {0} * np.log({1}))",
    c="({0} == 0 ? 0 : {0} * log({1}))",
    vjp=_xlogy_vjp, domain=POSITIVE,
)  # fmt: skip
