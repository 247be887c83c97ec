"""Small programs that once differed from `reference`: values, updates and errors."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T

TARGETS = ["numpy", "reference"]


@pytest.fixture(params=TARGETS)
def target(request):
    return request.param


@pytest.mark.parametrize("way", ["grow", "replace", "filter"])
def test_an_update_may_change_the_lengths(target, way):
    w, x = ss.shared(np.arange(3.0), "w"), T.dvector("x")
    new = {"grow": T.concatenate([w, x]), "replace": x * 2, "filter": x[x > 0]}[way]
    f = ss.function([x], w * 1, updates={w: new}, target=target)
    for given in ([1.0], [1.0, -1.0], [], [2.0, 3.0, 4.0, 5.0]):
        given, old = np.array(given), w.get_value()
        wanted = {
            "grow": np.concatenate([old, given]),
            "replace": given * 2,
            "filter": given[given > 0],
        }[way]
        np.testing.assert_array_equal(f(given), old)
        np.testing.assert_array_equal(w.get_value(), wanted)


def test_nothing_is_written_where_a_power_raises(target):
    a, b = ss.shared(np.array([2, 3]), "a"), ss.shared(np.array([1, 1]), "b")
    f = ss.function([], updates=[(b, b + 1), (a, a ** (b - 3))], target=target)
    with pytest.raises(ValueError, match="negative integer power"):
        f()
    np.testing.assert_array_equal(b.get_value(), [1, 1])


def test_until_may_be_a_row_itself(target):
    stop, x = T.TensorType("bool", (None,))("stop"), T.dvector("x")
    outputs, _ = ss.scan(lambda c, x: (x * 2, ss.until(c)), [stop, x])
    f = ss.function([stop, x], outputs, target=target)
    np.testing.assert_array_equal(f([False, True, False], np.arange(3.0)), [0, 2])
    np.testing.assert_array_equal(f([False] * 3, np.arange(3.0)), [0, 2, 4])


def test_until_reads_a_carried_value_before_it_changes(target):
    seen, x = ss.shared(np.array(False), "seen"), T.dvector("x")
    outputs, updates = ss.scan(
        lambda x: ([x * 2], {seen: T.gt(x, 1.5)}, ss.until(seen)), x
    )
    f = ss.function([x], outputs, updates=updates, target=target)
    np.testing.assert_array_equal(f(np.arange(6.0)), [0, 2, 4, 6])


def test_rows_of_a_length_that_a_step_decides(target):
    x, k = T.dmatrix("x"), T.lvector("k")
    outputs, _ = ss.scan(lambda x, k: x[:k], [x, k])
    f = ss.function([x, k], outputs, target=target)
    given = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(f(given, [2, 2]), given[:, :2])
    np.testing.assert_array_equal(f(given, [1, 1]), given[:, :1])
    with pytest.raises(ss.errors.ShapeError, match="one shape"):
        f(given, [2, 1])


def test_lengths_divide_by_zero_in_silence(target):
    n, m = T.lscalar("n"), T.lscalar("m")
    f = ss.function([n, m], T.arange(n // m), target=target)
    assert [f(6, m).size for m in (2, 0, 3)] == [3, 0, 2]


def test_a_row_is_set_in_a_copy_of_the_row_before(target):
    x, h = T.dmatrix("x"), T.dvector("h")
    outputs, _ = ss.scan(lambda x, h: T.set_subtensor(h[:1], x[:1]), x, h)
    f = ss.function([x, h], outputs, target=target)
    given = f(np.arange(6.0).reshape(2, 3), np.array([7.0, 8.0, 9.0]))
    np.testing.assert_array_equal(given, [[0, 8, 9], [3, 8, 9]])


def test_branches_may_have_other_lengths(target):
    x, n = T.dvector("x"), T.lscalar("n")
    y = ss.ifelse.ifelse(n > 0, x, x[::2])
    f = ss.function([x, n], [y, y.sum()], target=target)
    for k in (1, 0, 2):
        given = np.arange(5.0)
        wanted = given if k else given[::2]
        np.testing.assert_array_equal(f(given, k)[0], wanted)
        assert f(given, k)[1] == wanted.sum()


def test_lengths_that_only_the_run_knows_are_checked(target):
    x, y, n = T.dvector("x"), T.dvector("y"), T.lscalar("n")
    masked = ss.function([x, y], x[x > 0] + y, target=target)
    part = ss.function([x, y, n], T.inc_subtensor(x[n:], y), target=target)
    with pytest.raises(ss.errors.ShapeError, match="equal"):
        masked([1.0, 2.0], [1.0])
    with pytest.raises(ss.errors.ShapeError, match="equal"):
        part([1.0, 2.0, 3.0], [1.0], 1)


def test_a_branch_may_decide_a_length(target):
    x, n, m = T.dvector("x"), T.lscalar("n"), T.lscalar("m")
    f = ss.function([x, n, m], x[ss.ifelse.ifelse(n > 0, n, m) :], target=target)
    assert [f(np.ones(5), n, 2).size for n in (0, 1, 4)] == [3, 4, 1]


def test_every_function_meets_a_shared_variable_of_another_shape(target):
    w, x = ss.shared(np.ones((2, 3)), "w"), T.dmatrix("x")
    functions = [
        ss.function([x], w.sum() * w.shape[1] + (w * x).sum(), target=target)
        for _ in range(2)
    ]
    w.set_value(np.ones((4, 2)))
    for _ in range(2):
        for f in functions:
            assert f(np.ones((4, 2))) == 24
            with pytest.raises(ss.errors.ShapeError, match="equal"):
                f(np.ones((2, 3)))


def test_a_shape_that_no_longer_fits_raises_at_every_call(target):
    w, v = ss.shared(np.ones(3), "w"), ss.shared(np.ones(3), "v")
    f = ss.function([], w + v, target=target)
    w.set_value(np.ones(2))
    for _ in range(3):
        with pytest.raises(ss.errors.ShapeError, match="equal"):
            f()
    w.set_value(np.zeros(3))
    np.testing.assert_array_equal(f(), np.ones(3))


def test_an_index_that_lengths_decide_is_checked(target):
    x, y = T.dmatrix("x"), T.dvector("y")
    f = ss.function([x, y], x[:, y.shape[0]] * 1, target=target)
    np.testing.assert_array_equal(f(np.ones((2, 3)), np.ones(2)), [1, 1])
    with pytest.raises(ss.errors.BadIndexError, match="index 3 is out of bounds"):
        f(np.ones((2, 3)), np.ones(3))


def test_an_update_may_be_a_length(target):
    n, x = ss.shared(np.array(0), "n"), T.dvector("x")
    f = ss.function([x], updates={n: x.shape[0] + 1}, target=target)
    for length in (3, 4):
        f(np.ones(length))
        assert n.get_value() == length + 1


def test_nothing_is_written_where_lengths_of_the_run_do_not_fit(target):
    a, b = ss.shared(np.array([1.0, -1.0]), "a"), ss.shared(0.0, "b")
    f = ss.function([], updates=[(b, b + 1), (a, a + a[a > 0])], target=target)
    with pytest.raises(ss.errors.ShapeError, match="equal"):
        f()
    assert b.get_value() == 0


def test_a_number_and_a_variable_may_have_one_name(target):
    x, n_1 = T.dvector("x"), T.dvector("n_1_0_float64")
    op_sort_0 = T.dvector("op_sort_0")
    y = T.nnet.sigmoid(T.sort(x * n_1 + op_sort_0))
    f = ss.function([x, n_1, op_sort_0], y,
                    target=target)  # fmt: skip
    zeros = np.zeros(2)
    np.testing.assert_array_equal(f(zeros, zeros, zeros), [0.5, 0.5])
