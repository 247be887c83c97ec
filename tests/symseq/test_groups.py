"""Groups: named parts of a graph, by the lines that wrote it."""

import pickle

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.scan.op import Scan
from symseq.span import shared_groups
from symseq.traverse import sort_nodes


def labels(variable):
    return [group.label for group in shared_groups(variable.owner.spans)]


def test_what_is_written_inside_is_in_the_group():
    x = T.vector("x")
    with ss.group("encoder"):
        y = T.tanh(x)
        with ss.group("inner"):
            z = y * 2
    assert labels(y) == ["encoder"] and labels(z) == ["encoder", "inner"]
    assert labels(z + 1) == []


def test_a_group_ends_where_an_error_leaves_it():
    with pytest.raises(ss.errors.ShapeError), ss.group("broken"):
        T.dot(T.matrix("x", shape=(2, 3)), T.matrix("y", shape=(4, 5)))
    assert labels(T.vector("x") + 1) == []


def test_the_same_name_twice_is_one_group():
    x = T.vector("x")
    with ss.group("a"):
        y = x + 1
    with ss.group("a"):
        z = y * 2
    assert shared_groups(y.owner.spans) == shared_groups(z.owner.spans)


def test_gradients_and_bodies_are_in_the_group_of_what_they_stand_for():
    x, w = T.matrix("x"), T.vector("w")
    with ss.group("layer"):
        h, _ = ss.scan(lambda x_t, h: T.tanh(x_t * w + h), x, T.zeros_like(w))
    (node,) = (n for n in sort_nodes([h]) if isinstance(n.op, Scan))
    assert all(labels(v) == ["layer"] for v in node.op.body.outputs)
    gradient = ss.grad(h.sum(), w)
    backward = [n for n in sort_nodes([gradient]) if n.kind == "gradient"]
    assert any(labels(n.outputs[0]) == ["layer"] for n in backward)


def test_a_node_for_several_groups_is_in_what_they_share():
    x = T.vector("x")
    with ss.group("outer"):
        with ss.group("a"):
            y = T.exp(x)
        with ss.group("b"):
            z = T.exp(x)
    spans = (*y.owner.spans, *z.owner.spans)
    assert [group.label for group in shared_groups(spans)] == ["outer"]


def test_groups_are_saved_with_their_lines():
    with ss.group("kept"):
        y = T.tanh(T.vector("x"))
    assert labels(pickle.loads(pickle.dumps(y))) == ["kept"]


def test_groups_change_no_result():
    x = T.vector("x")
    with ss.group("a"):
        y = T.exp(x)
    f = ss.function([x], y + T.exp(x))
    np.testing.assert_allclose(f([0.0]), [2.0])
