"""Functions on numbers that generated modules call: whole division, random words."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from .numba_memory import rest

compiled = njit(error_model="numpy")  # its code goes into the callers' own

SIGNATURES = tuple(f"int64({', '.join(['int64'] * k)})" for k in range(1, 9))


BARE: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def jitted(function: Callable[..., Any]) -> Any:
    """A generated function of a table's address and the steps of the loops around.

    Its machine code is taken out of numba, and called without it.
    """
    count = function.__code__.co_argcount
    return njit(SIGNATURES[count - 1], error_model="numpy", **BARE)(function)


GAMMA = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)


@compiled
def whole_quotient(a: int, b: int) -> int:
    """a // b as NumPy has it: 0 where b is 0, and the least number stays itself."""
    if b == 0:
        return 0
    return -a if b == -1 else a // b


@compiled
def whole_remainder(a: int, b: int) -> int:
    """a % b as NumPy has it: the sign of b, 0 where b is 0."""
    return 0 if b in (0, -1) else a % b


@compiled
def quotient(a: float, b: float) -> float:
    """a // b of floats as NumPy has it."""
    if b == 0:
        return a / b
    left: float = rest(a, b)  # type: ignore[call-arg]
    ratio = (a - left) / b
    if left != 0 and (left < 0) != (b < 0):
        ratio -= 1.0
    if ratio == 0:
        return math.copysign(0.0, a / b)
    whole = float(np.floor(ratio))
    return whole + 1.0 if ratio - whole > 0.5 else whole


@compiled
def remainder(a: float, b: float) -> float:
    """a % b of floats as NumPy has it."""
    left: float = rest(a, b)  # type: ignore[call-arg]
    if left == 0:
        return math.copysign(0.0, b)
    return left + b if (left < 0) != (b < 0) else left


@compiled
def mix(z: np.uint64) -> np.uint64:
    """The finaliser of SplitMix64 (see symseq.random.bits)."""
    z = (z ^ (z >> SHIFTS[0])) * FIRST
    z = (z ^ (z >> SHIFTS[1])) * SECOND
    return z ^ (z >> SHIFTS[2])


@compiled
def fold_in(key: int, number: int) -> np.int64:
    """The key of child `number` of `key`."""
    return np.int64(mix(mix(np.uint64(key)) + np.uint64(number) * GAMMA))


@compiled
def word(key: int, place: int) -> np.int64:
    """Word `place` (from 0) of `key`."""
    start = np.uint64(key)
    block = np.uint64(place + 1) * GAMMA + start
    return np.int64(mix(mix(block) + start))
