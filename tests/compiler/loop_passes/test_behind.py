"""What no state reads moves behind the loop; sums over steps become one product."""

from functools import partial

import numpy as np
import pytest
from loop_tools import loops, only_loop, ops, outside, rewritten

import symseq as ss
import symseq.tensor as T
from symseq.compiler.loop_passes.behind import move_behind
from symseq.compiler.loop_passes.last_rows import keep_last_rows
from symseq.compiler.loop_passes.policy import CALLS, FUSED

x3, x2, v, w = T.dtensor3("x"), T.dmatrix("x2"), T.dvector("v"), T.dmatrix("w")
u, h0, acc = T.dmatrix("u"), T.dmatrix("h0"), T.dmatrix("acc")
ids = T.lmatrix("ids")
rng = np.random.default_rng(0)
COUNTS = (0, 1, 4)


def behind(outputs, policy=CALLS):
    return move_behind(keep_last_rows(outputs), policy)


fused = partial(behind, policy=FUSED)


def arrays(*shapes):
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize("pass_", [behind, fused])
def test_an_output_layer_is_one_product_over_all_steps(pass_):
    def step(x_t, h, w):
        h = T.tanh(x_t + h)
        return h, T.nnet.softmax(T.dot(h, w))

    (h, p), _ = ss.scan(step, x3, [h0, None], w)
    samples = [arrays((n, 2, 3), (2, 3), (3, 5)) for n in COUNTS]
    made = rewritten(pass_, [h, p], [x3, h0, w], *samples)
    node = only_loop(made)
    assert ops(node) == {"add": 1, "tanh": 1} and node.op.mapped == 0
    assert outside(made)["dot"] == 1 and not outside(made)["batched_dot"]


def test_a_state_that_was_not_kept_is_kept_for_it():
    def step(x_t, h, w):
        h = T.tanh(x_t + h)
        return h, T.dot(h, w)

    (h, p), _ = ss.scan(step, x3, [h0, None], w)
    samples = [arrays((n, 2, 3), (2, 3), (3, 5)) for n in (1, 4)]
    made = rewritten(behind, [h[-1], p], [x3, h0, w], *samples)
    node = only_loop(made)
    assert node.op.mapped == 0 and not node.op.states[0].last_only


def test_what_would_need_larger_stacks_stays():
    def step(x_t, h, w):
        h = T.tanh(T.dot(h, w) + x_t.sum())
        wide = T.exp(T.dot(T.tanh(h), w))
        return h, (wide * wide).sum()

    (h, cost), _ = ss.scan(step, x2, [h0, None], w)
    start = T.dmatrix("h0", shape=(400, 3))
    values = arrays((4, 2), (400, 3), (3, 3))
    (h, cost), _ = ss.scan(step, x2, [start, None], w)
    made = rewritten(behind, [h[-1], cost], [x2, start, w], values)
    assert ops(only_loop(made))["exp"] == 1


def test_elementwise_outputs_move_only_where_calls_cost():
    def step(x_t, h):
        h = T.tanh(x_t + h)
        return h, T.exp(h) * 2

    (h, y), _ = ss.scan(step, x2, [v, None])
    samples = [arrays((n, 3), 3) for n in COUNTS]
    assert not ops(only_loop(rewritten(behind, [h, y], [x2, v], *samples)))["exp"]
    assert ops(only_loop(rewritten(fused, [h, y], [x2, v], *samples)))["exp"]


def test_until_and_checkpoints_keep_what_they_have():
    def step(x_t, h, w):
        h = T.tanh(x_t + h)
        return [h, T.dot(h, w)], ss.until(h.sum() > 2)

    (h, p), _ = ss.scan(step, x3, [h0, None], w)
    samples = [arrays((n, 2, 3), (2, 3), (3, 5)) for n in (1, 4)]
    made = rewritten(behind, [h, p], [x3, h0, w], *samples)
    assert ops(only_loop(made))["dot"] == 1


# -- sums over the steps -----------------------------------------------------------


def summed(term, *, negative=False):
    """acc ± Σ_t term(x_t, h_t), and the states h."""

    def step(x_t, h, acc, *captured):
        new = T.tanh(x_t + h)
        f = term(x_t, h, new, *captured)
        return new, acc - f if negative else acc + f

    (h, total), _ = ss.scan(step, x3, [h0, acc], [w])
    return [h, total[-1]]


def checked(outputs, pass_=behind, shape=(3, 3), counts=(1, 4)):
    samples = [arrays((n, 2, 3), (2, 3), shape, (3, 3)) for n in counts]
    return rewritten(pass_, outputs, [x3, h0, acc, w], *samples)


@pytest.mark.parametrize("pass_", [behind, fused])
@pytest.mark.parametrize("negative", [False, True])
def test_a_weight_gradient_is_one_product_of_stacks(pass_, negative):
    made = checked(summed(lambda x, h, new, w: T.dot(h.T, new), negative=negative))
    node = only_loop(made)
    assert ops(node) == {"add": 1, "tanh": 1} and len(node.op.states) == 1
    found = outside(made)
    assert found["dot"] == 1 and not found["batched_dot"]


def test_a_fixed_factor_is_taken_out_of_the_sum():
    made = checked(summed(lambda x, h, new, w: T.dot(w, T.dot(h.T, new))))
    assert not ops(only_loop(made))["dot"] and outside(made)["dot"] == 2


def test_without_steps_a_fixed_factor_counts_nothing():
    made = summed(lambda x, h, new, w: T.dot(w, T.dot(h.T, new)))[1]
    total = made.owner.inputs[0].owner.inputs[0][-1]
    values = [*arrays((0, 2, 3), (2, 3), (3, 3)), np.full((3, 3), np.nan)]
    (made,) = rewritten(behind, [total], [x3, h0, acc, w], values)
    assert not any(ops(one)["dot"] for one in loops([made]))


def test_a_loop_that_holds_nothing_per_step_stacks_nothing():
    def step(h, acc):
        return T.tanh(h), acc + T.dot(h.T, h)

    (_, total), _ = ss.scan(step, None, [h0, acc], n_steps=4)
    made = rewritten(behind, [total[-1]], [h0, acc], arrays((2, 3), (3, 3)))
    assert ops(only_loop(made))["dot"] == 1


def test_a_bias_gradient_is_one_sum():
    made = checked(
        summed(lambda x, h, new, w: T.dot(h.T, new).sum(0, keepdims=True)), shape=(1, 3)
    )
    assert not ops(only_loop(made))["sum"]
    made = checked(summed(lambda x, h, new, w: new.sum(0, keepdims=True)), shape=(1, 3))
    assert ops(only_loop(made)) == {"add": 1, "tanh": 1}


def test_an_outer_product_is_summed_as_a_product():
    def term(x, h, new, w):
        return h[0].dimshuffle(0, "x") * new[1].dimshuffle("x", 0)

    made = checked(summed(term))
    assert not ops(only_loop(made))["mul"] and outside(made)["dot"] == 1


def test_an_outer_product_within_examples_is_a_product_for_each():
    total, given = T.dtensor3("total"), T.dtensor3("x")

    def step(x_t, h, total):
        new = T.tanh(x_t + h)
        return new, total + h.dimshuffle(1, 0, "x") * new.dimshuffle("x", 0, 1)

    (h, total_), _ = ss.scan(step, given, [h0, total])
    samples = [arrays((n, 2, 3), (2, 3), (3, 2, 3)) for n in (1, 4)]
    made = rewritten(behind, [h, total_[-1]], [given, h0, total], *samples)
    assert ops(only_loop(made)) == {"add": 1, "tanh": 1}
    assert outside(made)["batched_dot"] == 1


def test_rows_of_a_table_are_added_to_once():
    table = T.dmatrix("table")

    def step(i_t, h, table):
        new = T.tanh(h + i_t.sum())
        return new, T.inc_subtensor(table[i_t], new)

    (h, made_table), _ = ss.scan(step, ids, [h0, table])
    samples = [
        [rng.integers(-4, 4, (n, 2)), *arrays((2, 3), (4, 3))] for n in (1, 2, 4)
    ]
    made = rewritten(behind, [h, made_table[-1]], [ids, h0, table], *samples)
    assert not ops(only_loop(made))["put_rows"]
    assert outside(made)["put_rows"] == 1


def test_a_gradient_of_rows_is_scattered_once():
    def step(i_t, h, w):
        return T.tanh(h + w[i_t])

    h, _ = ss.scan(step, ids, h0, w)
    (g,) = T.grad((h * h).sum(), [w])
    samples = [
        [rng.integers(-4, 4, (n, 2)), *arrays((2, 3), (4, 3))] for n in (0, 1, 4)
    ]
    made = rewritten(behind, [h, g], [ids, h0, w], *samples)
    assert not any(ops(node)["put_rows"] for node in loops(made))


def test_integers_are_summed_as_they_are():
    k = T.lscalar("k")

    def step(i_t, h, k):
        return h + i_t, k - (i_t * h).sum()

    (h, total), _ = ss.scan(step, ids, [ids[0], k])
    values = [rng.integers(0, 9, (4, 2)), np.int64(5)]
    made = rewritten(behind, [h, total[-1]], [ids, k], values)
    assert len(only_loop(made).op.states) == 1


def test_a_sum_that_a_step_reads_stays():
    def step(x_t, h, acc):
        return T.tanh(x_t + h + acc.sum()), acc + T.dot(h.T, h)

    (h, total), _ = ss.scan(step, x3, [h0, acc])
    samples = [arrays((n, 2, 3), (2, 3), (3, 3)) for n in (1, 4)]
    made = rewritten(behind, [h, total[-1]], [x3, h0, acc], *samples)
    assert ops(only_loop(made))["dot"] == 1


def test_a_sum_of_which_more_is_read_stays():
    def step(x_t, h, acc):
        return T.tanh(x_t + h), acc + T.dot(h.T, h)

    (h, total), _ = ss.scan(step, x3, [h0, acc])
    samples = [arrays((n, 2, 3), (2, 3), (3, 3)) for n in COUNTS]
    made = rewritten(behind, [h, total], [x3, h0, acc], *samples)
    assert ops(only_loop(made))["dot"] == 1


def test_a_large_sum_without_a_product_stays_a_state():
    def step(x_t, h, acc):
        new = T.tanh(x_t + h)
        return new, acc + T.exp(new.sum() * acc_like)

    acc_like = T.dmatrix("like", shape=(300, 300))
    big = T.dmatrix("acc", shape=(300, 300))
    (h, total), _ = ss.scan(step, x3, [h0, big])
    values = arrays((3, 2, 3), (2, 3), (300, 300), (300, 300))
    made = rewritten(behind, [h, total[-1]], [x3, h0, big, acc_like], values)
    assert ops(only_loop(made))["exp"] == 1


def test_moved_nodes_keep_lines_and_names():
    def step(x_t, h, w):
        h = T.tanh(x_t + h)
        scores = T.dot(h, w)
        scores.name = "scores"
        return h, scores

    (h, p), _ = ss.scan(step, x3, [h0, None], w)
    made = behind([h, p])
    assert made[1].owner.kind == "hoisted"
    assert made[1].owner.spans[0].text == "scores = T.dot(h, w)"


def test_nothing_to_move_returns_the_same_variables():
    h, _ = ss.scan(lambda x_t, h: T.tanh(x_t + h), x2, v)
    (made,) = behind([h])
    assert made is h


def test_lengths_that_a_step_decides_are_checked_in_that_step():
    """Without steps there is nothing to check, behind the loop neither."""
    n = T.iscalar("n")

    def step(h):
        rows = T.take(w, (h > 0).nonzero()[0], axis=0)
        return h, rows, T.dot(u, rows)

    (_, rows, p), _ = ss.scan(step, outputs_info=[v, None, None], n_steps=n)
    f = ss.function([n, v, w, u], [rows, p])
    values = np.ones(2), np.ones((2, 3)), np.ones((5, 2))
    assert [len(a) for a in f(0, *values)] == [0, 0]
    np.testing.assert_array_equal(f(4, *values)[1], np.full((4, 5, 3), 2.0))


@pytest.mark.parametrize("axis", [0, 1])
def test_what_reads_a_part_of_a_stacked_join_reads_a_slice_behind(axis):
    def step(x_t, h, w):
        a, b = T.tanh(x_t + h), T.exp(x_t * h)
        both = T.concatenate([a, b], axis)
        return T.tanh(T.dot(a, w) + b), both, a * x_t, (b * h).sum()

    start = T.dmatrix("h0", shape=(2, 2))
    rows = T.TensorType("float64", (None, 2, 2))("rows")
    found, _ = ss.scan(step, rows, [start, None, None, None], w)
    samples = [arrays((n, 2, 2), (2, 2), (2, 2)) for n in COUNTS]
    made = rewritten(behind, found, [rows, start, w], *samples)
    node = only_loop(made)
    assert ops(node)["mul"] == 1 and not ops(node)["sum"] and node.op.mapped == 1
    rewritten(fused, found, [rows, start, w], *samples)


def test_parts_of_a_join_in_a_join_are_slices_of_slices():
    def step(x_t, h):
        a = T.tanh(x_t + h)
        inner = T.concatenate([a, T.exp(x_t * h)], 1)
        both = T.concatenate([inner, inner * h[:1, :1]], 0)
        return T.tanh(inner[:, 1:3] * both[1:3, :2]), both, inner * 2, a * x_t * 3

    start = T.dmatrix("h0", shape=(2, 2))
    rows = T.TensorType("float64", (None, 2, 2))("rows")
    found, _ = ss.scan(step, rows, [start, None, None, None])
    samples = [arrays((n, 2, 2), (2, 2)) for n in COUNTS]
    made = rewritten(behind, found, [rows, start], *samples)
    assert only_loop(made).op.mapped == 1
