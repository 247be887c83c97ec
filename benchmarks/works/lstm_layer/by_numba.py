"""The LSTM layer as loops written by hand for numba.

The products are NumPy's names inside numba; between them rows are worked on in short
loops with one target each, which is what the vectoriser takes without alias checks that
it gives up on. tanh has an absolute error of 1e-7.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import Any

import numba
import numpy as np

from ...work import Array, Built, Problem
from . import Sizes

# ln 2 in two parts, the first with few bits, so that n times it is exact.
LN2_HIGH = np.float32(round(np.log(2) * 512) / 512)
LN2_LOW = np.float32(np.log(2) - float(LN2_HIGH))
LOG2_E = np.float32(1 / np.log(2))
ONE, TWO, HALF, QUARTER = (np.float32(x) for x in (1, 2, 0.5, 0.25))
C2, C3, C4, C5, C6, C7 = (np.float32(1 / factorial(n)) for n in range(2, 8))
jitted = numba.njit(
    fastmath={"contract", "nsz", "arcp"}, error_model="numpy", cache=True
)


@jitted
def exp(x: Any) -> Any:
    """2^n e^r with |r| <= ln 2 / 2, for x in the range where that is finite."""
    x = min(max(x, np.float32(-87)), np.float32(88))
    n = np.floor(x * LOG2_E + HALF)
    r = x - n * LN2_HIGH - n * LN2_LOW
    series = C4 + r * (C5 + r * (C6 + r * C7))
    series = ONE + r * (ONE + r * (C2 + r * (C3 + r * series)))
    return series * np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(
        np.float32
    )


@jitted
def tanh(x: Any) -> Any:
    return ONE - TWO / (exp(TWO * x) + ONE)


@jitted
def forward(z: Array, U: Array, hidden: Array, cell: Array, tanh_cell: Array) -> None:
    """z: [T, B, 4H], the halved projections; becomes tanh of the gates."""
    T, B, H = tanh_cell.shape
    product = np.empty((B, 4 * H), np.float32)
    for t in range(T):
        np.dot(hidden[t], U, product)
        for n in range(B):
            row, add = z[t, n], product[n]
            for k in range(4 * H):
                row[k] = tanh(row[k] + add[k])
            i, f, g, o = row[:H], row[H : 2 * H], row[2 * H : 3 * H], row[3 * H :]
            old, new = cell[t, n], cell[t + 1, n]
            for k in range(H):
                keep = (HALF * f[k] + HALF) * old[k]
                new[k] = keep + (HALF * i[k] + HALF) * g[k]
            flat, out = tanh_cell[t, n], hidden[t + 1, n]
            for k in range(H):
                flat[k] = tanh(new[k])
            for k in range(H):
                out[k] = (HALF * o[k] + HALF) * flat[k]


@jitted
def backward(
    z: Array, U: Array, G: Array, cell: Array, tanh_cell: Array, dz: Array
) -> None:
    """Writes the cotangents of the gates' sums into dz: [T, B, 4H]."""
    T, B, H = tanh_cell.shape
    d_hidden = np.zeros((B, H), np.float32)
    d_cell = np.zeros((B, H), np.float32)
    back = U.T
    for t in range(T - 1, -1, -1):
        for n in range(B):
            row, out = z[t, n], dz[t, n]
            i, f, g, o = row[:H], row[H : 2 * H], row[2 * H : 3 * H], row[3 * H :]
            dh, dc, flat, old = d_hidden[n], d_cell[n], tanh_cell[t, n], cell[t, n]
            given = G[t, n]
            for k in range(H):
                dh[k] += given[k]
            for k in range(H):
                dc[k] += dh[k] * (HALF * o[k] + HALF) * (ONE - flat[k] * flat[k])
            d_i, d_f, d_g, d_o = (
                out[:H], out[H : 2 * H], out[2 * H : 3 * H], out[3 * H :]
            )  # fmt: skip
            # σ(2y)' = (1 - tanh² y) / 4 with respect to the gate's own sum.
            for k in range(H):
                d_i[k] = dc[k] * g[k] * QUARTER * (ONE - i[k] * i[k])
            for k in range(H):
                d_f[k] = dc[k] * old[k] * QUARTER * (ONE - f[k] * f[k])
            for k in range(H):
                d_g[k] = dc[k] * (HALF * i[k] + HALF) * (ONE - g[k] * g[k])
            for k in range(H):
                d_o[k] = dh[k] * flat[k] * QUARTER * (ONE - o[k] * o[k])
            for k in range(H):
                dc[k] *= HALF * f[k] + HALF
        np.dot(dz[t], back, d_hidden)


@jitted
def layer(
    x: Array, G: Array, W: Array, U: Array, b: Array, half: Array, work: Any
) -> Any:
    z, dz, hidden, cell, tanh_cell = work
    T, B, H = tanh_cell.shape
    flat, d_flat = z.reshape(T * B, 4 * H), dz.reshape(T * B, 4 * H)
    x_flat = x.reshape(T * B, H)
    np.dot(x_flat, W * half, flat)
    bias = b * half
    for n in range(T * B):
        row = flat[n]
        for k in range(4 * H):
            row[k] += bias[k]
    forward(z, U * half, hidden, cell, tanh_cell)
    cost = np.dot(G.reshape(-1), hidden[1:].reshape(-1))
    backward(z, U, G, cell, tanh_cell, dz)
    d_b = np.zeros(4 * H, np.float32)
    for n in range(T * B):
        row = d_flat[n]
        for k in range(4 * H):
            d_b[k] += row[k]
    d_x = np.dot(d_flat, W.T).reshape(T, B, H)
    d_W = np.dot(x_flat.T, d_flat)
    d_U = np.dot(hidden[:-1].reshape(T * B, H).T, d_flat)
    return cost, d_x, d_W, d_U, d_b


def build(sizes: Sizes, problem: Problem) -> Built:
    T, B, H = sizes.T, sizes.B, sizes.H
    rows = [(T, B, 4 * H)] * 2 + [(T + 1, B, H)] * 2 + [(T, B, H)]
    work = tuple(np.zeros(shape, "float32") for shape in rows)
    half = np.array([0.5, 0.5, 1.0, 0.5], "float32").repeat(H)
    given = {**problem.inputs, **problem.params}
    arrays = [given[name] for name in ("x", "G", "W", "U", "b")]
    plan: Callable[..., Any] = layer

    def results(made: tuple[Array, ...]) -> dict[str, Array]:
        names = ("cost", "x", "W", "U", "b")
        # numba turns a float32 into Python's float when it returns it.
        arrays = (np.asarray(value, "float32") for value in made)
        return dict(zip(names, arrays, strict=True))

    return Built(run=lambda: plan(*arrays, half, work), results=results)


VARIANTS = {"hand numba": {"hand numba": build}}
