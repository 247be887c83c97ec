"""Equal parts of one loop become one."""

import numpy as np
from loop_tools import only_loop, rewritten

import symseq as ss
import symseq.tensor as T
from symseq.compiler.loop_passes.last_rows import keep_last_rows
from symseq.compiler.loop_passes.share import share_equals
from symseq.compiler.rewrite.engine import RuleSet, rewrite

x, h0, k0 = T.dmatrix("x"), T.dvector("h0"), T.dvector("k0")
k1 = T.dmatrix("k1")
rng = np.random.default_rng(0)


def samples(*shapes, counts=(0, 1, 4)):
    return [
        [rng.normal(size=(n, 3)), *(rng.normal(size=s) for s in shapes)] for n in counts
    ]


def shared(outputs):
    """As in the pipeline, equal nodes are one node before."""
    return share_equals(rewrite(keep_last_rows(outputs), RuleSet()))


def parts(outputs, inputs, values):
    op = only_loop(rewritten(shared, outputs, inputs, *values)).op
    return op.sequences, len(op.states), op.mapped


def test_a_sequence_is_read_once():
    h, _ = ss.scan(lambda a, b, h: T.tanh(a * h + b), [x, x], h0)
    assert parts([h], [x, h0], samples(3)) == (1, 1, 0)


def test_a_value_is_stacked_once():
    def step(x_t, h):
        h = T.tanh(x_t + h)
        y = h * 2
        return h, y, y

    outputs, _ = ss.scan(step, x, [h0, None, None])
    assert parts(outputs, [x, h0], samples(3)) == (1, 1, 1)


def test_states_that_start_and_go_on_alike_are_one():
    def step(x_t, a, b):
        return T.tanh(x_t + a), T.tanh(x_t + b)

    (a, b), _ = ss.scan(step, x, [{"initial": k1, "taps": [-1]}] * 2)
    assert parts([a, b], [x, k1], samples((1, 3))) == (1, 1, 0)


def test_states_that_feed_each_other_are_one_only_together():
    def crossed(x_t, a, b):
        return T.tanh(x_t + b), T.tanh(x_t + a)

    def alike(x_t, a, b):
        return T.tanh(x_t + b), T.tanh(x_t * a)

    infos = [{"initial": k1, "taps": [-1]}] * 2
    for step, count in ((crossed, 1), (alike, 2)):
        outputs, _ = ss.scan(step, x, infos)
        assert parts(outputs, [x, k1], samples((1, 3)))[1] == count


def test_other_starts_stay_apart():
    def step(x_t, a, b):
        return T.tanh(x_t + a), T.tanh(x_t + b)

    outputs, _ = ss.scan(step, x, [h0, k0])
    assert parts(outputs, [x, h0, k0], samples(3, 3))[1] == 2


def test_a_twin_of_which_only_the_last_row_is_read():
    def step(x_t, a, b):
        return T.tanh(x_t + a), T.tanh(x_t + b)

    infos = [{"initial": k1, "taps": [-1]}] * 2
    (a, b), _ = ss.scan(step, x, infos)
    values = samples((1, 3), counts=(1, 4))
    op = only_loop(rewritten(shared, [a, b[-1]], [x, k1], *values)).op
    assert len(op.states) == 1 and not op.states[0].last_only


def test_nothing_to_share_returns_the_same_variables():
    h, _ = ss.scan(lambda x_t, h: T.tanh(x_t + h), x, h0)
    (made,) = share_equals([h])
    assert made is h
