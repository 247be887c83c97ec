"""Sums and products are regrouped so that more of them leaves the loop."""

import numpy as np
from loop_tools import only_loop, ops, rewritten

import symseq as ss
import symseq.tensor as T
from symseq.compiler.loop_passes.hoist import hoist
from symseq.compiler.loop_passes.policy import CALLS
from symseq.compiler.loop_passes.regroup import regroup

x, y, v, b = T.dmatrix("x"), T.dmatrix("y"), T.dvector("v"), T.dvector("b")
rng = np.random.default_rng(0)


def left(step, *captured, samples=(0, 1, 4)):
    """What is left inside a loop over x and y."""
    h, _ = ss.scan(step, [x, y], v, [b, *captured])
    values = [[*(rng.normal(size=s) for s in ((n, 3), (n, 3), 3, 3))] for n in samples]
    made = rewritten(lambda o: hoist(regroup(o), CALLS), [h], [x, y, v, b], *values)
    return ops(only_loop(made))


def test_terms_that_read_no_state_are_added_first():
    assert left(lambda x_t, y_t, h, b: T.tanh((x_t + h) + (b + y_t))) == {
        "add": 1,
        "tanh": 1,
    }
    assert left(lambda x_t, y_t, h, b: (x_t + T.tanh(h)) + b)["add"] == 1


def test_a_sum_that_is_read_twice_stays_a_term():
    def step(x_t, y_t, h, b):
        part = x_t + h
        return T.tanh(part + b) * part

    assert left(step)["add"] == 2


def test_trees_in_trees_are_both_regrouped():
    def step(x_t, y_t, h, b):
        return T.tanh((x_t + T.exp((h + x_t) + y_t)) + b)

    assert left(step)["add"] == 2


def test_bounded_factors_are_multiplied_first():
    def step(x_t, y_t, h, b):
        return (T.tanh(h) * T.nnet.sigmoid(x_t)) * y_t

    assert left(step) == {"tanh": 1, "mul": 1}


def test_factors_that_may_be_large_stay_apart():
    assert left(lambda x_t, y_t, h, b: (T.tanh(h) * x_t) * y_t)["mul"] == 2
    huge = {"x": 1e200, "y": 1e200, "h": 1e-300}
    h, _ = ss.scan(lambda x_t, y_t, h: (h * x_t) * y_t, [x, y], v)
    f = ss.function([x, y, v], h)
    values = [np.full((1, 2), huge[k]) for k in "xy"]
    assert np.isfinite(f(*values, np.full(2, huge["h"]))).all()


def test_nothing_to_regroup_returns_the_same_variables():
    h, _ = ss.scan(lambda x_t, h: T.tanh(x_t + h), x, v)
    (made,) = regroup([h])
    assert made is h
