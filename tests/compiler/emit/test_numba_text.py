"""The text of the numba target, run by Python itself, gives what `reference` gives.

What numba compiles is the same text: `test_numba.py` compiles some of it. With
SYMSEQ_NUMBA set all of this file is compiled (minutes). ``SYMSEQ_CASES`` is the number
of random programs (60).
"""

import os

import numba_in_python
import numpy as np
import pytest
from random_programs import Program
from scan_cases import LOOPS
from test_random_programs import check

import symseq.ops.methods
from symseq.compiler.autodiff.reverse import differentiate
from symseq.compiler.function import function
from symseq.compiler.runtime import numba_cache
from symseq.graph import Variable
from symseq.ops.convert import constant
from symseq.ops.registry import REGISTRY
from symseq.types import TensorType

COMPILED = bool(os.environ.get("SYMSEQ_NUMBA"))
CASES = int(os.environ.get("SYMSEQ_CASES", "60"))
NAMES = sorted(REGISTRY)
WIDTH = 12  # ops in one function: compiling one costs more than its parts


@pytest.fixture(autouse=True)
def by_python(monkeypatch):
    if not COMPILED:
        monkeypatch.setattr(numba_cache, "load", numba_in_python.load)


def both(inputs, outputs, values):
    """The outputs on numba, twice, beside those of reference."""
    jitted, reference = (
        function(inputs, outputs, target=target, on_unused_input="ignore")
        for target in ("numba", "reference")
    )
    wanted = reference(*values)
    for _ in range(2):  # the second call runs over what the first one left
        yield from zip(jitted(*values), wanted, strict=True)


def same(a, b, tolerance):
    assert a.dtype == b.dtype and a.shape == b.shape
    if a.dtype.kind == "f":
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    else:
        np.testing.assert_array_equal(a, b)


def narrowed(array, dtype):
    return array.astype(dtype) if array.dtype == "float64" else array


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("first", range(0, len(NAMES), WIDTH), ids=lambda k: NAMES[k])
def test_every_op(first, dtype):
    """float64 with unknown lengths; float32, where the op takes it, with known ones."""
    known = dtype == "float32"
    rng = np.random.default_rng(7)
    inputs, outputs, values = [], [], []
    for name in NAMES[first : first + WIDTH]:
        for case in REGISTRY[name].cases(rng):
            arrays = [narrowed(np.asarray(x), dtype) for x in case.inputs]
            types = [
                TensorType(
                    x.dtype.name, [n if known or n == 1 else None for n in x.shape]
                )
                for x in arrays
            ]
            variables = [
                Variable(t, name=f"x{len(inputs) + k}") for k, t in enumerate(types)
            ]
            try:
                outputs += case.op.make(*variables)
            except symseq.errors.SymseqError:
                assert known  # an op of one dtype only
                continue
            inputs += variables
            values += arrays
    for a, b in both(inputs, outputs, values):
        same(a, b, 3e-6 if known else 1e-12)


def gradients(loop, inputs, values, rng):
    """The gradients of a random cost of the loop's outputs."""
    outputs = loop.build(*inputs)
    total = None
    for v, a in zip(outputs, loop.python(*values), strict=True):
        if v.type.is_float:
            term = (v * constant(rng.normal(size=np.shape(a)))).sum()
            total = term if total is None else total + term
    if total is None:
        return []
    wrt = [v for v in inputs if v.type.is_float]
    found = differentiate([total], [constant(1.0, "float64")], wrt)
    return [g for g in found if g is not None]


@pytest.mark.parametrize("loop", LOOPS, ids=str)
def test_every_loop(loop):
    rng = np.random.default_rng(sum(map(ord, loop.name)))
    inputs, values = loop.inputs(), loop.values(rng)
    outputs = [*loop.build(*inputs), *gradients(loop, inputs, values, rng)]
    for a, b in both(inputs, outputs, values):
        same(a, b, 1e-10)


@pytest.mark.parametrize("block", range(6))
def test_random_programs(block):
    for seed in range(block, CASES, 6):
        program = Program(seed)
        check(program, program.outputs, program.updates, "numba")
        if program.pool.failed:
            check(program, program.pool.failed[:1], [], "numba")
