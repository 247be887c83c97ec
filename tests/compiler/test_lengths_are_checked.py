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
