"""float32 exp, log and tanh as straight-line code, which LLVM vectorises.

Errors over all of float32, in units in the last place: exp 1.0, log 0.8, tanh 1.4. NaN
stays NaN; exp gives infinities and denormals where they are due.

Reference: S. L. Moshier, Cephes mathematical library (1989): the polynomials.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

FLOAT, INT, BIT = ir.FloatType(), ir.IntType(32), ir.IntType(1)
Builder: TypeAlias = Any
Value: TypeAlias = Any

EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2,
       1.6666665459e-1, 5.0000001201e-1)  # fmt: skip
LOG = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1,
       1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1,
       3.3333331174e-1)  # fmt: skip
TANH = (-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1,
        -3.33332819422e-1)  # fmt: skip
LOG2_E = 1.44269504088896341
LN_2_HIGH, LN_2_LOW = (
    0.693359375,
    -2.12194440e-4,
)  # the first has few bits: k·it is exact
ROUNDER = 12582912.0  # 1.5 · 2^23: x + it - it is x rounded, and its low bits are x


def f(number: float) -> Value:
    return ir.Constant(FLOAT, number)


def i(number: int) -> Value:
    return ir.Constant(INT, number)


def fma(b: Builder, x: Value, y: Value, z: Value) -> Value:
    """x y + z, in one step where the machine has it."""
    kind = ir.FunctionType(FLOAT, [FLOAT] * 3)
    name = "llvm.fmuladd.f32"
    function = b.module.globals.get(name) or ir.Function(b.module, kind, name)
    return b.call(function, [x, y, z])


def magnitude(b: Builder, x: Value) -> Value:
    kind = ir.FunctionType(FLOAT, [FLOAT])
    name = "llvm.fabs.f32"
    function = b.module.globals.get(name) or ir.Function(b.module, kind, name)
    return b.call(function, [x])


def with_sign_of(b: Builder, size: Value, x: Value) -> Value:
    kind = ir.FunctionType(FLOAT, [FLOAT] * 2)
    name = "llvm.copysign.f32"
    function = b.module.globals.get(name) or ir.Function(b.module, kind, name)
    return b.call(function, [size, x])


def polynomial(b: Builder, x: Value, coefficients: Sequence[float]) -> Value:
    y = f(coefficients[0])
    for coefficient in coefficients[1:]:
        y = fma(b, y, x, f(coefficient))
    return y


def clamp(b: Builder, x: Value, low: float, high: float) -> Value:
    """x within [low, high]; NaN stays."""
    x = b.select(b.fcmp_ordered("<", x, f(low)), f(low), x)
    return b.select(b.fcmp_ordered(">", x, f(high)), f(high), x)


def power_of_two(b: Builder, n: Value) -> Value:
    """2^n for -127 < n < 128."""
    return b.bitcast(b.shl(b.add(n, i(127)), i(23)), FLOAT)


def reduced_exp(b: Builder, x: Value) -> tuple[Value, Value]:
    """(exp(r), n) with x = n log 2 + r."""
    shifted = fma(b, x, f(LOG2_E), f(ROUNDER))
    n = b.sub(b.bitcast(shifted, INT), ir.Constant(INT, 0x4B400000))
    whole = b.fsub(shifted, f(ROUNDER))
    r = fma(b, whole, f(-LN_2_HIGH), x)
    r = fma(b, whole, f(-LN_2_LOW), r)
    y = fma(b, polynomial(b, r, EXP), b.fmul(r, r), r)
    return b.fadd(y, f(1.0)), n


def exp(b: Builder, x: Value) -> Value:
    """exp(x); two factors 2^(n/2), so that denormals and infinities come out."""
    y, n = reduced_exp(b, clamp(b, x, -104.0, 89.0))
    half = b.ashr(n, i(1))
    y = b.fmul(y, power_of_two(b, half))
    return b.fmul(y, power_of_two(b, b.sub(n, half)))


def log(b: Builder, x: Value) -> Value:
    """log(x) = e log 2 + log(m), 1/√2 <= m < √2; m - 1 is exact, so right near 1."""
    small = b.fcmp_ordered("<", x, f(1.1754943508222875e-38))
    scaled = b.select(small, b.fmul(x, f(8388608.0)), x)
    bits = b.bitcast(scaled, INT)
    e = b.ashr(b.sub(bits, ir.Constant(INT, 0x3F3504F3)), i(23))
    m = b.fsub(b.bitcast(b.sub(bits, b.shl(e, i(23))), FLOAT), f(1.0))
    e = b.sub(e, b.select(small, i(23), i(0)))
    whole, square = b.sitofp(e, FLOAT), b.fmul(m, m)
    y = b.fmul(b.fmul(polynomial(b, m, LOG), m), square)
    y = fma(b, whole, f(LN_2_LOW), y)
    y = fma(b, square, f(-0.5), y)
    y = fma(b, whole, f(LN_2_HIGH), b.fadd(m, y))
    y = b.select(b.fcmp_ordered("<", x, f(float("inf"))), y, x)  # inf and NaN stay
    y = b.select(b.fcmp_ordered("==", x, f(0.0)), f(float("-inf")), y)
    return b.select(b.fcmp_ordered("<", x, f(0.0)), f(float("nan")), y)


def tanh(b: Builder, x: Value) -> Value:
    """Below 0.625 a polynomial of |x|, else 1 - 2 / (exp(2 |x|) + 1); then x's sign."""
    size, square = magnitude(b, x), b.fmul(x, x)
    near = fma(b, b.fmul(polynomial(b, square, TANH), square), size, size)
    within = b.select(b.fcmp_ordered(">", size, f(10.0)), f(10.0), size)
    y, n = reduced_exp(b, b.fadd(within, within))
    grown = b.fadd(b.fmul(y, power_of_two(b, n)), f(1.0))
    far = b.fsub(f(1.0), b.fdiv(f(2.0), grown))
    found = b.select(b.fcmp_ordered("<", size, f(0.625)), near, far)
    return with_sign_of(b, found, x)  # -0.0 + 0.0 would have lost it


def sigmoid(b: Builder, x: Value) -> Value:
    """1 / (1 + exp(-x))"""
    return b.fdiv(f(1.0), b.fadd(f(1.0), exp(b, b.fneg(x))))


def vectorised(body: Callable[[Builder, Value], Value]) -> Any:
    """`body` as a function of one float32 for jitted code."""

    @intrinsic
    def function(context: Any, x: Any) -> Any:
        def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
            return body(builder, args[0])

        return types.float32(types.float32), generate

    return function


exp32, log32, tanh32, sigmoid32 = map(vectorised, (exp, log, tanh, sigmoid))
