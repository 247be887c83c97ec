"""Every loop of the table: values, gradients, and gradients of gradients."""

import numpy as np
import pytest
from scan_cases import LOOPS, Loop

import symseq.ops.methods  # noqa: F401
from symseq.compiler.autodiff.reverse import differentiate
from symseq.compiler.function import function
from symseq.compiler.reference import evaluate
from symseq.graph import Variable
from symseq.ops.convert import constant


def plan(outputs, inputs, values):
    return function(inputs, outputs, on_unused_input="ignore")(*values)


def run(outputs, inputs, values):
    return evaluate(outputs, inputs, values)


TARGETS = pytest.mark.parametrize("run", [run, plan], ids=["reference", "numpy"])


def drawn(loop):
    rng = np.random.default_rng(sum(map(ord, loop.name)))
    return loop.inputs(), loop.values(rng), rng


def weigh(outputs, arrays, rng):
    """A scalar cost of all float outputs."""
    total, floats = None, []
    for k, (v, a) in enumerate(zip(outputs, arrays, strict=True)):
        if v.type.is_float:
            weights = rng.normal(size=a.shape)
            term = (v * constant(weights)).sum()
            total = term if total is None else total + term
            floats.append((k, weights))
    return total, floats


@TARGETS
@pytest.mark.parametrize("loop", LOOPS, ids=str)
def test_values(loop: Loop, run):
    inputs, values, _ = drawn(loop)
    made = run(loop.build(*inputs), inputs, values)
    wanted = loop.python(*values)
    for a, b in zip(made, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
        assert np.shape(a) == np.shape(b)


def gradients(loop, inputs, values, rng, outputs=None):
    """(variables with their gradients as graphs, the cost in Python)."""
    outputs = loop.build(*inputs) if outputs is None else outputs
    arrays = [np.asarray(a) for a in loop.python(*values)]
    cost, floats = weigh(outputs, arrays, rng)
    wrt = [v for v in inputs if v.type.is_float]
    found = differentiate([cost], [constant(1.0, "float64")], wrt)

    def price(*values):
        made = loop.python(*values)
        return sum(float((made[k] * w).sum()) for k, w in floats)

    return [(v, g) for v, g in zip(wrt, found, strict=True) if g is not None], price


def central(price, values, k):
    x, g = values[k], np.zeros(values[k].shape)
    for at in np.ndindex(x.shape):
        ends = []
        for sign in (1, -1):
            moved = [np.array(v) for v in values]
            moved[k][at] += sign * 1e-6
            ends.append(price(*moved))
        g[at] = (ends[0] - ends[1]) / 2e-6
    return g


@TARGETS
@pytest.mark.parametrize("loop", LOOPS, ids=str)
def test_gradient(loop: Loop, run):
    inputs, values, rng = drawn(loop)
    pairs, price = gradients(loop, inputs, values, rng)
    made = run([g for _, g in pairs], inputs, values)
    by_input = {id(v): a for (v, _), a in zip(pairs, made, strict=True)}
    for k, v in enumerate(inputs):
        if v.type.is_float:
            wanted = central(price, values, k)
            got = by_input.get(id(v), np.zeros(wanted.shape))
            np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-7)


@TARGETS
@pytest.mark.parametrize("loop", LOOPS, ids=str)
def test_gradient_of_gradient(loop: Loop, run):
    inputs, values, rng = drawn(loop)
    pairs, _ = gradients(loop, inputs, values, rng)
    if not pairs:
        return
    places = {id(v): k for k, v in enumerate(inputs)}
    wrt = [v for v, _ in pairs]
    steps = [rng.normal(size=values[places[id(v)]].shape) for v in wrt]
    slope: Variable | None = None
    for (_, g), step in zip(pairs, steps, strict=True):
        term = (g * constant(step)).sum()
        slope = term if slope is None else slope + term
    second = differentiate([slope], [constant(1.0, "float64")], wrt)
    ends = []
    for sign in (1e-5, -1e-5):
        moved = list(values)
        for v, step in zip(wrt, steps, strict=True):
            moved[places[id(v)]] = values[places[id(v)]] + sign * step
        ends.append(run([g for _, g in pairs], inputs, moved))
    kept = [g for g in second if g is not None]
    made = iter(run(kept, inputs, values))
    for g, a, b in zip(second, *ends, strict=True):
        wanted = (a - b) / 2e-5
        got = np.zeros(wanted.shape) if g is None else next(made)
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)
