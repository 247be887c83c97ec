"""Of a log softmax that is only picked from, no large array is made."""

import numpy as np
import pytest
from rule_cases import Inputs, check_same, ops

import symseq as ss
import symseq.tensor as T
from symseq.compiler.passes.pick_logits import pick_logits
from symseq.compiler.passes.share_softmax import share_softmax
from symseq.compiler.passes.simplify import SIMPLIFY
from symseq.compiler.passes.stabilise import STABILISE
from symseq.compiler.rewrite.engine import rewrite
from symseq.compiler.rewrite.rules import RuleSet

log_softmax = T.nnet.logsoftmax
z = T.TensorType("float64", (None, 5))("z")
y = T.lvector("y")
rows = T.arange(y.shape[0])


def passed(*outputs):
    made = rewrite(rewrite(outputs, STABILISE), SIMPLIFY)
    return pick_logits(share_softmax(made))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "build",
    [
        lambda v: log_softmax(v.m)[T.arange(3), v.i],
        lambda v: log_softmax(v.m, axis=0)[v.i, T.arange(3)],
        lambda v: log_softmax(v.m[0], axis=0)[v.i],
        lambda v: log_softmax(v.m)[T.arange(3).dimshuffle(0, "x"), v.ids],
        lambda v: T.nnet.softmax(v.m) * log_softmax(v.m)[T.arange(3), v.i].sum(),
    ],
)
def test_picked_elements_are_those_of_the_whole(build, dtype):
    before = [build(Inputs(dtype))]
    changed = pick_logits(share_softmax(before))
    found = ops(changed)
    assert not found["log_softmax"] and not found["softmax"] and found["exp"] == 1
    check_same(before, changed)


def test_a_cost_and_its_gradient_take_one_exp():
    cost = T.nnet.categorical_crossentropy(T.nnet.softmax(z), y).mean()
    before = [cost, T.grad(cost, z)]
    changed = passed(*before)
    assert ops(changed)["exp"] == 1 and ops(changed)["log"] == 1
    both = [
        ss.function([z, y], outputs, target="reference")
        for outputs in (before, changed)
    ]
    rng = np.random.default_rng(0)
    for scale in (1, 1e4):
        x, labels = rng.normal(size=(3, 5)) * scale, [4, 0, 2]
        for a, b in zip(*(f(x, labels) for f in both), strict=True):
            np.testing.assert_allclose(a, b, 1e-12, 1e-15)


@pytest.mark.parametrize(
    "build",
    [
        lambda: log_softmax(z),
        lambda: log_softmax(z).sum() + log_softmax(z)[rows, y].sum(),
        lambda: log_softmax(z)[y],
        lambda: T.nnet.softmax(z)[rows, y],
        lambda: log_softmax(T.dmatrix("free"))[rows, y],
    ],
)
def test_others_are_left_alone(build):
    before = share_softmax(rewrite([build()], RuleSet()))
    assert pick_logits(before)[0] is before[0]


def test_inside_a_loop():
    def step(row, label):
        return log_softmax(row, axis=0)[label.dimshuffle("x")].sum()

    made, _ = ss.scan(step, [z, y])
    changed = pick_logits([made])
    assert not ops(changed)["log_softmax"]
    values = np.random.default_rng(0).normal(size=(3, 5)), [4, 0, 2]
    got = [
        ss.function([z, y], m, target="reference")(*values) for m in (made, *changed)
    ]
    np.testing.assert_allclose(*got, 1e-12)
