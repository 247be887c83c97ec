"""`profile=True`: where the time of calls goes, on every target, inside loops too."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T

STEPS, CALLS = 5, 3


def profiled(target, profile=True):
    x = T.matrix("x")
    w = ss.shared(np.ones(4, "float32"), "w")

    def step(x_t, h):
        return T.tanh(x_t * w + h)

    hidden, _ = ss.scan(step, x, T.zeros(4), name="steps")
    cost = (hidden**2).sum()
    updates = [(w, w - 0.1 * ss.grad(cost, w))]
    return ss.function(
        [x], cost, updates=updates, target=target, profile=profile, name="train"
    )


@pytest.fixture(params=["reference", "numpy"])
def measured(request):
    f = profiled(request.param)
    for _ in range(CALLS):
        f(np.ones((STEPS, 4), "float32"))
    return f


def test_a_node_in_a_loop_counts_once_a_step(measured):
    (tanh,) = [row for row in measured.profile.rows() if row["op"] == "tanh"]
    assert tanh["loop"] == "steps"
    assert tanh["count"] == STEPS * CALLS
    assert tanh["bytes"] == STEPS * CALLS * 4 * 4
    assert tanh["text"] == "return T.tanh(x_t * w + h)"


def test_shares_add_up_and_lie_within_the_calls(measured):
    profile = measured.profile
    rows, lines = profile.rows(), profile.lines()
    assert profile.calls == CALLS
    assert sum(row["percent"] for row in rows) == pytest.approx(100)
    assert sum(line["percent"] for line in lines) == pytest.approx(100)
    assert 0 < profile.inside <= profile.seconds
    assert [row["seconds"] for row in rows] == sorted(
        (row["seconds"] for row in rows), reverse=True
    )


def test_the_table_names_ops_loops_and_lines(measured, capsys):
    measured.profile.summary()
    shown = capsys.readouterr().out
    assert "profile of train: 3 calls" in shown
    assert "tanh" in shown and "steps_gradient" in shown
    assert "test_profile.py:" in shown and "by line" in shown


def test_clearing_starts_anew(measured):
    measured.profile.clear()
    measured(np.ones((STEPS, 4), "float32"))
    assert measured.profile.calls == 1


@pytest.mark.parametrize("target", ["reference", "numpy"])
def test_a_profile_changes_no_result(target):
    x = np.linspace(-1, 1, STEPS * 4, dtype="float32").reshape(STEPS, 4)
    plain, watched = profiled(target, False), profiled(target)
    assert plain.profile is None
    for _ in range(2):
        np.testing.assert_array_equal(plain(x), watched(x))


def test_nothing_is_added_where_no_profile_is_asked_for():
    assert "watch" not in profiled("numpy", False).plan.source


def test_the_setting_asks_for_all(monkeypatch):
    monkeypatch.setattr(ss.config, "profile", True)
    x = T.scalar("x")
    assert ss.function([x], x + 1).profile is not None
