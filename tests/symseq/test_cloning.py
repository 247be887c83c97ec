"""`clone`: replaced variables, casts, fresh inputs, what is refused."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.errors import DTypeError, ShapeError, UsageError
from symseq.traverse import free_inputs


def test_replaces_and_leaves_the_old_graph() -> None:
    x, y = T.dvector("x"), T.dvector("y")
    z = (x * 2).sum()
    made = ss.clone(z, replace={x: y + 1})
    assert made.eval({y: np.array([1.0, 2.0])}) == 10
    assert z.eval({x: np.array([1.0, 2.0])}) == 6


def test_a_list_gives_a_list_and_shares_what_it_can() -> None:
    x, y = T.dvector("x"), T.dvector("y")
    kept = T.exp(y)
    first, second = ss.clone([x + kept, kept], replace=[(x, y)])
    assert second is kept
    assert free_inputs([first]) == [y]


def test_a_number_takes_the_dtype() -> None:
    x = T.fscalar("x")
    assert ss.clone(x * 2, replace={x: 3}).eval() == 6


def test_inputs_can_be_made_anew() -> None:
    x = T.dvector("x")
    made = ss.clone(x + 1, share_inputs=False)
    (fresh,) = free_inputs([made])
    assert fresh is not x
    assert (fresh.name, fresh.type) == (x.name, x.type)


def test_another_dtype_is_refused_or_cast() -> None:
    x, y = T.dvector("x"), T.fvector("y")
    with pytest.raises(DTypeError, match="x is float64 and the new value is float32"):
        ss.clone(x + 1, replace={x: y})
    made = ss.clone(x + 1, replace={x: y}, strict=False)
    assert made.dtype == "float64"


def test_another_rank_is_refused() -> None:
    with pytest.raises(ShapeError, match="keeps the rank"):
        ss.clone(T.dvector("x") + 1, replace={(x := T.dvector()): T.dmatrix()})
    assert x.ndim == 1


def test_a_key_that_is_no_variable_is_refused() -> None:
    with pytest.raises(UsageError, match="only a variable can be replaced; got 'x'"):
        ss.clone(T.dvector("x") + 1, replace={"x": T.dvector()})
