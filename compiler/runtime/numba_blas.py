"""The one BLAS of a process: where NumPy's own library has its matrix product."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np

PREFIXES, SUFFIXES = ("scipy_", ""), ("64_", "_64", "")


@cache
def product_address(letter: str) -> tuple[int, int]:
    """(address of cblas_sgemm or cblas_dgemm, bits of its integers); (0, 0): none.

    NumPy's library is the one that np.dot uses: a second copy of OpenBLAS in the same
    process would fight with it for the cores.
    """
    for library in _libraries():
        for prefix in PREFIXES:
            for suffix in SUFFIXES:
                function = getattr(library, f"{prefix}cblas_{letter}gemm{suffix}", None)
                if function is not None:
                    found = ctypes.cast(function, ctypes.c_void_p).value
                    return found or 0, 64 if suffix else 32
    return 0, 0


def _libraries() -> Iterator[ctypes.CDLL]:
    """NumPy's compiled core, whose lookups see what it links, and libraries beside."""
    package = Path(np.__file__).parent
    beside = [
        *package.parent.glob("numpy.libs/*blas*"),
        *package.glob(".dylibs/*blas*"),
    ]
    core = import_module("numpy._core._multiarray_umath").__file__
    for path in (core, *beside):
        try:
            yield ctypes.CDLL(str(path))
        except OSError:
            continue
