from collections import Counter

import numpy as np
import pytest

import symseq.tensor as T
from symseq.compiler.autodiff.gradient import grad
from symseq.compiler.autodiff.reverse import differentiate
from symseq.compiler.autodiff.verify import verify_grad
from symseq.compiler.reference import evaluate
from symseq.errors import DisconnectedInputError, NullTypeGradError, UsageError
from symseq.ops.convert import constant
from symseq.ops.custom import op
from symseq.ops.gradient_ops import disconnected_grad, zero_grad
from symseq.span import GRADIENT
from symseq.traverse import sort_nodes
from symseq.variables import dmatrix, dscalar, dvector, ivector, shared

A = np.array([[0.3, -0.7], [1.1, 0.4], [-0.2, 0.9]])
V = np.array([0.5, -1.2])


def run(outputs, *pairs):
    inputs, values = zip(*pairs, strict=True)
    return evaluate(outputs, inputs, [np.asarray(v) for v in values])


COMPOSITES = {
    "tanh of a product": (lambda a, v: T.tanh(T.dot(a, v)), (A, V)),
    "a variable twice": (lambda a, v: (a * v) * a + v, (A, V)),
    "softmax row": (
        lambda a, v: T.exp(a) / T.exp(a).sum(axis=1, keepdims=True),
        (A, V),
    ),
    "rows picked twice": (lambda a, v: a[[0, 2, 0]] * v, (A, V)),
    "slices": (lambda a, v: a[1:, ::-1] * a[:-1] + v[0], (A, V)),
    "means": (lambda a, v: (a - a.mean(axis=0)) ** 2 * v, (A, V)),
    "joined": (
        lambda a, v: T.concatenate([a.T, a.T * 2]).sum(0) + v[1],
        (A, V),
    ),
    "switch": (lambda a, v: T.switch(a > 0, a * v, T.sin(a)), (A, V)),
    "empty": (lambda a, v: a[:0] * v, (A, V)),
    "length one": (lambda a, v: a[:1] * v, (A, V)),
}


@pytest.mark.parametrize("case", COMPOSITES)
def test_composites_agree_with_differences(case):
    fun, points = COMPOSITES[case]
    verify_grad(fun, points)


@pytest.mark.parametrize("case", COMPOSITES)
def test_second_order_agrees_with_differences(case):
    fun, points = COMPOSITES[case]

    def inner(*variables):
        return grad((fun(*variables) ** 3).sum(), variables[0])

    verify_grad(inner, points, abs_tol=1e-5, rel_tol=1e-5)


def test_gradient_of_an_inner_value_and_of_its_input():
    x = dvector("x")
    y = x * x
    cost = (y * 3).sum()
    gx, gy = run(grad(cost, [x, y]), (x, [1.0, 2.0]))
    np.testing.assert_array_equal(gx, [6.0, 12.0])
    np.testing.assert_array_equal(gy, [3.0, 3.0])


def test_nodes_carry_the_lines_of_what_they_are_gradients_of():
    x = dvector("x")
    y = T.tanh(x)  # the line
    g = grad(y.sum(), x)
    made = [n for n in sort_nodes([g]) if n.kind == "gradient"]
    assert any(n.spans[0].text.endswith("# the line") for n in made)


def test_what_does_not_depend_on_wrt_is_not_walked():
    x, w = dvector("x"), dvector("w")
    hidden = T.tanh(T.exp(w))
    g = grad((x * hidden).sum(), x)
    names = [n.op.name for n in sort_nodes([g], stop=[hidden])]
    assert "tanh" not in names and "exp" not in names


def test_differentiate_gives_none_where_unconnected():
    x, y = dvector("x"), dvector("y")
    one = constant(1.0, "float64")
    gx, gy = differentiate([x.sum()], [one], [x, y])
    assert gx is not None and gy is None


def test_cotangents_of_integers_are_dropped():
    x = dvector("x")
    n = T.argmax(x)
    assert differentiate([n], [constant(1, "int64")], [x]) == [None]


def test_wrt_is_the_cost():
    x = dscalar("x")
    assert run([grad(x, x)], (x, 2.0))[0] == 1


def test_one_list_and_tuple():
    x = dvector("x")
    cost = x.sum()
    assert isinstance(grad(cost, [x]), list) and isinstance(grad(cost, (x,)), tuple)
    assert grad(cost, x).ndim == 1


def test_known_grads_replace_what_the_cost_says():
    x = dvector("x")
    y = x * x
    for cost in (None, (y * 100).sum()):
        g = grad(cost, x, known_grads={y: np.array([1.0, 10.0])})
        np.testing.assert_array_equal(run([g], (x, [1.0, 2.0]))[0], [2.0, 40.0])


def test_consider_constant_stops_the_gradient():
    x = dvector("x")
    y = x * 2
    g = grad((x * y).sum(), x, consider_constant=[y])
    np.testing.assert_array_equal(run([g], (x, [1.0, 3.0]))[0], [2.0, 6.0])


def test_only_through_consider_constant_is_said():
    x = dvector("x")
    y = x * 2
    with pytest.raises(DisconnectedInputError, match="consider_constant"):
        grad(y.sum(), x, consider_constant=[y])


def test_names_are_added():
    x = dvector("x")
    cost = (x * x).sum()
    cost.name = "cost"
    assert grad(cost, x).name == "(dcost/dx)"
    assert grad(cost, x, add_names=False).name is None


def test_disconnected_says_where_the_path_breaks():
    x, w = dvector("x"), shared(np.ones(2), "W")
    hit = T.argmax(x * w)  # the break
    with pytest.raises(
        DisconnectedInputError, match="W reaches the cost only"
    ) as caught:
        grad((x * hit).sum(), w)
    assert "argmax" in str(caught.value) and "# the break" in str(caught.value)


def test_disconnected_modes():
    x, y = dvector("x"), dvector("y")
    with pytest.raises(DisconnectedInputError, match="does not depend on y"):
        grad(x.sum(), y)
    with pytest.warns(UserWarning, match="does not depend on y"):
        grad(x.sum(), y, disconnected_inputs="warn")
    g = grad(x.sum(), y, disconnected_inputs="ignore")
    np.testing.assert_array_equal(run([g], (y, [1.0, 2.0]))[0], [0, 0])
    nothing = grad(x.sum(), y, disconnected_inputs="ignore", return_disconnected="None")
    assert nothing is None
    with pytest.raises(UsageError, match="disconnected_inputs"):
        grad(x.sum(), y, disconnected_inputs="maybe")


def test_disconnected_grad_and_zero_grad():
    x = dvector("x")
    with pytest.raises(DisconnectedInputError):
        grad(disconnected_grad(x).sum(), x)
    np.testing.assert_array_equal(
        run([grad(zero_grad(x).sum(), x)], (x, [1.0]))[0], [0.0]
    )


@pytest.mark.parametrize("bad", ["vector", "integer", "number"])
def test_bad_costs(bad):
    x = dvector("x")
    cost = {"vector": x, "integer": T.argmax(x), "number": 3.0}[bad]
    with pytest.raises(UsageError, match="the cost must be"):
        grad(cost, x)


def test_integer_wrt_is_refused():
    i = ivector("i")
    with pytest.raises(UsageError, match="int32"):
        grad((i * 1.5).sum(), i)


def test_no_cost_and_no_known_grads():
    with pytest.raises(UsageError, match="cost"):
        grad(None, dvector("x"))


def test_an_op_without_gradient():
    x = dvector("x")
    square = op(numpy=lambda a: a * a)
    cost = square(x).sum()
    with pytest.raises(NullTypeGradError):
        grad(cost, x)
    assert grad(cost, [x], null_gradients="return") == [None]


def test_deep_chain():
    x = dvector("x")
    y = x
    for _ in range(3000):
        y = y * 1.0
    np.testing.assert_array_equal(run([grad(y.sum(), x)], (x, [2.0]))[0], [1.0])


def test_matrix_gradient_of_a_wide_graph():
    w = dmatrix("w")
    cost = sum((w * k).sum() for k in range(5))
    np.testing.assert_array_equal(
        run([grad(cost, w)], (w, A))[0], np.full((3, 2), 10.0)
    )


def test_parameters_may_come_as_a_view_of_a_dict():
    params = {"x": dvector("x"), "y": dvector("y")}
    cost = sum((p**2).sum() for p in params.values())
    for view in (params.values(), iter(params.values())):
        found = grad(cost, view)
        assert isinstance(found, list) and len(found) == 2
    assert len(grad(cost, dict.fromkeys(params.values()).keys())) == 2


def made_for_gradients(cost, x):
    return Counter(n.op for n in sort_nodes([grad(cost, x)]) if n.kind == GRADIENT)


def test_what_is_written_twice_gets_one_gradient():
    x = dvector("x")
    named = T.exp(2 * x)
    once = (named * T.tanh(named)).sum()
    twice = (T.exp(2 * x) * T.tanh(T.exp(2 * x))).sum()
    assert made_for_gradients(twice, x) == made_for_gradients(once, x)


def test_a_value_that_is_asked_for_is_apart_from_its_equals():
    x = dvector("x")
    a, b = T.exp(x), T.exp(x)
    cost = (a * b).sum()
    by_a, by_b = run(grad(cost, [a, b]), (x, V))
    np.testing.assert_allclose(by_a, np.exp(V))
    np.testing.assert_allclose(by_b, np.exp(V))
    (by_x,) = run([grad(cost, x, consider_constant=[a])], (x, V))
    np.testing.assert_allclose(by_x, np.exp(2 * V))


def test_the_place_where_a_path_breaks_is_found_behind_equals():
    x = dvector("x")
    cost = (disconnected_grad(T.exp(x)) * disconnected_grad(T.exp(x))).sum()
    with pytest.raises(DisconnectedInputError, match="disconnected_grad"):
        grad(cost, x)
