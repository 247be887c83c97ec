"""Generated functions of the numba target run by Python itself: slow, but at once.

Every function that jitted code calls has a plain form here, over the same addresses.
What numba compiles is the same text, so the text is tested without compiling it.
"""

import ctypes
import math
from types import SimpleNamespace

import numpy as np

from symseq.random.bits import folded, words
from symseq.types import DTYPES


def scalar(dtype):
    return lambda x: np.asarray(x).astype(dtype)[()]


def memory(address, count, dtype):
    """`count` elements from an address on, as an array over that memory."""
    size = np.dtype(dtype).itemsize
    raw = (ctypes.c_char * (max(count, 1) * size)).from_address(int(address))
    return np.frombuffer(raw, dtype, count)


def getter(dtype):
    size = np.dtype(dtype).itemsize
    return lambda at, k, mark: memory(at + k * size, 1, dtype)[0]


def putter(dtype):
    size = np.dtype(dtype).itemsize

    def put(at, k, value, mark=0):
        assert np.asarray(value).dtype == dtype or dtype in ("bool", "int64", "float64")
        memory(at + k * size, 1, dtype)[0] = value

    return put


def matrix(at, transposed, by, rows, columns, dtype):
    m, n = (columns, rows) if transposed else (rows, columns)
    count = (m - 1) * by + n if m and n else 0
    flat = memory(at, count, dtype)
    size = flat.itemsize
    made = np.lib.stride_tricks.as_strided(flat, (m, n), (by * size, size))
    return made.T if transposed else made


def multiplier(dtype):
    def multiply(blas, m, n, k, a, a_t, a_by, b, b_t, b_by, beta, c, c_by):
        if m == 0 or n == 0:
            return
        for rows, columns, by in ((k, m, a_by) if a_t else (m, k, a_by),
                                  (n, k, b_by) if b_t else (k, n, b_by),
                                  (m, n, c_by)):  # fmt: skip
            assert by >= max(columns, 1) or rows <= 1, (rows, columns, by)
        left, right = (
            matrix(a, a_t, a_by, m, k, dtype),
            matrix(b, b_t, b_by, k, n, dtype),
        )
        out = matrix(c, 0, c_by, m, n, dtype)
        out[...] = np.dot(left, right) + (out * beta if beta else 0)

    return multiply


def packer(dtype):
    def pack(rows, columns, a, down, right, to):
        get, put = getter(dtype), putter(dtype)
        for i in range(rows):
            for j in range(columns):
                put(to, i * columns + j, get(a, i * down + j * right, 0))

    return pack


def fold_in(key, number):
    return folded(np.asarray(key), np.asarray(number))[()]


def word(key, place):
    return words(np.asarray(key), int(place) + 1)[-1]


MATH = SimpleNamespace(
    **{name: getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh",
       "tanh", "expm1", "log1p", "exp", "log", "log2", "log10")},
    asin=np.arcsin, acos=np.arccos, atan=np.arctan, atan2=np.arctan2,
    asinh=np.arcsinh, acosh=np.arccosh, atanh=np.arctanh, pow=np.power,
    inf=math.inf, nan=math.nan,
    erf=lambda x: type(x)(math.erf(x)), erfc=lambda x: type(x)(math.erfc(x)),
)  # fmt: skip
NAMES = {
    "entry": lambda p, k: int(memory(p + 8 * k, 1, "int64")[0]),
    "row": lambda start, number, step: start + number * step,
    "math": MATH, "interrupted": lambda look: False, "fold_in": fold_in, "word": word,
    "exp32": np.exp, "log32": np.log, "tanh32": np.tanh,
    "sigmoid32": lambda x: np.float32(1) / (np.float32(1) + np.exp(-x)),
    "whole_quotient": np.floor_divide, "whole_remainder": np.remainder,
    "quotient": lambda a, b: np.floor_divide(np.float64(a), np.float64(b)),
    "remainder": lambda a, b: np.remainder(np.float64(a), np.float64(b)),
    "maximum": np.maximum, "minimum": np.minimum,
    "where": lambda c, a, b: a if c else b,
    "add_freely": lambda a, b: a + b, "floor": np.floor, "ceil": np.ceil,
    "trunc": np.trunc, "rint": np.rint, "sqrt": np.sqrt, "fabs": np.abs,
}  # fmt: skip
for name in DTYPES:
    NAMES[f"get_{name}"], NAMES[f"put_{name}"] = getter(name), putter(name)
    NAMES[name] = scalar(name)
for name in ("float32", "float64"):
    NAMES[f"multiply_{name}"], NAMES[f"pack_{name}"] = multiplier(name), packer(name)


def load(text, needed):
    """In the place of `symseq.compiler.runtime.numba_cache.load`."""
    namespace = {name: NAMES[name] for name in needed}
    namespace |= {"math": MATH, "jitted_": lambda function: function}
    exec(compile(text, "<jitted by Python>", "exec"), namespace)
    return namespace
