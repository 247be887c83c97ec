"""Random programs give the same outputs, updates and errors on every target.

``SYMSEQ_CASES`` is the number of programs (100), ``SYMSEQ_SEED`` the first (0).
"""

import os

import numpy as np
import pytest
from random_programs import Program

import symseq as ss
from symseq.compiler.pipeline import passes_of, refreshed
from symseq.compiler.reference import Evaluator, value_of
from symseq.traverse import sort_nodes

CASES = int(os.environ.get("SYMSEQ_CASES", "100"))
FIRST = int(os.environ.get("SYMSEQ_SEED", "0"))
CALLS = 4
ERRORS = (ValueError, IndexError, TypeError, ArithmeticError)


def run(program, target, outputs, updates, calls):
    """What each call gives, and the shared variables after it; or its error."""
    start = [s.get_value() for s in program.shared]
    f = ss.function(
        program.inputs, outputs, updates=updates, target=target,
        on_unused_input="ignore", no_default_updates=True,
    )  # fmt: skip
    found = []
    for values in calls:
        try:
            found.append(f(*values))
        except ERRORS as error:
            if target == "reference":
                wanted = [*outputs, *(new for _, new in updates)]
                error.possible = errors_of(wanted, program.inputs, values)
            found.append(error)
        found.append([s.get_value() for s in program.shared])
    for s, value in zip(program.shared, start, strict=True):
        s.set_value(value)
    return found


def errors_of(outputs, inputs, values):
    """The errors of all nodes whose operands can be computed: any may be the first."""
    table = dict(zip(map(id, inputs), map(np.asarray, values), strict=True))
    evaluator, found, lost = Evaluator(), set(), set()
    for node in sort_nodes(outputs, stop=inputs):
        made = {id(v) for v in node.outputs}
        if any(id(v) in lost for v in node.inputs):
            lost |= made
            continue
        try:
            with np.errstate(all="ignore"):
                results = evaluator.apply(
                    node, [value_of(v, table) for v in node.inputs]
                )
        except ERRORS as error:
            found.add(type(error))
            lost |= made
        else:
            table |= {id(v): x for v, x in zip(node.outputs, results, strict=True)}
    return found


def is_possible(ours, theirs):
    """Whether `ours` is of the class of an error that the program has.

    A plan checks all lengths before it reads any value: what is wrong with values may
    be hidden by lengths that do not fit.
    """
    return isinstance(ours, ss.errors.SymseqError) or type(ours) in theirs.possible


def compare(ours, theirs):
    """The same arrays (to rounding), or errors of one class."""
    if isinstance(theirs, Exception) or isinstance(ours, Exception):
        both = isinstance(ours, Exception) and isinstance(theirs, Exception)
        assert both and is_possible(ours, theirs), (ours, theirs)
        return
    for a, b in zip(ours, theirs, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        rtol = {"float32": 3e-4, "float64": 1e-9}.get(a.dtype.name, 0)
        scale = np.abs(b[np.isfinite(b)]).max(initial=0) if b.dtype.kind == "f" else 0
        np.testing.assert_allclose(a, b, rtol, rtol * scale * 0.1 + rtol * 1e-2)


def check(program, outputs, updates, target="numpy"):
    calls = [program.values(again) for again in range(CALLS)]
    wanted = run(program, "reference", outputs, updates, calls)
    got = run(program, target, outputs, updates, calls)
    lost = [
        k
        for k, (ours, theirs) in enumerate(zip(got, wanted, strict=True))
        if isinstance(theirs, Exception) and not is_possible(ours, theirs)
    ]
    if lost:
        # What nobody reads may go, with the error that it would have raised.
        outputs, updates = rewritten(outputs, updates)
        wanted = run(program, "reference", outputs, updates, calls)
        raised = [isinstance(one[lost[0]], Exception) for one in (got, wanted)]
        if not any(raised):  # from there on states differ
            got, wanted = got[: lost[0]], wanted[: lost[0]]
    for ours, theirs in zip(got, wanted, strict=True):
        compare(ours, theirs)


def rewritten(outputs, updates):
    wanted = refreshed([*outputs, *(new for _, new in updates)])
    made = passes_of(wanted)[-1][1]
    news = made[len(outputs) :]
    pairs = [(s, new) for (s, _), new in zip(updates, news, strict=True)]
    return made[: len(outputs)], pairs


@pytest.mark.parametrize("block", range(10))
def test_random_program(block):
    for seed in range(FIRST + block, FIRST + CASES, 10):
        program = Program(seed)
        check(program, program.outputs, program.updates)
        if program.pool.failed:
            check(program, program.pool.failed[:1], [])
