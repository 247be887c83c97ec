"""A test per sentence of the contract of `function`: bind, run, outputs, updates."""

import pickle
import threading

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T

TARGETS = ["numpy", "reference"]


@pytest.fixture(params=TARGETS)
def target(request):
    return request.param


def test_outputs_are_fresh_arrays(target):
    x = T.dvector("x")
    f = ss.function([x], [x * 2, x], target=target)
    first = f(np.ones(3))
    second = f(np.zeros(3))
    np.testing.assert_array_equal(first[0], [2, 2, 2])
    np.testing.assert_array_equal(first[1], [1, 1, 1])
    second[0][:] = 9
    np.testing.assert_array_equal(f(np.zeros(3))[0], [0, 0, 0])


def test_inputs_are_copied(target):
    x = T.dvector("x")
    given = np.ones(3)
    f = ss.function([x], T.set_subtensor(x[0], 5.0), target=target)
    f(given)
    np.testing.assert_array_equal(given, [1, 1, 1])


def test_outputs_take_the_form_they_were_asked_in(target):
    x = T.dscalar("x")
    assert ss.function([x], x + 1, target=target)(1.0).shape == ()
    assert isinstance(ss.function([x], [x + 1], target=target)(1.0), list)
    assert ss.function([x], {"a": x}, target=target)(2.0)["a"] == 2
    assert ss.function([x], target=target, on_unused_input="ignore")(2.0) == []


def test_updates_come_after_outputs_and_read_old_values(target):
    a, b = ss.shared(np.arange(3.0), "a"), ss.shared(np.ones(3), "b")
    f = ss.function([], [a, a + b], updates=[(a, b), (b, a)], target=target)
    out = f()
    np.testing.assert_array_equal(out[0], [0, 1, 2])
    np.testing.assert_array_equal(out[1], [1, 2, 3])
    np.testing.assert_array_equal(a.get_value(), [1, 1, 1])
    np.testing.assert_array_equal(b.get_value(), [0, 1, 2])


@pytest.mark.parametrize("order", [0, 1])
def test_each_write_follows_every_read_of_the_old_value(target, order):
    a, b = ss.shared(np.arange(3.0), "a"), ss.shared(np.ones(3), "b")
    c = ss.shared(np.full(3, 7.0), "c")
    updates = [(a, a * 2 + c), (b, b + a), (c, T.tanh(b) - a[::-1])]
    f = ss.function([], updates=updates[:: 1 - 2 * order], target=target)
    f()
    np.testing.assert_array_equal(a.get_value(), [7, 9, 11])
    np.testing.assert_array_equal(b.get_value(), [1, 2, 3])
    np.testing.assert_allclose(c.get_value(), np.tanh(1) - np.array([2.0, 1, 0]))


def test_an_update_may_read_its_own_value_turned_round(target):
    w = ss.shared(np.arange(6.0).reshape(2, 3), "w")
    s = ss.shared(np.arange(4.0).reshape(2, 2), "s")
    f = ss.function([], updates={w: w[::-1] + w, s: s.T}, target=target)
    f()
    np.testing.assert_array_equal(w.get_value(), [[3, 5, 7], [3, 5, 7]])
    np.testing.assert_array_equal(s.get_value(), [[0, 2], [1, 3]])


def test_updates_write_into_the_same_buffer():
    w = ss.shared(np.ones(4), "w")
    buffer = w.get_value(borrow=True)
    ss.function([], updates={w: w * 3})()
    assert w.get_value(borrow=True) is buffer
    np.testing.assert_array_equal(buffer, [3, 3, 3, 3])


def test_a_call_that_fails_leaves_shared_variables_as_they_were(target):
    w, n = ss.shared(np.ones((4, 2)), "w"), ss.shared(0, "n")
    ids = T.lvector("ids")
    f = ss.function([ids], updates={n: n + 1, w: w + w[ids].sum()}, target=target)
    with pytest.raises(IndexError, match="out of bounds"):
        f(np.array([1, 9]))
    assert n.get_value() == 0
    np.testing.assert_array_equal(w.get_value(), np.ones((4, 2)))


def test_lengths_from_contents_take_the_allocating_path(target):
    x = T.dvector("x")
    f = ss.function([x], [x[x > 0], x[x > 0].sum()], target=target)
    for given in ([1.0, -1, 2], [-1.0], [], [3.0]):
        given = np.array(given)
        kept, total = f(given)
        np.testing.assert_array_equal(kept, given[given > 0])
        assert total == given[given > 0].sum()
    if target == "numpy":
        assert "allocates at each call" in f.plan.report()


def test_set_value_of_another_shape_compiles_anew(target):
    w = ss.shared(np.ones((2, 3)), "w")
    f = ss.function([], w.sum(axis=1) * w.shape[1], target=target)
    np.testing.assert_array_equal(f(), [9, 9])
    w.set_value(np.ones((4, 2)))
    np.testing.assert_array_equal(f(), [4, 4, 4, 4])


def test_a_running_function_refuses_a_second_call():
    seen = []
    x = T.dscalar("x")
    box = {}

    def inside(value):
        try:
            box["f"](1.0)
        except ss.errors.ReentryError as error:
            seen.append(error)
        return value

    y = ss.op(numpy=inside, vjp=None)(x)
    box["f"] = ss.function([x], y)
    box["f"](2.0)
    assert seen


def test_a_copy_serves_another_thread():
    w, x = ss.shared(2.0, "w"), T.vector("x")
    f = ss.function([x], w * x)
    g = f.copy()
    out = []
    thread = threading.Thread(target=lambda: out.append(g(np.ones(3, "float32"))))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(out[0], f(np.ones(3, "float32")))
    assert g.get_shared()[0] is w


def test_defaults_and_keywords(target):
    x, y = T.dscalar("x"), T.dscalar("y")
    f = ss.function([x, ss.In(y, value=10.0)], x - y, target=target)
    assert f(1.0) == -9
    assert f(1.0, 2.0) == -1
    assert f(1.0, y=3.0) == -2
    assert ss.function([ss.Param(x, default=4.0)], x * 2)() == 8
    with pytest.raises(ValueError, match="no input named"):
        f(1.0, z=3.0)
    with pytest.raises(ValueError, match="needs a value for input x"):
        f()


def test_givens_replace_variables(target):
    x, i = T.dvector("x"), T.lscalar("i")
    data = ss.shared(np.arange(6.0), "data")
    f = ss.function([i], x.sum(), givens={x: data[i : i + 2]}, target=target)
    assert f(3) == 7


def test_downcasts_only_where_allowed():
    x = T.fvector("x")
    with pytest.raises(TypeError, match="must be float32"):
        ss.function([x], x)(np.ones(2))
    assert ss.function([x], x, allow_input_downcast=True)(np.ones(2)).dtype == "float32"
    assert ss.function([x], x)([1.0, 2.0]).dtype == "float32"


def test_a_function_pickles_with_its_values():
    w, x = ss.shared(np.arange(3.0), "w"), T.dvector("x")
    f = ss.function([x], (w * x).sum(), updates={w: w + 1}, name="step")
    f(np.ones(3))
    g = pickle.loads(pickle.dumps(f))
    assert g(np.ones(3)) == f(np.ones(3)) == 6
    assert g.get_shared()[0] is not w


def test_empty_and_scalar_arrays(target):
    x = T.dmatrix("x")
    f = ss.function([x], [x.sum(), x.mean(axis=0), T.dot(x, x.T)], target=target)
    for shape in ((0, 3), (1, 1), (3, 0), (2, 3)):
        a = np.ones(shape)
        out = f(a)
        np.testing.assert_array_equal(out[0], a.sum())
        np.testing.assert_array_equal(out[2], a @ a.T)


def test_an_input_may_be_computed(target):
    """What lies behind it is not read, not even for its lengths."""
    x = T.dmatrix("x")
    h = T.concatenate([x, x])
    f = ss.function([h], [h.sum(), T.zeros_like(h), h.shape[0]], target=target)
    total, zeros, rows = f(np.ones((3, 2)))
    assert total == 6 and zeros.shape == (3, 2) and rows == 3
