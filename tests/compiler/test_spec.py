"""What `function` refuses, and inputs whose kept value is updated."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.errors import DTypeError, ShapeError, UnusedInputError, UsageError

targets = pytest.mark.parametrize("target", ["reference", "numpy"])


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (lambda x, i: {x: T.dvector("y")}, DTypeError, "dtype float32; got float64"),
        (lambda x, i: {i: np.array(1.7)}, DTypeError, "dtype int32; got float64"),
        (lambda x, i: {i: 1.7}, DTypeError, "what is given for i must have its dtype"),
        (lambda x, i: {x: T.matrix("y")}, ShapeError, "must have its rank"),
        (lambda x, i: {"x": 3}, UsageError, "givens replace variables; got 'x'"),
        (lambda x, i: 5, UsageError, "givens must be a dict or"),
    ],
)
def test_givens_fit_what_they_replace(given, error, said):
    x, i = T.vector("x"), T.iscalar("i")
    with pytest.raises(error, match=said):
        ss.function([], x * i, givens=given(x, i))


def test_a_number_is_given_in_the_dtype_of_what_it_replaces():
    x, i = T.vector("x"), T.iscalar("i")
    f = ss.function([x], x * i, givens={i: 3})
    np.testing.assert_array_equal(f([1, 2]), [3, 6])


def test_updates_are_not_cut_to_integers():
    count = ss.shared(0, "count")
    with pytest.raises(DTypeError, match="the update of count must have its dtype"):
        ss.function([], [], updates=[(count, 5.5)])
    with pytest.raises(UsageError, match="updates must be a dict or"):
        ss.function([], [], updates=5)


def test_what_scan_returns_is_taken_apart_first():
    x = T.vector("x")
    with pytest.raises(UsageError) as caught:
        ss.function([x], ss.scan(lambda a: a, x))
    assert "updates=updates" in str(caught.value)


def test_unused_inputs_by_argument_and_by_setting(monkeypatch):
    x, y = T.vectors("x", "y")
    with pytest.raises(UsageError, match="must be one of raise, warn, ignore"):
        ss.function([x, y], x, on_unused_input="wrong")
    with pytest.raises(UnusedInputError):
        ss.function([x, y], x)
    with pytest.warns(UserWarning, match="input y") as caught:
        ss.function([x, y], x, on_unused_input="warn")
    assert caught[0].filename == __file__
    monkeypatch.setattr(ss.config, "on_unused_input", "ignore")
    ss.function([x, y], x)


@targets
def test_arguments_that_are_no_arrays(target):
    x = T.vector("x")
    f = ss.function([x], x, target=target)
    for wrong in (None, "text", [[1.0], [1.0, 2.0]], object()):
        with pytest.raises(DTypeError, match="input x must be an array of numbers"):
            f(wrong)
    with pytest.raises(UsageError, match="input x twice"):
        f([1.0], x=[2.0])


def test_a_strict_input_takes_just_its_dtype():
    x = T.vector("x")
    f = ss.function([ss.In(x, strict=True)], x + 1)
    f(np.ones(2, "float32"))
    for wrong in ([1, 2], np.ones(2, "int8"), np.ones(2)):
        with pytest.raises(DTypeError, match="strict"):
            f(wrong)


@targets
def test_an_input_keeps_its_value_and_updates_it(target):
    state, step = T.scalar("state"), T.scalar("step")
    kept = ss.In(state, value=1, update=state * step)
    f = ss.function([step, kept], state + 0, target=target)
    assert [f(2), f(2), f(3)] == [1, 2, 4]
    assert [f(2, state=10), f(2), f(2, 5), f(2)] == [10, 20, 5, 10]
    with pytest.raises(DTypeError):
        f("wrong", state=99)
    assert f(1) == 20
    with pytest.raises(UsageError, match="no value to begin with"):
        ss.function([step, ss.In(state, update=state + step)], state)


def test_a_kept_value_stays_when_the_call_fails():
    state, ids = T.vector("state"), T.ivector("ids")
    f = ss.function([ids, ss.In(state, value=[1.0, 2.0], update=state)], state[ids])
    with pytest.raises(IndexError):
        f([7], state=[8.0, 9.0])
    np.testing.assert_array_equal(f([0, 1]), [1, 2])
