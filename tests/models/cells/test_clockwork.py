"""Modules of a clockwork RNN that do not run are not computed."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.models import Recurrent, cells

D, H, PERIODS, STEPS = 3, 6, (1, 2, 5), 12


def runs(period):
    return [t for t in range(STEPS) if t % period == 0]


@pytest.mark.parametrize("target", ["reference", "numpy"])
@pytest.mark.parametrize("gradient", [False, True], ids=["forward", "gradient"])
def test_a_module_is_computed_at_its_steps_only(target, gradient, monkeypatch):
    """An op that counts stands in for tanh: it is called where a module runs.

    The gradient computes a branch that was taken once more, and no other; reference
    runs the loop of the cost and that which saves its states one by one.
    """
    calls = []

    def count(x):
        calls.append(x.shape)
        return np.tanh(x)

    counted = ss.op(numpy=count, vjp=lambda x, y, g: g * (1 - y * y))
    monkeypatch.setattr("symseq.models.cells.clockwork.tanh", counted)
    cell = cells.Clockwork(D, H, rng=np.random.default_rng(0), periods=PERIODS)
    x = T.tensor3("x", dtype="float64")
    y = Recurrent(cell)(x)
    wrt = [x, *cell.parameters().values()]
    f = ss.function([x], ss.grad(y.sum(), wrt) if gradient else y, target=target)
    calls.clear()
    f(np.ones((STEPS, 2, D)))
    active = sum(len(runs(period)) for period in PERIODS)
    again = {"numpy": 2, "reference": 3}[target] if gradient else 1
    assert len(calls) == again * active


def test_flops_are_those_of_the_products_that_run():
    cell = cells.Clockwork(D, H, rng=np.random.default_rng(0), periods=PERIODS)
    each = [2 * (D + 6) * 2, 2 * (D + 4) * 2, 2 * (D + 2) * 2]
    for t in range(STEPS):
        active = [cost for cost, T_i in zip(each, PERIODS, strict=True) if t % T_i == 0]
        assert cell.flops(t) == sum(active)
    dense = 2 * (D + H) * H
    assert cell.flops(1) < dense / 2 and cell.flops(0) < dense


def test_the_clock_goes_on_from_call_to_call_and_stands_over_padding():
    cell = cells.Clockwork(D, H, rng=np.random.default_rng(0), periods=PERIODS)
    x, mask = T.tensor3("x", dtype="float64"), T.matrix("m", dtype="float64")
    _, middle = Recurrent(cell)(x[:3], return_state=True)
    rest = Recurrent(cell)(x[3:], initial=middle)
    last = Recurrent(cell).run(x, mask).last.t
    value = np.random.default_rng(1).standard_normal((9, 2, D))
    got, right, t = ss.function([x, mask], [rest, Recurrent(cell)(x)[3:], last])(
        value, np.zeros((9, 2))
    )
    np.testing.assert_allclose(got, right, rtol=1e-12)
    assert t.tolist() == [0, 0]


def test_a_module_is_computed_where_it_runs_for_one_sequence(monkeypatch):
    """Backwards over padding the sequences begin one after the other."""
    calls = []

    def count(x):
        calls.append(x.shape)
        return np.tanh(x)

    counted = ss.op(numpy=count, vjp=lambda x, y, g: g * (1 - y * y))
    monkeypatch.setattr("symseq.models.cells.clockwork.tanh", counted)
    cell = cells.Clockwork(D, 4, rng=np.random.default_rng(0), periods=(1, 4))
    x, mask = T.tensor3("x", dtype="float64"), T.matrix("m", dtype="float64")
    f = ss.function([x, mask], Recurrent(cell, reverse=True)(x, mask))
    calls.clear()
    f(np.ones((8, 2, D)), (np.arange(8)[:, None] < [6, 8]).astype("float64"))
    # The whole clock at 8, 4; for the shorter one at 6, whose clock stands at 0 before
    # (8, 7), and at 2.
    assert len(calls) == 8 + len({8, 7, 6, 4, 2})
