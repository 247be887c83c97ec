import numpy as np
import pytest

import symseq.tensor as T
from symseq.compiler.reference import Evaluator, evaluate
from symseq.errors import MissingInputError, ShapeError
from symseq.graph import Variable
from symseq.lengths import dims
from symseq.traverse import sort_nodes
from symseq.types import TensorType
from symseq.variables import dmatrix, dvector, lscalar, shared


def run(output, *pairs):
    inputs, values = zip(*pairs, strict=True) if pairs else ((), ())
    (value,) = evaluate([output], inputs, [np.asarray(v) for v in values])
    return value


def test_values_of_constants_shared_variables_and_inputs():
    x, w = dvector("x"), shared(np.array([1.0, 2.0]), "w")
    np.testing.assert_array_equal(run(x * w + 1, (x, [3.0, 4.0])), [4.0, 9.0])


def test_an_inner_value_may_be_given():
    x = dvector("x")
    y = x * 2
    np.testing.assert_array_equal(run(y + 1, (y, [5.0])), [6.0])


def test_leaf_without_value_names_itself():
    x, y = dvector("x"), dvector("y")
    with pytest.raises(MissingInputError, match="y"):
        run(x + y, (x, [1.0]))


def test_unequal_lengths_raise_at_the_line_of_the_user():
    x, y = dvector("x"), dvector("y")
    total = x + y  # the line
    with pytest.raises(ShapeError, match="got 2 and 3") as caught:
        run(total, (x, np.ones(2)), (y, np.ones(3)))
    assert caught.value.span.text.endswith("# the line")
    assert [operand.name for operand in caught.value.operands] == ["x", "y"]


def test_a_length_that_happens_to_be_one_does_not_broadcast():
    x, y = dvector("x"), dvector("y")
    with pytest.raises(ShapeError):
        run(x + y, (x, np.ones(1)), (y, np.ones(3)))
    assert run(x + y, (x, np.ones(1)), (y, np.ones(1))).shape == (1,)


def test_a_declared_length_of_one_broadcasts():
    x = Variable(TensorType("float64", (1, None)))
    y = dmatrix("y")
    assert run(x + y, (x, np.ones((1, 2))), (y, np.ones((3, 2)))).shape == (3, 2)


def test_named_lengths_meet():
    B, H = dims("B", H=2)
    x, y = dmatrix("x", shape=(B, H)), dmatrix("y", shape=(B, H))
    with pytest.raises(ShapeError):
        run(x + y, (x, np.ones((2, 2))), (y, np.ones((3, 2))))


def test_a_value_decides_a_length():
    n = lscalar("n")
    np.testing.assert_array_equal(run(T.arange(n), (n, 3)), [0, 1, 2])
    assert run(T.arange(n), (n, 0)).shape == (0,)


def test_no_warning_from_bad_values():
    x = dvector("x")
    found = run(T.log(x) / x, (x, [0.0, -1.0]))
    assert np.isinf(found[0]) and np.isnan(found[1])


def test_deep_graphs_need_no_recursion():
    x = dvector("x")
    y = x
    for _ in range(20_000):
        y = y + x
    assert len(sort_nodes([y])) == 20_000
    assert run(y, (x, [1.0]))[0] == 20_001


def test_an_evaluator_keeps_the_order_of_a_graph():
    x = dvector("x")
    y, evaluator = x + 1, Evaluator()
    first = evaluator.order([y], [x])
    evaluator([y], [x], [np.ones(2)])
    assert evaluator.order([y], [x]) is first
