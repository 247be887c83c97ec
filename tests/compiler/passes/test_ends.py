"""Slices from the end of joins: of the last part, where it is long enough."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.compiler.passes.ends import ENDS
from symseq.compiler.rewrite.engine import rewrite
from symseq.traverse import sort_nodes

a, b = T.dmatrix("a"), T.dmatrix("b", shape=(2, 3))
h = ss.scan(lambda s: T.tanh(s + 1), None, b[0], n_steps=a.shape[0])[0]
history = h.owner.inputs[0]  # begins with one row


def joins(y):
    (made,) = rewrite([y], rules=ENDS)
    return sum(node.op.name == "join" for node in sort_nodes([made]))


def reads():
    both = T.concatenate([a, b])
    with_history = T.concatenate([a, history])
    yield "int", both[-1], 0
    yield "two", both[-2:], 0
    yield "column", both[-2, 1], 0
    yield "all but one of two", both[-2:-1], 0
    yield "past its beginning", both[2:][-1], 0
    yield "of a history", with_history[-1], 0
    yield "of a history, past its beginning", with_history[1:][-1], 0
    yield "three of two", both[-3:], 1
    yield "one too far", both[-3], 1
    yield "beginning too far", both[3:][-1], 1
    yield "two of a history", with_history[-2:], 1
    yield "backwards", both[-1::-1], 1
    yield "columns joined", T.concatenate([b, b], axis=1)[-1], 1


@pytest.mark.parametrize("name, y, count", list(reads()))
def test_the_end_of_a_join_is_that_of_its_last_part(name, y, count):
    assert joins(y) == count, name
    plan, plain = (
        ss.function([a, b], y, target=target, on_unused_input="ignore")
        for target in ("numpy", "reference")
    )
    rng = np.random.default_rng(0)
    for rows in (0, 1, 2, 5):
        given = rng.normal(size=(rows, 3)), rng.normal(size=(2, 3))
        try:
            wanted = plain(*given)
        except IndexError:
            with pytest.raises(IndexError):
                plan(*given)
            continue
        np.testing.assert_array_equal(plan(*given), wanted)


def test_the_rows_of_a_loop_need_no_loop():
    x, w = T.dmatrix("x"), T.dvector("w")
    taps = dict(initial=w.dimshuffle("x", 0) + x[:2], taps=[-2, -1])
    (two, mapped), _ = ss.scan(lambda a, p, q: (q * p, a), x, [taps, None])
    one = ss.scan(lambda a, s: T.tanh(a + s), x, w)[0]
    lengths = [two.shape[0], two.shape[1], mapped.shape[0], one.shape[0], one.shape[1]]
    f = ss.function([x, w], lengths)
    assert " 0 loops" in f.plan.report()
    for steps in (2, 3, 5):
        found = f(np.ones((steps, 3)), np.ones(3))
        assert [int(k) for k in found] == [steps, 3, steps, steps, 3]


def test_a_number_of_steps_below_none_still_raises():
    n, w = T.iscalar("n"), T.dvector("w")
    f = ss.function([n, w], ss.scan(lambda s: 2 * s, None, w, n_steps=n)[0].shape[0])
    assert f(3, np.ones(2)) == 3 and f(0, np.ones(2)) == 0
    with pytest.raises(ss.errors.ShapeError, match="at least 0"):
        f(-1, np.ones(2))
