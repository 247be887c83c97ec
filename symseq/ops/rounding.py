"""Rounding, whole division and its remainder."""

from __future__ import annotations

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.lengths import Length, size_of
from symseq.ops.cast import cast
from symseq.ops.convert import as_tensor
from symseq.ops.elementwise import same_float
from symseq.ops.lift import Lifted, lifted
from symseq.ops.math import zeros
from symseq.ops.registry import Domain

BETWEEN = Domain(
    -2.9, 2.9, away_from=(-2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5)
)


def _row(name: str, doc: str, numpy: str, c: str) -> Lifted:
    return lifted(
        name, doc, numpy=numpy, c=c, dtypes=same_float, domain=BETWEEN,
        vjp=lambda x, y, g: (zeros(g),),
    )  # fmt: skip


_floor = _row("floor", "The largest integer <= x.", "np.floor({0})", "floor({0})")
_ceil = _row("ceil", "The smallest integer >= x.", "np.ceil({0})", "ceil({0})")
_trunc = _row("trunc", "x without its fraction.", "np.trunc({0})", "trunc({0})")
_rint = _row("rint", "The nearest integer, or even one.", "np.rint({0})", "rint({0})")
_away = _row(
    "round_half_away_from_zero",
    "The nearest integer, of two the one farther from 0.",
    "np.where(np.abs({0} - np.trunc({0})) < 0.5,"
    " np.trunc({0}), np.trunc({0}) + np.sign({0}))",
    "round({0})",
)


def _rounded(row: Lifted, x: object) -> Variable:
    """The row on floats; integers are round already."""
    variable = as_tensor(x)
    return row(variable) if variable.type.is_float else variable


def floor(x: object) -> Variable:
    """The largest integer <= x, in x's dtype; its gradient is zero."""
    return _rounded(_floor, x)


def ceil(x: object) -> Variable:
    """The smallest integer >= x, in x's dtype; its gradient is zero."""
    return _rounded(_ceil, x)


def trunc(x: object) -> Variable:
    """x without its fraction, in x's dtype; its gradient is zero."""
    return _rounded(_trunc, x)


def round(x: object, mode: str = "half_to_even") -> Variable:
    """The nearest integer in x's dtype; halves by `mode`; its gradient is zero.

    Raises: UsageError for a mode other than half_to_even and half_away_from_zero.
    """
    modes = {"half_to_even": _rint, "half_away_from_zero": _away}
    if mode not in modes:
        raise UsageError(
            f"round's mode must be one of {', '.join(modes)}; got {mode!r}"
        )
    return _rounded(modes[mode], x)


def round_half_to_even(x: object) -> Variable:
    """The nearest integer; of two equally near the even one."""
    return round(x)


def round_half_away_from_zero(x: object) -> Variable:
    """The nearest integer; of two equally near the one farther from 0."""
    return round(x, "half_away_from_zero")


def iround(x: object, mode: str = "half_to_even") -> Variable:
    """The nearest integer as int64."""
    return cast(round(x, mode), "int64")


def _quotient(a: Length, b: Length) -> Length:
    m, n = size_of(a), size_of(b)
    return None if m is None or not n else m // n


def _remainder(a: Length, b: Length) -> Length:
    m, n = size_of(a), size_of(b)
    return None if m is None or not n else m % n


# Quotients between 1.03 and 1.91: no step within a finite difference.
_STEADY = (Domain(1.55, 2.1), Domain(1.1, 1.5))

floor_div = lifted(
    "floor_div", "a // b: the largest integer <= a / b.", arity=2, promotion="number",
    numpy="{0} // {1}", c="floor_div({0}, {1})", symbol="{0} // {1}",
    vjp=lambda a, b, y, g: (zeros(g), zeros(g)),
    domain=_STEADY, holds=_quotient,
)  # fmt: skip

mod = lifted(
    "mod", "a - b * (a // b); it has the sign of b.", arity=2, promotion="number",
    numpy="{0} % {1}", c="floor_mod({0}, {1})", symbol="{0} % {1}",
    vjp=lambda a, b, y, g: (g, -(g * floor_div(a, b))),
    domain=_STEADY, holds=_remainder,
)  # fmt: skip

int_div = floor_div


def divmod(a: object, b: object) -> tuple[Variable, Variable]:
    """(a // b, a % b)"""
    return floor_div(a, b), mod(a, b)
