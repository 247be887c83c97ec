"""The text of the matrix product that jitted code calls; a module of its own."""

from __future__ import annotations

# A product of a vector with a matrix of at most so many elements is a loop here: a call
# of BLAS would cost more than it gains.
MOST_OWN = 1 << 17

# An array is (address, whether transposed, elements from row to row). The address of
# BLAS may be 0: then all is done here.
TEXT = '''\
def compiled(count):
    return njit(void(*[int64] * count), error_model="numpy", **BARE)


@compiled(7)
def combine(k, n, a, a_by, b, b_by, c):
    """c[j] += sum of a[i] b[i, j], rows of b side by side."""
    i = 0
    while i + 4 <= k:
        w, x = get(a, i * a_by, 0), get(a, (i + 1) * a_by, 0)
        y, z = get(a, (i + 2) * a_by, 0), get(a, (i + 3) * a_by, 0)
        for j in range(n):
            total = get(c, j, 1_00_02)
            total = add_product(total, w, get(b, i * b_by + j, 1_01_02))
            total = add_product(total, x, get(b, (i + 1) * b_by + j, 1_01_02))
            total = add_product(total, y, get(b, (i + 2) * b_by + j, 1_01_02))
            total = add_product(total, z, get(b, (i + 3) * b_by + j, 1_01_02))
            put(c, j, total, 1_00_02)
        i += 4
    while i < k:
        w = get(a, i * a_by, 0)
        for j in range(n):
            total = get(c, j, 1_00_02)
            total = add_product(total, w, get(b, i * b_by + j, 1_01_02))
            put(c, j, total, 1_00_02)
        i += 1


@compiled(7)
def project(k, n, a, b, b_by, c, c_by):
    """c[j] += sum of a[i] b[j, i], rows of b and a side by side."""
    j = 0
    while j + 4 <= n:
        w, x, y, z = ZERO, ZERO, ZERO, ZERO
        for i in range(k):
            one = get(a, i, 2_00_02)
            w = add_product(w, one, get(b, j * b_by + i, 2_01_02))
            x = add_product(x, one, get(b, (j + 1) * b_by + i, 2_01_02))
            y = add_product(y, one, get(b, (j + 2) * b_by + i, 2_01_02))
            z = add_product(z, one, get(b, (j + 3) * b_by + i, 2_01_02))
        put(c, j * c_by, get(c, j * c_by, 0) + w, 0)
        put(c, (j + 1) * c_by, get(c, (j + 1) * c_by, 0) + x, 0)
        put(c, (j + 2) * c_by, get(c, (j + 2) * c_by, 0) + y, 0)
        put(c, (j + 3) * c_by, get(c, (j + 3) * c_by, 0) + z, 0)
        j += 4
    while j < n:
        w = ZERO
        for i in range(k):
            one = get(a, i, 2_00_02)
            w = add_product(w, one, get(b, j * b_by + i, 2_01_02))
        put(c, j * c_by, get(c, j * c_by, 0) + w, 0)
        j += 1


@compiled(11)
def slowly(m, n, k, a, a_down, a_by, b, b_down, b_by, c, c_by):
    """c += a b, one element at a time, whatever lies side by side."""
    for i in range(m):
        for j in range(n):
            total = get(c, i * c_by + j, 0)
            for h in range(k):
                left = get(a, i * a_down + h * a_by, 0)
                total += left * get(b, h * b_down + j * b_by, 0)
            put(c, i * c_by + j, total, 0)


@njit(void(*[int64] * 10, DTYPE, int64, int64), error_model="numpy", **BARE)
def multiply(blas, m, n, k, a, a_t, a_by, b, b_t, b_by, beta, c, c_by):
    """c = beta c + op(a) op(b)"""
    if m == 0 or n == 0:
        return
    row = m == 1 and k * n <= MOST_OWN and not (b_t and a_t and a_by != 1)
    column = n == 1 and k * m <= MOST_OWN and (c_by == 1 if a_t else b_t or b_by == 1)
    if blas and k and not row and not column:
        gemm(blas, a_t, b_t, m, n, k, a, a_by, b, b_by, beta, c, c_by)
        return
    if beta == ZERO:
        for i in range(m):
            for j in range(n):
                put(c, i * c_by + j, ZERO, 0)
    if row and b_t:
        project(k, n, a, b, b_by, c, 1)
    elif row:
        combine(k, n, a, a_by if a_t else 1, b, b_by, c)
    elif column and a_t:
        combine(k, m, b, 1 if b_t else b_by, a, a_by, c)
    elif column:
        project(k, m, b, a, a_by, c, c_by)
    elif not b_t:
        for i in range(m):
            start = a + i * (1 if a_t else a_by) * SIZE
            combine(k, n, start, a_by if a_t else 1, b, b_by, c + i * c_by * SIZE)
    else:
        a_down, a_right = (1, a_by) if a_t else (a_by, 1)
        slowly(m, n, k, a, a_down, a_right, b, 1, b_by, c, c_by)


@compiled(6)
def pack(rows, columns, a, a_down, a_by, to):
    """Copy a matrix that BLAS cannot read as it lies to one that it can."""
    for i in range(rows):
        for j in range(columns):
            put(to, i * columns + j, get(a, i * a_down + j * a_by, 0), 0)
'''


def product_text(dtype: str, width: int) -> str:
    """The module for one dtype and one width of BLAS' integers."""
    letter, size = ("s", 4) if dtype == "float32" else ("d", 8)
    memory = f"from symseq.compiler.runtime.numba_memory import add_product, {letter}"
    return (
        f"from numba import int64, njit, void\nfrom numba import {dtype} as DTYPE\n"
        f"from numpy import {dtype}\n\n"
        "from symseq.compiler.runtime.numba_functions import BARE\n"
        f"{memory}gemm_{width} as gemm\n"
        "from symseq.compiler.runtime.numba_memory import "
        f"get_{dtype} as get, put_{dtype} as put\n\n"
        f"ZERO, SIZE, MOST_OWN = {dtype}(0), {size}, {MOST_OWN}\n\n\n{TEXT}"
    )
