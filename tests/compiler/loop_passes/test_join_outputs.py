"""Outputs of loops that are neighbouring slices become one stack."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.compiler.loop_passes.join_outputs import join_outputs
from symseq.compiler.passes.merge_slices import merge_slices
from symseq.compiler.reference import Evaluator
from symseq.compiler.rewrite.engine import rewrite
from symseq.compiler.rewrite.rules import RuleSet
from symseq.scan.merge import merge_scans
from symseq.traverse import sort_nodes

x, h = T.TensorType("float64", (None, 2, 6))("x"), T.dmatrix("h")


def loops(outputs):
    return [n for n in sort_nodes(outputs) if n.op.name.startswith("scan")]


def check(outputs, changed):
    rng = np.random.default_rng(0)
    for steps in (0, 1, 3):
        values = [rng.normal(size=(steps, 2, 6)), rng.normal(size=(2, 6))]
        wanted = Evaluator()(outputs, [x, h], values)
        for a, b in zip(wanted, Evaluator()(changed, [x, h], values), strict=True):
            np.testing.assert_array_equal(a, b)


def parts(*bounds):
    """A state and, beside it, slices of a value of the step."""

    def step(row, before):
        z = T.tanh(row + before)
        return [z * 0.5, *(z[:, a:b] for a, b in bounds)]

    outputs, _ = ss.scan(step, x, outputs_info=[h, *[None] * len(bounds)])
    return rewrite(outputs, RuleSet())


@pytest.mark.parametrize(
    "bounds, left",
    [
        ([(0, 2), (2, 4)], 1),
        ([(2, 4), (0, 2), (4, 6)], 1),
        ([(0, 2), (3, 4), (4, 6)], 2),
        ([(1, 3), (3, 5), (0, 6)], 2),
        ([(0, 6), (0, 3), (3, 6)], 2),
    ],
)
def test_neighbours_are_stacked_as_one(bounds, left):
    outputs = parts(*bounds)
    changed = join_outputs(outputs)
    (loop,) = loops(changed)
    assert loop.op.mapped == left
    assert [a.type for a in outputs] == [b.type for b in changed]
    check(outputs, changed)


@pytest.mark.parametrize("bounds", [[(0, 2)], [(0, 2), (3, 5)], [(0, 3), (2, 5)]])
def test_others_stay(bounds):
    outputs = parts(*bounds)
    assert all(a is b for a, b in zip(outputs, join_outputs(outputs), strict=True))


def test_with_until():
    def step(row, before):
        z = T.tanh(row + before)
        return [z, z[:, :3], z[:, 3:]], ss.until(z.sum() > 1)

    outputs, _ = ss.scan(step, x, outputs_info=[h, None, None])
    changed = join_outputs(rewrite(outputs, RuleSet()))
    assert loops(changed)[0].op.mapped == 1
    check(outputs, changed)


def test_merged_gates_are_saved_once_for_the_gradient():
    w = ss.shared(np.full((6, 24), 0.1), "w")

    def step(row, before, c):
        z = T.dot(before, w) + T.tile(row, (1, 4))
        i, f, o = (T.nnet.sigmoid(z[:, 6 * k : 6 * k + 6]) for k in range(3))
        c = f * c + i * T.tanh(z[:, 18:])
        return o * T.tanh(c), c

    (out, _), _ = ss.scan(step, x, outputs_info=[h, h])
    outputs = [T.grad(out.sum(), w)]
    merged = merge_slices(rewrite(list(merge_scans(outputs)), RuleSet()))
    forward = loops(join_outputs(merged))[0]
    assert forward.op.mapped == loops(merged)[0].op.mapped - 2
    values = [np.random.default_rng(1).normal(size=s) for s in ((3, 2, 6), (2, 6))]
    wanted = Evaluator()([*outputs], [x, h, w], [*values, w.get_value()])
    got = Evaluator()(join_outputs(merged), [x, h, w], [*values, w.get_value()])
    np.testing.assert_allclose(wanted[0], got[0], 1e-12)
