"""Loops read the lightest rows; values and gradients stay."""

import numpy as np
import pytest
from loop_tools import loops, ops

import symseq as ss
import symseq.tensor as T
from symseq.compiler.loop_passes.choose_residuals import array_of, choose_residuals
from symseq.compiler.loop_passes.drop_unused import drop_unused
from symseq.compiler.loop_passes.policy import Policy
from symseq.compiler.pipeline import PASSES, TIGHT_PASSES, passes_under, rewrite_for
from symseq.compiler.reference import evaluate
from symseq.random.streams import RandomStreams

H = 32
x, U, h0 = T.dtensor3("x"), T.dmatrix("U", shape=(H, 4 * H)), T.dmatrix("h0")
v, w = T.dmatrix("v"), T.dvector("w")
rng = np.random.default_rng(0)


def lstm(x_t, h, c):
    z = x_t + T.dot(h, U)
    i, f, o, g = (z[:, k * H : (k + 1) * H] for k in range(4))
    c = T.nnet.sigmoid(f) * c + T.nnet.sigmoid(i) * T.tanh(g)
    return T.nnet.sigmoid(o) * T.tanh(c), c


def hard_lstm(x_t, h, c):
    """Gates without transcendental functions: all follows from the sums."""
    z = x_t + T.dot(h, U)
    i, f, o, g = (z[:, k * H : (k + 1) * H] for k in range(4))
    c = T.clip(f, 0, 1) * c + T.clip(i, 0, 1) * T.nnet.relu(g)
    return T.clip(o, 0, 1) * T.tanh(c), c


def training(step):
    h = ss.scan(step, x, [h0, h0], n_steps=x.shape[0])[0][0]
    cost = (h * h).sum()
    return [cost, *T.grad(cost, [x, U, h0])]


def layer_values(steps):
    return [
        rng.normal(size=(steps, 2, 4 * H)),
        rng.normal(size=(H, 4 * H)) * 0.3,
        rng.normal(size=(2, H)),
    ]


def check(outputs, inputs, *samples):
    """The pass on the graph as it was written, and all tight passes on top."""
    alone = drop_unused(choose_residuals(outputs))
    for made in (alone, *(rewrite_for(t, outputs, TIGHT_PASSES) for t in TIGHT_PASSES)):
        for values in samples:
            wanted = evaluate(outputs, inputs, values)
            for a, b in zip(evaluate(made, inputs, values), wanted, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
                assert (a.dtype, a.shape) == (b.dtype, b.shape)
    return alone


def computed_rows(outputs, passes=PASSES):
    """How many sequences of the gradient's loop the forward loop has not made."""
    forward, back = loops(rewrite_for("numpy", outputs, passes))
    rows = back.op.sequence_inputs(back.inputs)
    return sum(array_of(v).owner is not forward for v in rows)


def stacks(outputs, passes=PASSES, target="numpy"):
    """Stacks of the forward loop, sequences of the gradient's loop."""
    forward, back = loops(rewrite_for(target, outputs, passes))
    assert back.op.name.endswith("_gradient")
    return forward.op.mapped, back.op.sequences, ops(forward) + ops(back)


def test_the_gradient_of_an_lstm_reads_gates_instead_of_slopes():
    outputs = training(lstm)
    samples = [layer_values(n) for n in (0, 1, 5)]
    check(outputs, [x, U, h0], *samples)
    free, tight = stacks(outputs), stacks(outputs, TIGHT_PASSES)
    # Stacked: the sigmoids side by side, tanh(g), tanh(c). The free loop reads six
    # slopes computed of them and a gate; the tight one the stacks, c and h.
    assert (free[:2], tight[:2]) == ((3, 7), (3, 6))
    assert computed_rows(outputs) == 6 and computed_rows(outputs, TIGHT_PASSES) == 0
    for op in ("dot", "tanh", "sigmoid", "sigmoid_minus", "exp"):
        assert tight[2][op] == free[2][op]


@pytest.mark.parametrize("target", TIGHT_PASSES)
def test_hard_gates_follow_from_their_sums(target):
    outputs = training(hard_lstm)
    check(outputs, [x, U, h0], *[layer_values(n) for n in (0, 1, 5)])
    policy = Policy(elementwise=target == "numpy", recompute=False)
    free = stacks(outputs, {target: passes_under(policy)}, target)
    tight = stacks(outputs, TIGHT_PASSES, target)
    assert tight[0] < free[0] and tight[1] <= free[1] - 4
    assert tight[2]["dot"] == 2 and tight[2]["tanh"] == 1


def test_a_budget_recomputes_before_it_keeps_checkpoints():
    outputs, values = training(lstm), layer_values(200)
    free = ss.function([x, U, h0], outputs)
    wanted = free(*values)
    (binding,) = free.plan.bindings.values()
    tight = ss.function([x, U, h0], outputs, memory_budget=int(0.95 * binding.nbytes))
    for a, b in zip(tight(*values), wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    (small,) = tight.plan.bindings.values()
    assert small.nbytes < 0.95 * binding.nbytes
    assert "light rows computed again, no checkpoints" in tight.plan.report()
    assert f"arena: {tight.plan.memory.arena.block.size} bytes" in tight.plan.report()


def test_two_rows_that_follow_from_one_are_read_as_one():
    def step(x_t, h):
        a = T.tanh(x_t + h)
        return a * h + T.maximum(a, x_t) * 0.5, a * 2.0, T.maximum(a, -a)

    (h, p, q), _ = ss.scan(step, v, [w, None, None])

    def use(p_t, q_t, k):
        return T.tanh(p_t * q_t + k)

    k, _ = ss.scan(use, [p, q], w)
    made = check([h, k], [v, w], *[[rng.normal(size=(n, 3)), rng.normal(size=3)]
                                   for n in (0, 1, 5)])  # fmt: skip
    assert loops(made)[1].op.sequences == 2  # no stack of `a` is there to read


def test_what_is_read_anyway_is_not_computed_again():
    y = v * v + 1
    k, _ = ss.scan(lambda a, k: T.tanh(a + k), y, w)
    (made,) = check([k], [v, w], [rng.normal(size=(4, 3)), rng.normal(size=3)])
    assert ops(made.owner.inputs[0].owner)["mul"] == 1  # from the input: no array more
    kept = choose_residuals([k, y])
    assert kept[0] is k  # y is there in any case
    heavy, _ = ss.scan(lambda a, k: T.tanh(a + k), T.exp(v) / 3, w)
    assert choose_residuals([heavy])[0] is heavy


def cost_and_gradients(h, inputs):
    cost = (h * h * h).sum()
    slopes = T.grad(cost, inputs)
    again = T.grad(sum((T.sin(g)).sum() for g in slopes), inputs)
    return [cost, *slopes, *again]


def light(x_t, h):
    return T.maximum(x_t * h, 0.1 * h) + T.switch(T.gt(h, x_t), T.tanh(h), x_t * x_t)


def samples(*counts):
    return [[rng.normal(size=(n, 3)), rng.normal(size=3)] for n in counts]


@pytest.mark.parametrize("options", [{}, {"go_backwards": True},
    {"truncate_gradient": 2}, {"n_steps": 0}, {"n_steps": 1},
    {"n_steps": 3, "go_backwards": True}])  # fmt: skip
def test_gradients_of_gradients(options):
    h, _ = ss.scan(light, v, w, **options)
    check(cost_and_gradients(h, [v, w]), [v, w], *samples(3, 6))


def test_two_taps_of_sequences_and_states():
    pair = T.dmatrix("pair")

    def step(a, b, h2, h1):
        return T.maximum(a * h2, T.tanh(b * h1)) + T.switch(T.gt(h1, h2), a * a, h1)

    h, _ = ss.scan(
        step,
        dict(input=v, taps=[-2, 0]),
        dict(initial=pair, taps=[-2, -1]),
    )
    values = [[rng.normal(size=(n, 3)), rng.normal(size=(2, 3))] for n in (2, 3, 7)]
    check(cost_and_gradients(h, [v, pair]), [v, pair], *values)


def test_loops_that_stop():
    def step(x_t, h):
        h = light(x_t, h)
        return h, ss.until(h.sum() > 2)

    h, _ = ss.scan(step, v, w)
    check(cost_and_gradients(h, [v, w]), [v, w], *samples(1, 6, 9))


def test_loops_in_loops():
    def inner(a, k):
        return light(a, k)

    def step(x_t, h):
        k, _ = ss.scan(inner, v, T.maximum(x_t * h, h))
        return k.sum(0) * 0.1 + light(x_t, h)

    h, _ = ss.scan(step, v, w)
    check(cost_and_gradients(h, [v, w]), [v, w], *samples(1, 4))


def test_masks_drawn_inside():
    stream = RandomStreams(3)

    def step(x_t, h):
        mask = stream.binomial(size=(3,), p=0.5, dtype="float64")
        return light(x_t, h * mask)

    h, updates = ss.scan(step, v, w)
    outputs = [h.sum(), *T.grad((h * h).sum(), [v, w])]
    found = []
    for target in ("reference", "numpy"):
        stream.seed(3)
        f = ss.function([v, w], outputs, updates=updates, target=target,
                        memory_budget=10**9)  # fmt: skip
        found.append(f(*VALUES))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


VALUES = samples(5)[0]
