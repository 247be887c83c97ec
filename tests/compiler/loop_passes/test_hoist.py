"""What reads no state leaves the loop; what must stay stays."""

from functools import partial

import numpy as np
import pytest
from loop_tools import loops, only_loop, ops, outside, rewritten

import symseq as ss
import symseq.tensor as T
from symseq.compiler.loop_passes.hoist import hoist
from symseq.compiler.loop_passes.last_rows import keep_last_rows
from symseq.compiler.loop_passes.policy import CALLS, FUSED
from symseq.compiler.reference import evaluate
from symseq.scan.op import Body, Scan, StateSpec
from symseq.tensor.shared_randomstreams import RandomStreams

front = partial(hoist, policy=CALLS)
fused = partial(hoist, policy=FUSED)
x3, x2, v, w = T.dtensor3("x"), T.dmatrix("x"), T.dvector("v"), T.dmatrix("w")
u, h0 = T.dmatrix("u"), T.dmatrix("h0")
rng = np.random.default_rng(0)


def arrays(*shapes):
    return [rng.normal(size=shape) for shape in shapes]


ROWS = [arrays((n, 2, 3), (2, 3), (3, 3), (3, 3)) for n in (0, 1, 4)]


def rnn(x_t, h, w, u):
    return T.tanh(T.dot(x_t, w) + T.dot(h, u))


@pytest.mark.parametrize("pass_", [front, fused])
def test_the_input_projection_becomes_one_product(pass_):
    h, _ = ss.scan(rnn, x3, h0, [w, u])
    made = rewritten(pass_, [h], [x3, h0, w, u], *ROWS)
    assert ops(only_loop(made)) == {"dot": 1, "add": 1, "tanh": 1}
    found = outside(made)
    assert found["dot"] == 1 and not found["batched_dot"]


def repeated(step, initial, constants, n_steps):
    """A loop whose body computes what the front end would have left outside."""
    h = ss.TensorType(initial.dtype, initial.type.shape)("h")
    inner = [c.type(c.name) for c in constants]
    body = Body((h, *inner), (step(h, *inner),))
    op = Scan(body, 0, (StateSpec(),), 0, len(constants))
    return op.make(n_steps, initial.dimshuffle("x", *range(initial.ndim)), *constants)[
        0
    ]


n = T.lscalar("n")


def test_what_is_the_same_in_every_step_is_computed_once():
    h = repeated(lambda h, w, u: T.tanh(T.dot(h, T.dot(w, u).T)), h0, [w, u], n)
    samples = [[*arrays((2, 3), (3, 3), (3, 3)), np.int64(k)] for k in (0, 1, 3)]
    made = rewritten(front, [h], [h0, w, u, n], *samples)
    assert ops(only_loop(made)) == {"dot": 1, "tanh": 1}


def test_elementwise_work_leaves_where_it_costs_calls():
    h, _ = ss.scan(lambda x_t, h: T.tanh(h) + T.exp(x_t) * x_t, x2, v)
    samples = [arrays((n, 3), 3) for n in (0, 1, 4)]
    made = rewritten(front, [h], [x2, v], *samples)
    assert ops(only_loop(made)) == {"tanh": 1, "add": 1}
    kept = rewritten(fused, [h], [x2, v], *samples)
    assert ops(only_loop(kept)) == {"tanh": 1, "exp": 1, "mul": 1, "add": 1}


def test_views_and_what_would_grow_a_stack_stay():
    def step(x_t, h):
        wide = T.dot(h, h) * (x_t.dimshuffle(0, "x") - x_t.dimshuffle("x", 0))
        return T.tanh(h + wide)

    h, _ = ss.scan(step, x2, h0)
    made = rewritten(front, [h], [x2, h0], *(arrays((n, 3), (3, 3)) for n in (0, 3)))
    body = ops(only_loop(made))
    assert body["dimshuffle"] == 2 and body["sub"] == 1
    assert [s.type.ndim for s in only_loop(made).inputs] == [0, 2, 3]


def test_outputs_that_read_no_state_are_computed_outside():
    (a, b, c), _ = ss.scan(
        lambda x_t, h: [h * x_t, T.exp(x_t), x_t, v + 1][:3], x2, [v, None, None]
    )
    made = rewritten(front, [a, b, c], [x2, v], arrays((4, 3), 3), arrays((0, 3), 3))
    assert only_loop(made).op.mapped == 0
    (b,), _ = ss.scan(lambda x_t: [T.exp(x_t)], x2, return_list=True)
    assert not loops(rewritten(front, [b], [x2], arrays((4, 3)), arrays((0, 3))))


def test_fewer_steps_than_rows_and_mirrored_sequences():
    h, _ = ss.scan(rnn, x3, h0, [w, u], n_steps=2, go_backwards=True)
    made = rewritten(front, [h], [x3, h0, w, u], ROWS[2])
    assert ops(only_loop(made))["dot"] == 1


def test_no_index_is_checked_that_no_step_reads():
    ids = T.lvector("ids")

    def run(n_steps):
        return repeated(lambda h, w, i: T.tanh(h + T.exp(w[i])), h0, [w, ids], n_steps)

    inputs, bad = [h0, w, ids, n], [*arrays((2, 3), (4, 3)), np.array([7, 0])]
    good = [*bad[:2], np.array([3, 0])]
    made = rewritten(front, [run(n)], inputs, *([*good, np.int64(k)] for k in (0, 3)))
    assert ops(only_loop(made))["take"] == 1
    assert evaluate(made, inputs, [*bad, np.int64(0)])[0].shape == (1, 2, 3)
    with pytest.raises(IndexError):
        evaluate(made, inputs, [*bad, np.int64(1)])
    sure = rewritten(front, [run(T.constant(3))], inputs, [*good, np.int64(0)])
    assert ops(only_loop(sure)) == {"add": 1, "tanh": 1}


def test_rows_of_an_until_loop_stay():
    def step(x_t, h, w, u):
        new = T.tanh(T.dot(x_t, w) + T.dot(h, u))
        return new, ss.until(new.sum() > 1)

    h, _ = ss.scan(step, x3, h0, [w, u])
    made = rewritten(front, [h], [x3, h0, w, u], *ROWS[1:])
    assert ops(only_loop(made))["dot"] == 2


def test_a_draw_in_a_step_is_one_draw_with_the_same_bits():
    def step(x_t, h):
        mask = RandomStreams(3).binomial(h.shape, p=0.5, dtype="float64")
        return T.tanh(x_t + h * mask)

    h, _ = ss.scan(step, x3, h0)
    made = rewritten(front, [h], [x3, h0], *(values[:2] for values in ROWS))
    assert ops(only_loop(made)) == {"mul": 1, "add": 1, "tanh": 1}
    assert outside(made)["bits"] == 1


def test_what_is_only_summed_is_no_stack_of_products():
    acc = T.dmatrix("acc")

    def step(x_t, h, acc):
        return T.tanh(h + x_t), acc + T.dot(x_t.T, x_t)

    (h, total), _ = ss.scan(step, x3, [h0, acc])
    samples = [arrays((n, 2, 3), (2, 3), (3, 3)) for n in (1, 4)]
    made = rewritten(
        lambda o: front(keep_last_rows(o)), [h, total[-1]], [x3, h0, acc], *samples
    )
    assert not outside(made)["batched_dot"]


def test_draws_stay_in_a_loop_that_holds_little_per_step():
    def step(h):
        return T.tanh(h + RandomStreams(3).normal(h.shape, dtype="float64"))

    h, _ = ss.scan(step, None, h0, n_steps=5)
    made = rewritten(lambda o: front(keep_last_rows(o)), [h[-1]], [h0], arrays((40, 3)))
    assert ops(only_loop(made))["bits"] > 0


def test_what_has_effects_or_no_batching_rule_stays():
    loud = ss.op(numpy=np.tanh, name="loud")
    h, _ = ss.scan(lambda x_t, h: loud(x_t) + T.dot(h, T.exp(x_t)), x2, v)
    made = rewritten(front, [h], [x2, v], arrays((4, 3), 3))
    assert ops(only_loop(made))["loud"] == 1 and not ops(only_loop(made))["exp"]

    def count(x_t, h):
        return h + T.nonzero(T.gt(x_t, 0))[0].sum() + T.exp(x_t).sum()

    h, _ = ss.scan(count, x2, T.constant(0.0, dtype="float64"))
    made = rewritten(front, [h], [x2], arrays((4, 3)), arrays((0, 3)))
    assert ops(only_loop(made))["nonzero"] == 1
    assert not ops(only_loop(made))["exp"]


def test_with_checkpoints_nothing_is_stacked():
    h, _ = ss.scan(rnn, x3, h0, [w, u], checkpoint_every=2)
    made = rewritten(front, [h], [x3, h0, w, u], *ROWS)
    segments = next(n for n in loops(made) if n.op.name == "scan_segments")
    assert ops(segments)["dot"] == 2


def test_an_inner_loop_over_rows_is_done_for_all_rows_at_once():
    def step(x_t, h):
        total, _ = ss.reduce(lambda a, b: T.tanh(a + b), x_t, T.zeros_like(x_t[0]))
        return T.tanh(h + total)

    h, _ = ss.scan(step, x3, v)
    made = [h]
    for values in (arrays((4, 2, 3), 3), arrays((0, 2, 3), 3), arrays((4, 1, 3), 3)):
        made = rewritten(lambda o: front(keep_last_rows(o)), [h], [x3, v], values)
    assert len(loops(made)) == 2
    assert all(ops(node)["tanh"] == 1 for node in loops(made))
    assert not any(ops(node)["scan"] for node in loops(made))


def test_an_inner_loop_that_is_the_same_in_every_step_is_done_once():
    def step(h, w):
        rows, _ = ss.scan(lambda a, b: T.tanh(a + b), w, T.zeros_like(w[0]))
        return T.tanh(T.dot(h, rows))

    h = repeated(step, h0, [w], T.constant(3))
    made = rewritten(front, [h], [h0, w], arrays((2, 3), (3, 3)))
    assert [ops(node)["dot"] for node in loops(made)] == [0, 1]


def test_moved_nodes_say_so_and_keep_names_and_lines():
    def step(x_t, h, w, u):
        projected = T.dot(x_t, w)
        projected.name = "projected"
        return T.tanh(projected + T.dot(h, u))

    h, _ = ss.scan(step, x3, h0, [w, u])
    node = only_loop(hoist([h], CALLS))
    stack = next(v for v in node.inputs if v.name == "projected")
    assert node.op.body_sequences[-1].name == "projected"
    assert stack.owner.kind == "hoisted"
    assert stack.owner.spans[0].text == "projected = T.dot(x_t, w)"


def test_nothing_to_move_returns_the_same_variables():
    h, _ = ss.scan(lambda x_t, h: T.tanh(x_t + h), x2, v)
    (made,) = front([h])
    assert made is h


def test_named_lengths_and_declared_ones_stay():
    B, Time = ss.dims("B T")
    x = T.dtensor3("x", shape=(Time, B, 1))
    start = T.zeros((x.shape[1], 1), dtype="float64")
    h, _ = ss.scan(lambda x_t, h: T.tanh(T.exp(x_t) + h), x, start)
    (made,) = front([h])
    assert made.type == h.type
