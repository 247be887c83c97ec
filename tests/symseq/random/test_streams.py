import numpy as np
import pytest

from symseq.compiler.autodiff.gradient import grad
from symseq.compiler.reference import evaluate
from symseq.errors import DTypeError, ShapeError, UsageError
from symseq.ops.reduce import sum as total
from symseq.random.streams import MRG_RandomStreams, RandomStreams, as_seed
from symseq.scan.frontend import scan
from symseq.variables import dmatrix, dvector, lscalar, lvector

COUNT = 40_000


def run(output, *pairs):
    inputs, values = zip(*pairs, strict=True) if pairs else ((), ())
    (found,) = evaluate([output], inputs, [np.asarray(v) for v in values])
    return found


@pytest.fixture
def streams():
    return RandomStreams(seed=11)


def assert_mean(values, mean, deviation):
    assert abs(np.mean(values) - mean) < 5 * deviation / np.sqrt(np.size(values))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform(streams, dtype):
    u = run(streams.uniform((COUNT,), low=-1.0, high=3.0, dtype=dtype))
    assert u.dtype == dtype and u.min() >= -1 and u.max() < 3
    assert_mean(u, 1, 4 / np.sqrt(12))
    assert_mean((u - 1) ** 2, 16 / 12, 16 / np.sqrt(180))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normal(streams, dtype):
    z = run(streams.normal((COUNT,), dtype=dtype)).astype("float64")
    for power, moment in [(1, 0), (2, 1), (3, 0), (4, 3)]:
        spread = np.sqrt({1: 1, 2: 2, 3: 15, 4: 96}[power])
        assert_mean(z**power, moment, spread)
    assert abs(np.corrcoef(z[:-1], z[1:])[0, 1]) < 5 / np.sqrt(COUNT)
    inside = np.mean(np.abs(z) < 1.959964)
    assert abs(inside - 0.95) < 5 * np.sqrt(0.95 * 0.05 / COUNT)


def test_normal_with_parameters(streams):
    z = run(streams.normal((COUNT,), avg=5.0, std=0.1, dtype="float64"))
    assert_mean(z, 5, 0.1)
    assert abs(z.std() - 0.1) < 0.005


def test_bernoulli_at_both_ends_and_between(streams):
    p = np.array([0.0, 0.3, 1.0])
    mask = run(streams.binomial((COUNT, 3), p=p))
    assert mask.dtype == "int64"
    assert mask[:, 0].sum() == 0 and mask[:, 2].sum() == COUNT
    assert_mean(mask[:, 1], 0.3, np.sqrt(0.21))


def test_binomial_of_many_trials(streams):
    found = run(streams.binomial((COUNT,), n=7, p=0.25, dtype="float32"))
    assert found.dtype == "float32" and found.max() <= 7
    assert_mean(found, 1.75, np.sqrt(7 * 0.25 * 0.75))


def test_random_integers_cover_both_ends(streams):
    found = run(streams.random_integers((COUNT,), low=-2, high=3))
    counts = np.bincount(found + 2)
    assert counts.size == 6
    expected = COUNT / 6
    assert ((counts - expected) ** 2 / expected).sum() < 5 + 5 * np.sqrt(10)


def test_multinomial_rows(streams):
    p = dmatrix("p")
    weights = np.array([[0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])
    rows = np.repeat(weights, COUNT // 2, axis=0)
    found = run(streams.multinomial(pvals=p), (p, rows))
    assert found.shape == rows.shape and (found.sum(axis=1) == 1).all()
    first, second = found[: COUNT // 2], found[COUNT // 2 :]
    for k in range(3):
        assert_mean(first[:, k], weights[0, k], 0.5)
    assert (second == [0, 1, 0]).all()


def test_multinomial_of_many_draws_and_with_a_size(streams):
    found = run(streams.multinomial(n=10, pvals=np.array([[0.1, 0.9]] * 500)))
    assert (found.sum(axis=1) == 10).all()
    assert_mean(found[:, 0], 1, np.sqrt(0.9))
    sized = run(streams.multinomial((300, 2), pvals=[0.5, 0.25, 0.25]))
    assert sized.shape == (300, 2, 3) and (sized.sum(axis=-1) == 1).all()


def test_choice(streams):
    drawn = run(streams.choice((COUNT,), a=5))
    assert set(drawn) == set(range(5))
    from_vector = run(streams.choice((COUNT,), a=np.array([2.5, 7.5]), p=[0.25, 0.75]))
    assert_mean(from_vector == 7.5, 0.75, 0.45)


@pytest.mark.parametrize("p", [None, [0.1, 0.2, 0.3, 0.2, 0.2]])
def test_choice_without_replacement(streams, p):
    found = run(streams.choice((5,), a=5, replace=False, p=p))
    assert sorted(found) == [0, 1, 2, 3, 4]
    assert run(streams.choice((2, 2), a=5, replace=False, p=p)).shape == (2, 2)
    with pytest.raises(ShapeError, match="without replacement"):
        streams.choice((6,), a=5, replace=False, p=p)


def test_weighted_order_prefers_the_heavy(streams):
    p = np.tile([0.7, 0.2, 0.1, 0.0], (5000, 1))
    found = run(streams.multinomial_wo_replacement(n=3, pvals=p))
    assert 3 not in found
    assert (np.sort(found, axis=1) == [0, 1, 2]).all()
    assert_mean(found[:, 0] == 0, 0.7, 0.46)


def test_permutations_are_fair(streams):
    found = run(streams.permutation((6000,), n=3))
    assert (np.sort(found, axis=1) == [0, 1, 2]).all()
    counts = np.bincount(found @ [9, 3, 1], minlength=27)
    counts = counts[counts > 0]
    assert counts.size == 6 and ((counts - 1000) ** 2 / 1000).sum() < 5 + 5 * 3.2


def test_shuffle_row_elements(streams):
    x = np.arange(12.0).reshape(3, 4)
    found = run(streams.shuffle_row_elements(x))
    np.testing.assert_array_equal(np.sort(found, axis=1), x)
    flat = run(streams.shuffle_row_elements(np.arange(30.0)))
    assert sorted(flat) == list(range(30)) and list(flat) != list(range(30))


def test_sizes_in_every_form(streams):
    n, shape, x = lscalar("n"), lvector("shape"), dmatrix("x")
    assert run(streams.uniform((n, 2)), (n, 3)).shape == (3, 2)
    assert run(streams.uniform(n), (n, 3)).shape == (3,)
    assert run(streams.uniform(shape, ndim=2), (shape, [2, 0])).shape == (2, 0)
    assert run(streams.uniform(x.shape), (x, np.ones((2, 3)))).shape == (2, 3)
    assert run(streams.normal(None, avg=x), (x, np.ones((2, 3)))).shape == (2, 3)
    assert run(streams.binomial(p=x), (x, np.ones((2, 3)))).shape == (2, 3)
    assert run(streams.uniform()).shape == ()
    assert run(streams.uniform(())).shape == ()
    with pytest.raises(ShapeError, match="ndim"):
        streams.uniform((2, 3), ndim=1)
    with pytest.raises(ShapeError, match="known number"):
        streams.uniform(shape)


def test_wrong_parameters(streams):
    with pytest.raises(DTypeError, match="floats"):
        streams.uniform((2,), dtype="int64")
    with pytest.raises(DTypeError, match="pvals"):
        streams.multinomial(pvals=[1, 2])
    with pytest.raises(UsageError, match="seed"):
        RandomStreams("abc")


def test_every_draw_has_numbers_of_its_own(streams):
    a, b = run(streams.uniform((1000,))), run(streams.uniform((1000,)))
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.16
    again = RandomStreams(seed=11)
    np.testing.assert_array_equal(run(again.uniform((1000,))), a)


def test_a_draw_keeps_its_numbers_until_the_call_is_counted(streams):
    u = streams.uniform((5,))
    first = run(u)
    np.testing.assert_array_equal(run(u), first)
    ((state, update),) = streams.updates()
    assert state is streams.state and state.default_update is update
    state.set_value(run(update))
    assert not np.array_equal(run(u), first)
    streams.seed(11)
    np.testing.assert_array_equal(run(u), first)


def test_more_numbers_begin_with_the_same(streams):
    n = lscalar("n")
    u = streams.uniform((n,))
    np.testing.assert_array_equal(run(u, (n, 9))[:4], run(u, (n, 4)))


def test_seeds():
    assert as_seed([1, 2]) != as_seed([2, 1])
    assert as_seed(2**64 + 5) == 5 and as_seed(-1) == -1
    assert RandomStreams().state.get_value()[0] != RandomStreams().state.get_value()[0]
    one, two = MRG_RandomStreams(), MRG_RandomStreams(12345)
    np.testing.assert_array_equal(run(one.uniform((3,))), run(two.uniform((3,))))


def test_steps_of_a_scan_draw_anew(streams):
    drawn, updates = scan(lambda: streams.uniform((3,)), n_steps=400)
    found = run(drawn)
    assert not updates
    assert len(np.unique(found[:, 0])) > 390
    assert abs(np.corrcoef(found[:-1, 0], found[1:, 0])[0, 1]) < 0.26
    # A longer run begins with the same numbers.
    longer, _ = scan(lambda: RandomStreams(11).uniform((3,)), n_steps=401)
    np.testing.assert_array_equal(run(longer)[:400], found)


def test_nested_scans_draw_anew_at_every_pair_of_steps(streams):
    def outer():
        inner, _ = scan(lambda: streams.uniform((2,)), n_steps=5)
        return inner

    found = run(scan(outer, n_steps=4)[0])
    assert found.shape == (4, 5, 2) and len(np.unique(found)) == 40


def test_gradient_flows_to_the_parameters(streams):
    mean, spread = dvector("mean"), dvector("spread")
    z = streams.normal((3,), avg=mean, std=spread, dtype="float64")
    values = [(mean, np.zeros(3)), (spread, np.ones(3))]
    gm, gs = (run(g, *values) for g in grad(total(z), [mean, spread]))
    np.testing.assert_array_equal(gm, np.ones(3))
    np.testing.assert_allclose(gs, run(z, *values))
