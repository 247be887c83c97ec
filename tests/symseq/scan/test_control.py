"""ifelse: values, laziness, gradients, batches, inside loops."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.compiler.autodiff.reverse import differentiate
from symseq.compiler.reference import evaluate
from symseq.errors import DTypeError, ShapeError, UsageError
from symseq.ops.convert import constant
from symseq.ops.custom import CustomOp
from symseq.ops.math import tanh
from symseq.ops.vectorize import batch_graph
from symseq.scan.control import IfElse, ifelse
from symseq.scan.frontend import scan
from symseq.traverse import sort_nodes
from symseq.types import TensorType

VECTOR = TensorType("float64", (None,))
SCALAR = TensorType("float64")


@pytest.mark.parametrize("flag", [-1.0, 1.0])
def test_value_and_gradients(flag):
    c, x, y = SCALAR("c"), VECTOR("x"), VECTOR("y")
    z = ifelse(c > 0, tanh(x) * y, x * 3)
    values = [np.array(flag), np.array([0.3, 0.5]), np.array([2.0, -1.0])]
    _, a, b = values
    (got,) = evaluate([z], [c, x, y], values)
    np.testing.assert_allclose(got, np.tanh(a) * b if flag > 0 else 3 * a)
    one = constant(1.0, "float64")
    gx, gy = differentiate([z.sum()], [one], [x, y])
    slope = 1 - np.tanh(a) ** 2
    got = evaluate([gx, gy], [c, x, y], values)
    np.testing.assert_allclose(got[0], slope * b if flag > 0 else [3, 3])
    np.testing.assert_allclose(got[1], np.tanh(a) if flag > 0 else [0, 0])
    (second,) = differentiate([gx.sum()], [one], [x])
    (got,) = evaluate([second], [c, x, y], values)
    np.testing.assert_allclose(got, -2 * np.tanh(a) * slope * b * (flag > 0))


def test_only_the_chosen_branch_runs():
    runs = []

    def noted(x):
        runs.append(x)
        return x

    c, x = SCALAR("c"), VECTOR("x")
    z = ifelse(c > 0, CustomOp("noted", noted)(x), x * 2)
    for flag, count in ((-1.0, 0), (1.0, 1)):
        evaluate([z], [c, x], [np.array(flag), np.array([3.0])])
        assert len(runs) == count


def test_lists_numbers_and_integer_conditions():
    n, x = TensorType("int64")("n"), VECTOR("x")
    a, b = ifelse(n, [x, 0.0], [x + 1, x.sum()])
    for value, wanted in ((2, [3, 0]), (0, [4, 3])):
        got = evaluate([a[0], b], [n, x], [np.array(value), np.array([3.0])])
        np.testing.assert_allclose(got, wanted)


@pytest.mark.parametrize("many", [False, True])
def test_batch(many):
    c, x, y = SCALAR("c"), VECTOR("x"), VECTOR("y")
    z = ifelse(c > 0, tanh(x) * y, x * 3)
    wide = TensorType("float64", (None, None))("xs")
    flags = VECTOR("cs")
    rng = np.random.default_rng(0)
    xs, ys = rng.normal(size=(3, 2)), rng.normal(size=2)
    cs = np.array([1.0, -1.0, 0.5]) if many else np.array(1.0)
    mapping = {x: wide, c: flags} if many else {x: wide}
    (made,) = batch_graph([z], mapping)
    (got,) = evaluate([made], [mapping.get(c, c), wide, y], [cs, xs, ys])
    each = np.broadcast_to(cs > 0, 3)[:, None]
    np.testing.assert_allclose(got, np.where(each, np.tanh(xs) * ys, xs * 3))


def test_inside_a_loop_only_what_changes_is_in_a_branch():
    x, w = VECTOR("x"), SCALAR("w")
    out, _ = scan(
        lambda x, h: ifelse(x > 0, h * tanh(w) + x, h), x, constant(1.0, "float64")
    )
    loop = out.owner.inputs[0].owner
    (branch,) = [
        n for n in sort_nodes(loop.op.body.outputs) if isinstance(n.op, IfElse)
    ]
    assert "tanh" not in [n.op.name for n in branch.op.then.nodes]
    assert "tanh" in [n.op.name for n in sort_nodes(loop.inputs)]
    values = [np.array([0.5, -1.0, 2.0]), np.array(0.7)]
    h, wanted = 1.0, []
    for row in values[0]:
        h = h * np.tanh(0.7) + row if row > 0 else h
        wanted.append(h)
    np.testing.assert_allclose(evaluate([out], [x, w], values)[0], wanted)
    gx, gw = differentiate([out[-1]], [constant(1.0, "float64")], [x, w])
    ends = []
    for sign in (1, -1):
        moved = [values[0], values[1] + sign * 1e-6]
        ends.append(evaluate([out], [x, w], moved)[0][-1])
    got = evaluate([gx, gw], [x, w], values)
    np.testing.assert_allclose(got[0], [np.tanh(0.7), 0, 1])
    np.testing.assert_allclose(got[1], (ends[0] - ends[1]) / 2e-6, rtol=1e-6)


def test_wrong_branches():
    c, x = SCALAR("c"), VECTOR("x")
    with pytest.raises(DTypeError, match="one dtype"):
        ifelse(c > 0, x, x.astype("float32"))
    with pytest.raises(ShapeError, match="one rank"):
        ifelse(c > 0, x, x.sum())
    with pytest.raises(UsageError, match="as many"):
        ifelse(c > 0, [x, x], [x])
    with pytest.raises(ShapeError, match="scalar condition"):
        ifelse(x > 0, x, x)


@pytest.mark.parametrize("target", ["reference", "numpy"])
def test_a_branch_that_is_not_chosen_may_not_fit(target):
    x, n = T.matrix("x"), T.iscalar("n")
    v, w = T.vector("v"), T.vector("w")
    doubled, _ = ss.scan(lambda h: h * 2, None, w, n_steps=n)
    first = ss.ifelse.ifelse(T.gt(x.shape[0], 0), x[0], T.zeros((2,)))
    last = ss.ifelse.ifelse(T.gt(n, 0), doubled[-1], w)
    both = ss.ifelse.ifelse(T.gt(n, 0), v + w, v)
    f = ss.function([x, n, v, w], [first, last, both], target=target)
    none, two, three = (np.ones(k, "float32") for k in (0, 2, 3))
    for _ in range(2):
        found = f(np.ones((0, 2), "float32"), 0, two, three)
        for got, wanted in zip(found, ([0, 0], [1, 1, 1], [1, 1]), strict=True):
            np.testing.assert_array_equal(got, wanted)
        with pytest.raises(ShapeError, match="got 2 and 3"):
            f(np.ones((1, 2), "float32"), 1, two, three)
        found = f(np.ones((1, 2), "float32"), 1, none, none)
        assert [len(got) for got in found] == [2, 0, 0]


def test_a_number_is_not_cut_to_an_integer():
    n = T.iscalar("n")
    assert ss.ifelse.ifelse(T.gt(n, 0), n, 2).dtype == "int32"
    for branches in ((n, 1.5), (1.5, n)):
        with pytest.raises(DTypeError, match="int32"):
            ss.ifelse.ifelse(T.gt(n, 0), *branches)


@pytest.mark.parametrize("target", ["numpy", "reference"])
def test_gradients_read_what_a_branch_gave_whatever_the_branches_lengths(target):
    c, x = SCALAR("c"), VECTOR("x")
    z = ifelse(c > 0, T.exp(x), T.tanh(x[1:]))
    gx = T.grad((z * z).sum(), x)
    f = ss.function([c, x], gx, target=target)
    a = np.array([0.3, -0.2, 0.7])
    y = np.tanh(a[1:])
    for flag in (1, -1, 1):
        wanted = 2 * np.exp(2 * a) if flag > 0 else [0, *(2 * y * (1 - y * y))]
        np.testing.assert_allclose(f(flag, a), wanted, rtol=1e-12)
    assert f(-1, a[:1]) == [0] and f(1, a[:0]).shape == (0,)


def test_the_gradient_does_not_compute_a_branch_again():
    c, x = SCALAR("c"), VECTOR("x")
    z = ifelse(c > 0, [T.exp(x), x * 2], [x, T.tanh(x)])
    (gx,) = differentiate([z[0].sum() + z[1].sum()], [constant(1.0, "float64")], [x])
    (node,) = [n for n in sort_nodes([gx]) if n.op.name == "ifelse" and n.kind]
    names = {n.op.name for _, outs in node.op.bodies() for n in sort_nodes(outs)}
    assert not names & {"exp", "tanh"} and "sub" in names
