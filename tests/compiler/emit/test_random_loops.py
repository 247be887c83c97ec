"""Gradients of random loops: every target and pass list gives what `reference` gives.

``SYMSEQ_CASES`` is the number of programs (12), ``SYMSEQ_SEED`` the first (0); with
SYMSEQ_NUMBA set the text of the numba target is compiled, else run by Python.
"""

import os

import numba_in_python
import numpy as np
import pytest
from random_loops import RandomLoops

import symseq as ss
from symseq.compiler.loop_passes.checkpoint import checkpoint_loops
from symseq.compiler.pipeline import TIGHT_PASSES, rewrite_for
from symseq.compiler.reference import evaluate
from symseq.compiler.runtime import numba_cache

CASES = int(os.environ.get("SYMSEQ_CASES", "12"))
FIRST = int(os.environ.get("SYMSEQ_SEED", "0"))
ERRORS = (IndexError, ss.errors.SymseqError)
# Where something was wrong once: a sum in a nest read what a later step wrote there.
WRONG_ONCE = (30013,)


def runs(program):
    """Ways to compute the outputs: a plan, and graphs after the tight passes."""
    inputs, outputs = program.inputs, program.outputs
    yield ss.function(inputs, outputs, target="numba", on_unused_input="ignore")
    for graph in (
        rewrite_for("numpy", outputs, TIGHT_PASSES),
        checkpoint_loops(outputs, 2),
    ):
        yield lambda *values, graph=graph: evaluate(graph, inputs, values)


def check(seed):
    program = RandomLoops(seed)
    ways = list(runs(program))
    for steps in (4, 1):
        values = program.values(steps)
        try:
            wanted = evaluate(program.outputs, program.inputs, values)
        except ERRORS:  # a second loop may have no row left
            continue
        for run in ways:
            for a, b in zip(run(*values), wanted, strict=True):
                assert (a.dtype, a.shape) == (b.dtype, b.shape)
                np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("block", range(4))
def test_random_loops(block, monkeypatch):
    if not os.environ.get("SYMSEQ_NUMBA"):
        monkeypatch.setattr(numba_cache, "load", numba_in_python.load)
    for seed in range(FIRST + block, FIRST + CASES, 4):
        check(seed)


@pytest.mark.parametrize("seed", WRONG_ONCE)
def test_what_was_wrong_once(seed, monkeypatch):
    monkeypatch.setattr(numba_cache, "load", numba_in_python.load)
    check(seed)
