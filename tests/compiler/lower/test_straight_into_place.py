"""Values are computed where they are wanted: no copy is left that need not be."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.compiler.program import Copy, Fused, Loop, walk


def steps_of(f, kind):
    """The steps of a kind, with those inside loops."""
    program = f.plan.program
    every = [*walk(program.steps), *walk(program.updates)]
    return [step for step in every if isinstance(step, kind)]


def check(outputs, inputs, values, updates=()):
    """The function, after the same results (and updates) as the reference's."""
    made = {}
    for target in ("reference", "numpy"):
        start = [s.get_value() for s, _ in updates]
        f = ss.function(inputs, outputs, updates=list(updates), target=target)
        made[target] = [[*f(*values), *(s.get_value() for s, _ in updates)]
                        for _ in range(2)]  # fmt: skip
        for (s, _), value in zip(updates, start, strict=True):
            s.set_value(value)
    for ours, theirs in zip(made["numpy"], made["reference"], strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    return f


def test_a_loop_with_its_gradient_copies_only_first_values():
    x, u = T.dtensor3("x"), T.dmatrix("u")
    h, _ = ss.scan(
        lambda x_t, h: T.tanh(x_t + T.dot(h, u)), x, T.zeros((2, 3), "float64")
    )
    rng = np.random.default_rng(0)
    values = rng.normal(size=(5, 2, 3)), rng.normal(size=(3, 3))
    f = check(T.grad((h**2).sum(), [x, u]), [x, u], values)
    for loop in steps_of(f, Loop):
        assert not [step for step in walk(loop.body) if isinstance(step, Copy)]
    for copy in steps_of(f, Copy):
        assert copy.source.kind.value in ("constant", "early")


def test_the_parts_of_a_join_are_computed_in_place():
    x, w = T.dmatrix("x", shape=(None, 4)), T.dmatrix("w", shape=(1, 4))

    def step(x_t, h):
        return T.concatenate([T.tanh(x_t[:2] + h[2:]), T.exp(-h[:2])])

    h, _ = ss.scan(step, x, w[0])
    f = check([h], [x, w], (np.ones((5, 4)), np.full((1, 4), 0.5)))
    (loop,) = steps_of(f, Loop)
    assert "concatenate" not in f.plan.source
    assert not [step for step in walk(loop.body) if isinstance(step, Copy)]


def test_an_old_value_that_is_still_read_is_kept():
    x, a0 = T.dvector("x"), T.dscalar("a0")

    def step(x_t, a, b):
        new = a * b + x_t
        return [new, T.sin(new) + a * 2]  # the old a after the new one

    (a, b), _ = ss.scan(step, x, [a0, a0 * 2])
    check([a[-1], b[-1]], [x, a0], (np.arange(5.0) / 7, 0.3))


def test_a_choice_computes_its_second_branch_in_place():
    x = T.dmatrix("x")
    kept, _ = ss.scan(
        lambda x_t, h: T.switch(x_t > h, T.sin(x_t), T.tanh(h * 2)), x, x[0] * 0
    )
    f = check([kept], [x], (np.linspace(-1, 1, 12).reshape(4, 3),))
    (loop,) = steps_of(f, Loop)
    assert not [step for step in walk(loop.body) if isinstance(step, Copy)]
    assert f.plan.source.count("copyto(") == 2  # the first value, the chosen part
    other = T.sin(x)  # wanted beside the choice
    check(
        [T.switch(x > 0, x, other), other], [x], (np.linspace(-1, 1, 6).reshape(2, 3),)
    )
    old, _ = ss.scan(lambda x_t, h: T.switch(x_t > 0, h, h + x_t), x, x[0] * 0)
    check([old[-1]], [x], (np.linspace(-1, 1, 12).reshape(4, 3),))


def test_states_that_change_places():
    x, a0 = T.dvector("x"), T.dscalar("a0")
    (a, b, c), _ = ss.scan(
        lambda x_t, a, b, c: [b, c, a + x_t], x, [a0, a0 + 1, a0 + 2]
    )
    check([a[-1], b[-1], c[-1]], [x, a0], (np.arange(5.0), 0.5))


@pytest.mark.parametrize("taps", [[-2, -1], [-2], [-3, -1]])
def test_deeper_states_of_which_the_last_is_read(taps):
    x, first = T.dvector("x"), T.dvector("first")
    h, _ = ss.scan(
        lambda x_t, *olds: T.tanh(x_t + sum(olds)),
        x,
        {"initial": first, "taps": taps},
    )
    check([h[-1]], [x, first], (np.arange(5.0), np.arange(3.0)))


def test_a_value_that_is_read_after_its_place_has_changed():
    x = T.dmatrix("x")
    zeros = T.zeros_like(x[0])
    total, _ = ss.scan(lambda x_t, s: s + x_t, x, zeros)
    check([total[-1], zeros + 1, zeros], [x], (np.ones((3, 2)),))


def test_an_output_is_returned_before_its_update():
    w, x = ss.shared(np.zeros(3), "w"), T.dvector("x")
    new = T.tanh(w + x)
    check([new, T.dot(new, new)], [x], (np.arange(3.0),), [(w, new)])


def test_updates_that_read_each_other():
    a, b = ss.shared(np.ones(3), "a"), ss.shared(np.arange(3.0), "b")
    x = T.dvector("x")
    new = T.exp(a * x) + b
    pairs = [(a, b * 2), (b, new / (new.sum() + a))]
    check([x + a], [x], (np.arange(3.0) / 3,), pairs)


def test_an_update_computes_over_its_variable_and_goes_on_with_it():
    w, m = ss.shared(np.ones((4, 3)), "w"), ss.shared(np.zeros((4, 3)), "m")
    g = T.dmatrix("g")
    mean = 0.9 * m + 0.1 * g
    f = check([], [g], (np.ones((4, 3)),), [(m, mean), (w, w - mean / (1 + mean))])
    assert not steps_of(f, Copy)


def test_large_updates_go_block_by_block():
    shape = (3000, 64)
    w, m = ss.shared(np.ones(shape), "w"), ss.shared(np.zeros(shape), "m")
    g = T.dmatrix("g")
    mean = 0.9 * m + 0.1 * g * g
    values = (np.linspace(-1, 1, 3000 * 64).reshape(shape),)
    pairs = [(m, mean), (w, w - g / (T.sqrt(mean) + 1e-6))]
    f = check([], [g], values, pairs)
    (fused,) = steps_of(f, Fused)
    assert len(fused.steps) > 5
    (binding,) = f.plan.bindings.values()
    assert binding.nbytes < values[0].nbytes  # temporaries have a block each


@pytest.mark.parametrize("rows", [0, 1, 7, 5000])
def test_blocks_of_unknown_length(rows):
    x, y = T.dmatrix("x"), T.dvector("y")
    made = T.tanh(x) * y - T.exp(-x)
    values = np.linspace(-1, 1, rows * 40).reshape(rows, 40), np.arange(40.0)
    check([made, T.sqr(made + y) * made], [x, y], values)


def test_a_stack_that_is_read_reversed_is_stored_reversed():
    x, w = T.dtensor3("x"), T.dmatrix("w")
    h, _ = ss.scan(lambda x_t: T.dot(T.tanh(x_t), w), x[::-1], None)
    back = h[::-1]
    flat = back.reshape((back.shape[0] * back.shape[1], back.shape[2]))
    f = check([T.dot(flat.T, flat), back.sum(axis=0)], [x, w],
              (np.ones((4, 2, 3)), np.eye(3)))  # fmt: skip
    assert not steps_of(f, Copy)


def test_the_sum_of_a_product_is_a_dot():
    x, y = T.dmatrix("x"), T.dmatrix("y")
    values = np.arange(12.0).reshape(3, 4), np.ones((3, 4)) / 7
    f = check([(x * y).sum(), T.sqr(x).sum(), (x * y.T.T).sum()], [x, y], values)
    assert "multiply" not in f.plan.source
    assert "add.reduce" not in f.plan.source
