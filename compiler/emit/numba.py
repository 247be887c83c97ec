"""The numba target: a Program as jitted loops over addresses, and the plan around."""

from __future__ import annotations

from .numpy import NumpyEmitter


class NumbaEmitter(NumpyEmitter):
    """Writes what numba can do as jitted functions, the rest as NumPy."""
