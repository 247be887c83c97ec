"""Histories of which only the last rows are read."""

import numpy as np
import pytest
from loop_tools import loops, only_loop, ops, rewritten

import symseq as ss
import symseq.tensor as T
from symseq.compiler.loop_passes.last_rows import keep_last_rows
from symseq.compiler.reference import evaluate

x, h0, h2 = T.dmatrix("x"), T.dvector("h0"), T.dmatrix("h2")
rng = np.random.default_rng(0)


def arrays(*shapes):
    return [rng.normal(size=shape) for shape in shapes]


def run(**options):
    return ss.scan(lambda x_t, h: T.tanh(x_t + h), x, h0, **options)[0]


def shrinks(outputs, inputs, *samples):
    made = rewritten(keep_last_rows, outputs, inputs, *samples)
    return [spec.last_only for spec in only_loop(made).op.states]


SAMPLES = [arrays((n, 3), 3) for n in (1, 2, 5)]


@pytest.mark.parametrize(
    "use",
    [
        lambda h: h[-1],
        lambda h: h[-1:],
        lambda h: h[-1, 1:],
        lambda h: h[-1] + h[-1:].sum(),
    ],
)
def test_the_last_row_is_all_that_is_kept(use):
    assert shrinks([use(run())], [x, h0], *SAMPLES) == [True]


@pytest.mark.parametrize(
    "use", [lambda h: h, lambda h: h[0], lambda h: h[-2], lambda h: h.sum(), np.sum]
)
def test_more_than_that_keeps_the_history(use):
    samples = [values for values in SAMPLES if len(values[0]) > 1]
    assert shrinks([use(run())], [x, h0], *samples) == [False]
    h = run()
    assert shrinks([h[-1], use(h)], [x, h0], *samples) == [False]


def test_without_steps_an_output_has_no_last_row_but_reduce_has():
    (last, rows) = keep_last_rows([run()[-1], run()[-1:]])
    empty = [np.zeros((0, 3)), np.ones(3)]
    with pytest.raises(IndexError, match="index -1 is out of bounds"):
        evaluate([last], [x, h0], empty)
    assert evaluate([rows], [x, h0], empty)[0].shape == (0, 3)
    total = ss.reduce(lambda x_t, h: T.tanh(x_t + h), x, h0)[0]
    assert shrinks([total], [x, h0], empty, *SAMPLES) == [True]


@pytest.mark.parametrize("target", ["reference", "numpy"])
def test_the_compiled_function_says_so_too(target):
    f = ss.function([x, h0], run()[-1], target=target)
    with pytest.raises(IndexError):
        f(np.zeros((0, 3)), np.ones(3))
    assert f(np.zeros((1, 3)), np.zeros(3)).tolist() == [0, 0, 0]


def test_rows_back_to_the_deepest_tap_can_be_last_ones():
    def two(n_steps=None):
        info = {"initial": h2, "taps": [-2, -1]}
        return ss.scan(lambda x_t, a, b: T.tanh(x_t + a * b), x, info, n_steps=n_steps)

    samples = [arrays((n, 3), (2, 3)) for n in (2, 5)]
    for use in (lambda h: h[-1], lambda h: h[-2], lambda h: h[-2:]):
        assert shrinks([use(two()[0])], [x, h2], *samples) == [True]
        assert shrinks([use(two(2)[0])], [x, h2], *samples) == [True]
    one = arrays((1, 3), (2, 3))
    assert shrinks([two()[0][-2:]], [x, h2], one) == [True]
    (row,) = keep_last_rows([two()[0][-2]])
    with pytest.raises(IndexError):
        evaluate([row], [x, h2], one)
    assert shrinks([two()[0][-3:]], [x, h2], *samples) == [False]


def test_a_history_that_nobody_reads_keeps_its_last_row_only():
    (a, _b), _ = ss.scan(lambda x_t, a, b: [a * b, T.tanh(x_t + b)], x, [h0, h0])
    assert sorted(shrinks([a], [x, h0], *SAMPLES)) == [False, True]


def test_the_last_row_of_an_until_loop():
    def step(x_t, h):
        h = h + T.tanh(x_t) ** 2 + 0.3
        return h, ss.until(h.sum() > 3)

    outputs = ss.scan(step, x, h0)[0]
    history = outputs.owner.inputs[0].owner.inputs[0]
    last = history[history.owner.outputs[-1]]
    assert shrinks([last], [x, h0], [np.zeros((0, 3)), np.ones(3)], *SAMPLES) == [True]
    assert shrinks([outputs[-1]], [x, h0], *SAMPLES) == [False]


def test_loops_in_loops_shrink_too():
    def step(x_t, h):
        inner, _ = ss.scan(lambda a, k: T.tanh(a + k), h2, x_t)
        return h + inner[-1]

    h, _ = ss.scan(step, x, h0)
    made = rewritten(keep_last_rows, [h], [x, h0, h2], arrays((4, 3), 3, (2, 3)))
    (outer,) = loops(made)
    (inner,) = loops(outer.op.body.outputs)
    assert inner.op.states[0].last_only and ops(outer)["tanh"] == 1
