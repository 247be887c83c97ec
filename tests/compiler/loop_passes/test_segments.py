"""Loops in segments: memory about the root of the steps, the gradients of the loop."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.compiler.loop_passes.checkpoint import checkpoint_loops

H = 4
x, m = T.dtensor3("x"), T.dmatrix("m")
W, U = T.dmatrix("W"), T.dmatrix("U")
rng = np.random.default_rng(0)


def rnn(**options):
    def step(x_t, h, W, U):
        return T.tanh(T.dot(x_t, W) + T.dot(h, U))

    start = T.zeros((x.shape[1], W.shape[1]), dtype="float64")
    return ss.scan(step, x, start, [W, U], **options)[0]


def lstm(**options):
    def step(x_t, h, c):
        z = T.dot(x_t, W) + T.dot(h, U)
        i, f, o, g = (T.tanh(T.roll(z, k, axis=1)) for k in range(4))
        c = f * c + i * g
        return o * T.tanh(c), c

    start = T.zeros((x.shape[1], W.shape[1]), dtype="float64")
    return ss.scan(step, x, [start, start], **options)[0][0]


def two_taps_and_a_mapped_output(**options):
    """States of two depths, one read whole, a mapped output, no sequence but x."""

    def step(x_t, h2, h1, s, W, U):
        h = T.tanh(T.dot(x_t, W) + T.dot(h1, U) - h2)
        return h, s + (h * h).sum(axis=0), T.dot(h, U)

    start = T.zeros((2, x.shape[1], W.shape[1]), dtype="float64") + 0.1
    infos = [dict(initial=start, taps=[-2, -1]), T.zeros(W.shape[1], "float64"), None]
    (h, s, y), _ = ss.scan(step, x, infos, [W, U], **options)
    return h[-1] + s[-1] + (y * y).mean(axis=0).sum()


def last(make):
    def read(**options):
        return make(**options)[-1]

    return read


def last_and_all(**options):
    h = rnn(**options)
    return (h[-1] * 3 + h[-1] * h.mean(axis=0)) + h[-2:].sum(axis=0)


CASES = {
    "rnn": last(rnn),
    "lstm": last(lstm),
    "taps": two_taps_and_a_mapped_output,
    "last and all": last_and_all,
}
GIVEN = [x, W, U]


def values(steps, batch=3, width=2):
    return [
        rng.normal(size=(steps, batch, width)),
        rng.normal(size=(width, H)) * 0.5,
        rng.normal(size=(H, H)) * 0.5,
    ]


def with_gradients(y):
    cost = (y * y).sum()
    return [y, *T.grad(cost, GIVEN)]


def compiled(outputs, **options):
    return ss.function(GIVEN, outputs, **options)


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_of_the_plain_loop(name):
    plain = compiled(with_gradients(CASES[name]()), target="reference")
    ways = [with_gradients(CASES[name](checkpoint_every=4))]
    ways += [checkpoint_loops(with_gradients(CASES[name]()), 4)]
    runs = [compiled(outputs) for outputs in ways]
    runs.append(compiled(ways[0], target="reference"))
    for steps in (1, 2, 3, 4, 5, 8, 13):
        given = values(steps)
        try:
            wanted = plain(*given)
        except IndexError:  # last_and_all takes two rows, and one step gives one
            assert name == "last and all" and steps == 1
            continue
        for run in runs:
            for a, b in zip(run(*given), wanted, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_without_steps_the_last_row_raises(name):
    for way in (
        with_gradients(CASES[name](checkpoint_every=4)),
        checkpoint_loops(with_gradients(CASES[name]()), 4),
    ):
        for outputs in (way, way[1:]):
            for target in ("numpy", "reference"):
                with pytest.raises(IndexError):
                    compiled(outputs, target=target)(*values(0))


def peak(outputs, steps):
    forecast = compiled(outputs).plan.forecast((steps, 1, 2), (2, H), (H, H))
    return forecast.arena


@pytest.mark.parametrize("name", ["rnn", "lstm"])
def test_memory_grows_with_the_root_of_the_steps(name):
    """Of h[-1] alone: a hundred times the steps, ten times the rows."""

    def gradients(**options):
        return T.grad((CASES[name](**options) ** 2).sum(), [W, U])

    plain = peak(gradients(), 10_000)
    for outputs in (
        gradients(checkpoint_every=100),
        checkpoint_loops(gradients(), 100),
    ):
        assert peak(outputs, 10_000) < 0.04 * plain
        assert peak(outputs, 100) > 0.5 * peak(outputs, 10_000)


def test_a_segment_is_never_longer_than_the_loop():
    def gradients(**options):
        return T.grad((rnn(**options)[-1] ** 2).sum(), [W, U])

    assert peak(gradients(checkpoint_every=5000), 1000) < 1.5 * peak(gradients(), 1000)
    fixed = dict(checkpoint_every=5000, n_steps=1000)
    assert peak(gradients(**fixed), 1000) < 1.5 * peak(gradients(), 1000)


def test_no_sequences_and_a_number_of_steps_of_the_call():
    v, n = T.dvector("v"), T.iscalar("n")
    plain, tight = (
        ss.scan(lambda h: T.tanh(h * h + 0.3), None, v, n_steps=n, **options)[0][-1]
        for options in ({}, {"checkpoint_every": 3})
    )
    runs = [ss.function([v, n], [y, T.grad(y.sum(), v)]) for y in (plain, tight)]
    for steps in (1, 2, 3, 4, 10):
        given = rng.normal(size=5), steps
        for a, b in zip(*(run(*given) for run in runs), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)
    with pytest.raises(IndexError):
        runs[1](np.ones(5), 0)


def test_second_order():
    y = ss.scan(lambda a, h: T.tanh(a.sum() + h * h), x, W, checkpoint_every=3)[0][-1]
    z = ss.scan(lambda a, h: T.tanh(a.sum() + h * h), x, W)[0][-1]
    runs = []
    for last_row in (y, z):
        slope = T.grad((last_row**2).sum(), W)
        runs.append(ss.function([x, W], T.grad((slope**2).sum(), [x, W])))
    given = values(7)[:2]
    for a, b in zip(*(run(*given) for run in runs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


def test_a_second_loop_reads_the_whole_history():
    def model(**options):
        h = rnn(**options)
        return ss.scan(lambda a, s: T.tanh(a + s), h, h[-1], **options)[0][-1]

    plain, tight = (
        compiled(with_gradients(model(**options)))
        for options in ({}, {"checkpoint_every": 4})
    )
    given = values(9)
    for a, b in zip(tight(*given), plain(*given), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


def test_other_joins_are_connected_to_all_their_parts():
    a, b = T.dmatrix("a"), T.dmatrix("b", shape=(2, 3))
    found = T.grad(T.concatenate([a, b])[-1].sum(), [a, b])
    run = ss.function([a, b], found)
    first, second = run(np.ones((4, 3)), np.ones((2, 3)))
    assert not first.any()
    np.testing.assert_array_equal(second, [[0, 0, 0], [1, 1, 1]])
