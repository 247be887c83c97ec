"""A cost of the last row only gives the gradient's loop its start."""

import numpy as np
import pytest
from loop_tools import loops, ops, rewritten

import symseq as ss
import symseq.tensor as T
from symseq.compiler.loop_passes.first_row import start_from_first_row
from symseq.compiler.loop_passes.last_rows import keep_last_rows
from symseq.compiler.passes.simplify import SIMPLIFY
from symseq.compiler.reference import evaluate
from symseq.compiler.rewrite.engine import rewrite

x, h0, w = T.dmatrix("x"), T.dvector("h0"), T.dmatrix("w")
rng = np.random.default_rng(0)


def prepared(outputs):
    return rewrite(keep_last_rows(outputs), SIMPLIFY)


def started(outputs):
    return start_from_first_row(prepared(outputs))


def rnn(x_t, h, w):
    return T.tanh(x_t + T.dot(h, w))


def gradient(use):
    h, _ = ss.scan(rnn, x, h0, w)
    return T.grad(use(h), [x, h0, w])


def samples(*counts):
    return [
        [rng.normal(size=(n, 3)), rng.normal(size=3), rng.normal(size=(3, 3))]
        for n in counts
    ]


@pytest.mark.parametrize("use", [lambda h: (h[-1] ** 2).sum(), lambda h: h[-1].sum()])
def test_the_last_row_starts_the_gradient(use):
    outputs = gradient(use)
    before = ops(loops(prepared(outputs))[-1])
    made = rewritten(started, outputs, [x, h0, w], *samples(1, 2, 5))
    assert ops(loops(made)[-1])["add"] == before["add"] - 1


@pytest.mark.parametrize(
    "use",
    [
        lambda h: (h * h).sum(),
        lambda h: (h[-1] * h[0]).sum(),
        lambda h: h[-1].sum() + h.sum(),
    ],
)
def test_other_costs_add_a_row_per_step(use):
    outputs = gradient(use)
    before = ops(loops(prepared(outputs))[-1])
    made = rewritten(started, outputs, [x, h0, w], *samples(1, 2, 5))
    assert ops(loops(made)[-1])["add"] == before["add"]


def test_without_steps_there_is_no_last_row():
    values = samples(0)[0]
    with pytest.raises(IndexError):
        evaluate(started(gradient(lambda h: h[-1].sum())), [x, h0, w], values)


def test_a_state_that_is_read_elsewhere_adds_its_rows():
    info = {"initial": T.dmatrix("h2"), "taps": [-2, -1]}
    h, _ = ss.scan(lambda x_t, a, b: T.tanh(x_t + a * b), x, info)
    outputs = T.grad((h[-1] ** 2).sum(), [x, info["initial"]])
    values = [rng.normal(size=(4, 3)), rng.normal(size=(2, 3))]
    rewritten(started, outputs, [x, info["initial"]], values)
