"""Trigonometric and hyperbolic functions."""

from __future__ import annotations

import math

from symseq.graph import Variable
from symseq.ops.lift import lifted
from symseq.ops.math import mul, sqr, sqrt
from symseq.ops.registry import ABOVE_ONE, POSITIVE, REAL, UNIT, Domain

sin = lifted(
    "sin", "The sine of x (in radians).",
    numpy="np.sin({0})", c="sin({0})",
    vjp=lambda x, y, g: (_sin_slope(x, g),),
    domain=REAL,
)  # fmt: skip

cos = lifted(
    "cos", "The cosine of x (in radians).",
    numpy="np.cos({0})", c="cos({0})",
    vjp=lambda x, y, g: (-(g * sin(x)),),
    domain=REAL,
)  # fmt: skip

tan = lifted(
    "tan", "The tangent of x (in radians).",
    numpy="np.tan({0})", c="tan({0})",
    vjp=lambda x, y, g: (g * (1 + y * y),),
    domain=Domain(-1.2, 1.2),
)  # fmt: skip

arcsin = lifted(
    "arcsin", "The angle in [-π/2, π/2] whose sine is x.",
    numpy="np.arcsin({0})", c="asin({0})",
    vjp=lambda x, y, g: (g / sqrt(1 - x * x),),
    domain=UNIT,
)  # fmt: skip

arccos = lifted(
    "arccos", "The angle in [0, π] whose cosine is x.",
    numpy="np.arccos({0})", c="acos({0})",
    vjp=lambda x, y, g: (-(g / sqrt(1 - x * x)),),
    domain=UNIT,
)  # fmt: skip

arctan = lifted(
    "arctan", "The angle in (-π/2, π/2) whose tangent is x.",
    numpy="np.arctan({0})", c="atan({0})",
    vjp=lambda x, y, g: (g / (1 + x * x),),
    domain=REAL,
)  # fmt: skip


def _arctan2_vjp(
    a: Variable, b: Variable, y: Variable, g: Variable
) -> tuple[Variable, Variable]:
    scale = g / (sqr(a) + sqr(b))
    return scale * b, -(scale * a)


arctan2 = lifted(
    "arctan2", "The angle in [-π, π] of the point (b, a).", arity=2,
    numpy="np.arctan2({0}, {1})", c="atan2({0}, {1})",
    vjp=_arctan2_vjp,
    domain=(REAL, POSITIVE),
)  # fmt: skip

sinh = lifted(
    "sinh", "The hyperbolic sine of x.",
    numpy="np.sinh({0})", c="sinh({0})",
    vjp=lambda x, y, g: (_sinh_slope(x, g),),
    domain=REAL,
)  # fmt: skip

cosh = lifted(
    "cosh", "The hyperbolic cosine of x.",
    numpy="np.cosh({0})", c="cosh({0})",
    vjp=lambda x, y, g: (g * sinh(x),),
    domain=REAL,
)  # fmt: skip

arcsinh = lifted(
    "arcsinh", "The number whose hyperbolic sine is x.",
    numpy="np.arcsinh({0})", c="asinh({0})",
    vjp=lambda x, y, g: (g / sqrt(x * x + 1),),
    domain=REAL,
)  # fmt: skip

arccosh = lifted(
    "arccosh", "The number of at least 0 whose hyperbolic cosine is x.",
    numpy="np.arccosh({0})", c="acosh({0})",
    vjp=lambda x, y, g: (g / sqrt(x * x - 1),),
    domain=ABOVE_ONE,
)  # fmt: skip

arctanh = lifted(
    "arctanh", "The number whose hyperbolic tangent is x.",
    numpy="np.arctanh({0})", c="atanh({0})",
    vjp=lambda x, y, g: (g / (1 - x * x),),
    domain=UNIT,
)  # fmt: skip


def _sin_slope(x: Variable, g: Variable) -> Variable:
    return g * cos(x)


def _sinh_slope(x: Variable, g: Variable) -> Variable:
    return g * cosh(x)


def deg2rad(x: object) -> Variable:
    """x degrees in radians."""
    return mul(x, math.pi / 180)


def rad2deg(x: object) -> Variable:
    """x radians in degrees."""
    return mul(x, 180 / math.pi)
