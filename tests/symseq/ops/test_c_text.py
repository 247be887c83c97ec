"""The C text of every elementwise row computes what its NumPy text does."""

import ctypes
import itertools
import shutil
import subprocess

import numpy as np
import pytest

from symseq.errors import DTypeError
from symseq.ops import methods, nnet, special  # noqa: F401 (they enter their rows)
from symseq.ops.c_text import C_FUNCTIONS
from symseq.ops.cast import C_TYPES
from symseq.ops.elementwise import Elementwise
from symseq.ops.registry import REGISTRY

COMPILER = shutil.which("g++")
SAMPLES = {
    "float64": [
        *(-np.inf, -1e3, -2.5, -1.5, -1, -0.5, -0.0, 0.0, 0.3, 0.5, 1, 1.5, 2.5),
        *(1e3, np.inf, np.nan),
    ],
    "int64": [-7, -3, -1, 0, 1, 2, 5],
    "bool": [False, True],
}
# Functions of these rows make int8 of bools.
NUMBERS = "add sub mul neg sqr abs sgn pow mod floor_div relu".split()


def rows():
    """(row, dtypes of its inputs) for every dtype rule that takes them."""
    for entry in REGISTRY.values():
        row = entry.what
        if not isinstance(row, Elementwise):
            continue
        for dtype in SAMPLES:
            dtypes = [dtype] * row.arity
            if row.name == "switch":
                dtypes[0] = "bool"
            if dtype == "bool" and row.name in NUMBERS:
                continue
            if dtype != "int64" and ">>" in row.c:
                continue  # words of random bits
            try:
                row.dtypes(dtypes)
            except DTypeError:
                continue
            yield row, dtypes


def function_text(row, dtypes, name):
    inputs = ", ".join(f"const {C_TYPES[t]}* a{k}" for k, t in enumerate(dtypes))
    body = row.c.format(*(f"a{k}[i]" for k in range(row.arity)))
    output = C_TYPES[row.dtypes(dtypes)]
    return (
        f'extern "C" void {name}(long n, {output}* y, {inputs})'
        f" {{ for (long i = 0; i < n; i++) y[i] = {body}; }}\n"
    )


def pointer(x):
    return x.ctypes.data_as(ctypes.c_void_p)


@pytest.mark.skipif(COMPILER is None, reason="needs g++")
def test_c_text_is_the_numpy_text(tmp_path):
    cases = list(rows())
    text = "#include <cmath>\nusing namespace std;\n" + C_FUNCTIONS
    for k, (row, dtypes) in enumerate(cases):
        text += function_text(row, dtypes, f"f{k}")
    (tmp_path / "rows.cpp").write_text(text)
    library = tmp_path / "rows.so"
    command = [
        COMPILER,
        "-O1",
        "-shared",
        "-fPIC",
        "-o",
        library,
        tmp_path / "rows.cpp",
    ]
    subprocess.run(command, check=True)
    compiled = ctypes.CDLL(str(library))
    for k, (row, dtypes) in enumerate(cases):
        grid = zip(*itertools.product(*(SAMPLES[t] for t in dtypes)), strict=True)
        columns = [np.array(c, t) for c, t in zip(grid, dtypes, strict=True)]
        if row.name == "pow" and dtypes[0] == "int64":
            columns[1] = abs(columns[1])
        if row.name.startswith("cast_") and not row.dtypes(dtypes).startswith("float"):
            columns[0] = columns[0][np.abs(columns[0].astype(float)) < 100]
        with np.errstate(all="ignore"):
            wanted = np.asarray(row.function(*columns))
        found = np.empty_like(wanted)
        pointers = [pointer(c) for c in columns]
        compiled[f"f{k}"](ctypes.c_long(len(wanted)), pointer(found), *pointers)
        assert wanted.dtype.name == row.dtypes(dtypes), row.name
        np.testing.assert_allclose(found, wanted, rtol=1e-14, err_msg=row.name)
