"""Lengths that do not fit raise on every target, also where no work is left to do."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.errors import ShapeError

targets = pytest.mark.parametrize("target", ["reference", "numpy"])


def doubled(x, n, taps=(0,)):
    sequence = {"input": x, "taps": list(taps)}
    return ss.scan(lambda *rows: 2 * rows[0], [sequence], n_steps=n)[0]


def unread(x, n):
    return ss.scan(lambda x_t, h: h + 1, x, T.zeros(()), n_steps=n)[0]


PROGRAMS = {
    "a loop without states": lambda x, n: doubled(x, n),
    "a loop over taps": lambda x, n: doubled(x, n, (-1, 0)),
    "a sequence that the step does not read": unread,
}


@targets
@pytest.mark.parametrize("name", PROGRAMS)
def test_more_steps_than_rows(target, name):
    x, n = T.vector("x"), T.iscalar("n")
    f = ss.function(
        [x, n], PROGRAMS[name](x, n), target=target, on_unused_input="ignore"
    )
    assert f(np.ones(5, "float32"), 3).shape == (3,)
    with pytest.raises(ShapeError, match="at least n_steps rows"):
        f(np.ones(3, "float32"), 5)
    assert f(np.ones(3, "float32"), 2).shape == (2,)


@targets
def test_what_is_read_only_for_its_length(target):
    x, y = T.vectors("x", "y")
    f = ss.function([x, y], (x + y).shape[0], target=target)
    assert f(np.ones(3, "float32"), np.ones(3, "float32")) == 3
    with pytest.raises(ShapeError) as caught:
        f(np.ones(3, "float32"), np.ones(4, "float32"))
    assert "(x + y).shape[0]" in str(caught.value)


@targets
def test_what_a_rewrite_takes_away(target):
    x, y = T.vectors("x", "y")
    f = ss.function([x, y], x + T.zeros_like(y), target=target)
    np.testing.assert_array_equal(f([1, 2], [3, 4]), [1, 2])
    with pytest.raises(ShapeError):
        f(np.ones(2, "float32"), np.ones(3, "float32"))


UNSURE = {
    "a length": lambda a, b: (a + b).shape[0],
    "zeros": lambda a, b: T.zeros_like(a + b),
    "a sum of zeros": lambda a, b: T.zeros_like(a * b).sum(),
    "nothing is added": lambda a, b: a + T.zeros_like(b),
    "times one": lambda a, b: a * T.ones_like(b),
}


@targets
@pytest.mark.parametrize("name", UNSURE)
def test_lengths_that_contents_decide(target, name):
    x, y = T.vectors("x", "y")
    out = UNSURE[name](x[(x > 0).nonzero()], y[(y > 0).nonzero()])
    f = ss.function([x, y], out, target=target)
    one, two = np.array([[-1, 2], [3, 4]], "float32")
    f(one, one), f(two, two)
    with pytest.raises(ShapeError):
        f(one, two)


def test_lengths_from_one_place_need_no_check():
    x = T.matrix("x")
    kept = x[(x[:, 0] > 0).nonzero()]
    f = ss.function([x], kept * T.ones_like(2 * kept))
    assert "multiply" not in f.plan.source


ROWS = {
    "all": lambda h: h,
    "their sum": lambda h: h.sum(0),
    "the first": lambda h: h[0],
}


@targets
@pytest.mark.parametrize("read", ROWS)
@pytest.mark.parametrize("counted", [False, True])
def test_more_steps_than_rows_that_contents_decide(target, read, counted):
    x, m = T.matrix("x"), T.vector("m")
    chosen = (m > 0).nonzero()[0]
    sequence, n = (x, chosen.shape[0]) if counted else (x[chosen], 3)
    h, _ = ss.scan(lambda row: 2 * row, sequence, n_steps=n)
    f = ss.function([x, m], ROWS[read](h), target=target)
    rows = np.ones((4, 2), "float32")
    f(rows, np.array([1, 0, 1, 1], "float32"))
    with pytest.raises(ShapeError):
        f(rows[:2], np.array([1, 1, 1] if counted else [1, 1], "float32"))
