"""Updates of tables: optimizers touch only the rows used, as far as they can."""

import numpy as np
import pytest
from rule_cases import ops

import symseq as ss
import symseq.tensor as T
from symseq.compiler.passes.simplify import SIMPLIFY
from symseq.compiler.passes.stabilise import STABILISE
from symseq.compiler.rewrite.engine import rewrite
from symseq.models import optimizers

ROWS, WIDTH = 40, 3
ids, t = T.lmatrix("ids"), T.TensorType("float64", (None, None, WIDTH))("t")
rate = T.dscalar("rate")


def table():
    rng = np.random.default_rng(0)
    return ss.shared(rng.normal(size=(ROWS, WIDTH)), "table")


def cost_of(w):
    return T.sqr(w[ids] - t).sum()


def rewritten(update):
    return rewrite(rewrite([update], STABILISE), SIMPLIFY)[0]


def test_sgd_adds_rows_onto_the_table():
    w = table()
    (new,) = optimizers.sgd(cost_of(w), [w], rate).values()
    made = rewritten(new)
    assert made.owner.op.name == "put_rows" and made.owner.inputs[0] is w
    assert not [n for n in dense(made) if n is not made]


def dense(variable):
    """Values with as many elements as the table, but for the table itself."""
    nodes = ss.traverse.sort_nodes([variable])
    return [v for n in nodes for v in n.outputs if v.type.sizes == (ROWS, WIDTH)]


@pytest.mark.parametrize("other", [0.5, 2.0])
def test_clipped_and_scaled_gradients_stay_rows(other):
    w = table()
    g = T.grad(cost_of(w) * other, w)
    made = rewritten(w - rate * (g / (1 + rate)) * 2)
    assert made.owner.inputs[0] is w and len(dense(made)) == 1


def test_momentum_adds_rows_onto_what_it_remembers():
    w = table()
    updates = optimizers.momentum(cost_of(w), [w], 0.1, 0.9)
    v = next(s for s in updates if s is not w)
    made = rewritten(updates[v])
    assert made.owner.op.name == "put_rows"
    assert ops([made])["mul"] <= 3 and not ops([made])["sub"] - 1


def test_a_table_used_twice_gets_two_writes():
    w = table()
    cost = cost_of(w) + T.tanh(w[ids[0]]).sum()
    (new,) = optimizers.sgd(cost, [w], 0.1).values()
    made = rewritten(new)
    assert ops([made])["put_rows"] == 2
    assert len(dense(made)) == 2  # both writes, one onto the other


def test_weight_decay_keeps_a_dense_part():
    w = table()
    cost = cost_of(w) + 0.01 * T.sqr(w).sum()
    (new,) = optimizers.sgd(cost, [w], 0.1).values()
    assert ops([rewritten(new)])["put_rows"] == 1


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "adagrad", "adadelta"])
def test_steps_are_those_of_the_reference(name):
    rng = np.random.default_rng(1)
    found = []
    for target in ("reference", "numpy"):
        w = table()
        cost = cost_of(w) + T.tanh(w[ids[:, 0]]).sum()
        updates = optimizers.OPTIMIZERS[name](cost, [w], 0.1)
        f = ss.function([ids, t], cost, updates=updates, target=target)
        for k in range(3):
            rows = rng.integers(0, ROWS, (4, 5))
            rows[0] = rows[1]  # repeats add up
            f(rows, np.full((4, 5, WIDTH), 0.1 * k))
        rng = np.random.default_rng(1)
        found.append(w.get_value())
    np.testing.assert_allclose(found[1], found[0], 1e-10)


def test_rows_of_a_loop():
    w = table()
    h0 = T.zeros(WIDTH, "float64")
    h, _ = ss.scan(lambda i, h: T.tanh(w[i] + h), ids[0], outputs_info=h0)
    updates = optimizers.sgd(h[-1].sum(), [w], 0.1)
    before = w.get_value()
    f = ss.function([ids], h[-1].sum(), updates=updates)
    f([[3, 5, 3, 7]])
    changed = np.flatnonzero((w.get_value() != before).any(axis=1))
    assert changed.tolist() == [3, 5, 7]
