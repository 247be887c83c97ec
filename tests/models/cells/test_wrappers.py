"""Dropout, zoneout, normalisation, stacks: what is drawn when, and in which order."""

import numpy as np
import pytest
from cell_tools import D, H, inputs, made, parts, values

import symseq as ss
import symseq.tensor as T
from symseq.errors import UsageError
from symseq.models import Recurrent, cells
from symseq.models.cells import LSTMState
from symseq.tensor.shared_randomstreams import RandomStreams

WRAPPED = [
    "dense",
    "rnn",
    "lstm",
    "projected",
    "gru",
    "scrn",
    "clockwork",
    "stacked",
    "dropout",
]


class Seen(cells.Cell):
    """Shows what it is given: [x_t, h_{t-1}]; its h is always 1."""

    def __init__(self, width):
        self.inputs, self.outputs = width, 2 * width
        self.widths = cells.Hidden._make((width,))

    def __call__(self, x, state):
        return T.concatenate([x, state.h], axis=1), cells.Hidden(T.ones_like(state.h))


def test_variational_dropout_drops_the_same_at_every_step():
    cell = cells.VariationalDropout(Seen(50), 0.5, 0.2)
    x = T.tensor3("x", dtype="float64")
    run = ss.function([x], Recurrent(cell)(x, streams=RandomStreams(1)))
    ones = np.ones((6, 20, 50))
    first, second = run(ones), run(ones)
    on_x, on_h = first[:, :, :50], first[1:, :, 50:]
    for dropped, rate in ((on_x, 0.5), (on_h, 0.2)):
        assert set(np.unique(dropped)) == {0, 1 / (1 - rate)}
        np.testing.assert_array_equal(dropped, dropped[:1].repeat(len(dropped), 0))
        share = (dropped[0] == 0).mean()
        assert abs(share - rate) < 4 * np.sqrt(rate * (1 - rate) / 1000)
        assert (dropped[0, 0] != dropped[0, 1]).any()  # each sequence has its own
    assert (first != second).any()  # and each call


def test_variational_dropout_spares_the_memory():
    """With all but nothing of h and x kept, c goes its way by the forget gate alone."""
    cell = cells.VariationalDropout(made("lstm"), 0.999999)
    x, mask = inputs()
    run = Recurrent(cell).run(x, mask, streams=RandomStreams(3))
    got = ss.function([x, mask], run.states.c)(*values([4, 4]))
    i, f, _, g = np.split(cell.cell.b.get_value(), 4)
    c = np.zeros(H)
    for row in got:
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        np.testing.assert_allclose(row, [c, c], rtol=1e-12)


def test_zoneout_draws_at_every_step():
    """A part of the state keeps its old value at about the rate, new at each step."""
    memory = cells.SimpleRNN(1, 100, rng=np.random.default_rng(0))
    cell = cells.Zoneout(memory, 0.3)
    x = T.tensor3("x", dtype="float64")
    steps = ss.function([x], Recurrent(cell)(x, streams=RandomStreams(2)))
    h = steps(np.random.default_rng(0).standard_normal((30, 4, 1)))
    same = h[1:] == h[:-1]
    assert abs(same.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / same.size)
    assert (same[0] != same[1]).any() and (same[:, 0] != same[:, 1]).any()


def test_zoneout_leaves_the_memory_of_what_is_shown_alone():
    """h is made of the new c, not of the zoned one: the rates are apart."""
    lstm, (x, mask) = made("lstm"), inputs()
    kept = cells.Zoneout(lstm, LSTMState(0.0, 0.5))
    zoned = Recurrent(kept).run(x, mask, streams=RandomStreams(0))
    plain = Recurrent(lstm).run(x, mask)
    ours, right = ss.function([x, mask], [zoned.states.h[0], plain.states.h[0]])(
        *values([2, 2])
    )
    np.testing.assert_allclose(ours, right, rtol=1e-12)


def test_zoneout_in_testing_is_the_mean_of_training():
    cell, (x, _) = cells.Zoneout(made("lstm"), 0.3), inputs()
    start = np.random.default_rng(0).random((2, 1, H)).repeat(5000, 1)
    state = LSTMState(*map(T.as_tensor_variable, start))
    drawn, _ = cell.training(RandomStreams(1), 5000)(x[0], state)
    expected, _ = cell(x[0], state)
    one = np.ones((1, 5000, D))
    many, mean = ss.function([x], [drawn, expected])(one)
    spread = np.abs(many - mean).max(0) / np.sqrt(5000)
    assert (np.abs(many.mean(0) - mean[0]) < 5 * spread).all()


@pytest.mark.parametrize("name", WRAPPED)
def test_rates_of_nothing_change_nothing(name):
    cell, (x, mask) = made(name), inputs()
    plain = cell.cell if name == "dropout" else cell
    wrapped = cells.Zoneout(cells.VariationalDropout(plain, 0.0), 0.0)
    both = [
        Recurrent(plain).run(x, mask),
        Recurrent(wrapped).run(x, mask, streams=RandomStreams(1)),
    ]
    given = [[run.outputs, *parts(run.last)] for run in both]
    found = ss.function([x, mask], given[0] + given[1])(*values([3, 1]))
    half = len(found) // 2
    for a, b in zip(found[:half], found[half:], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", WRAPPED)
def test_wrappers_train_within_wrappers(name):
    """Every target draws the same; the cell without `training` draws nothing."""
    inside = cells.VariationalDropout(cells.Zoneout(made(name), 0.3), 0.2)
    pair = [inside, cells.LayerNormalized(inside, rng=np.random.default_rng(0))]
    for cell in pair:
        x, mask = inputs()
        streams = RandomStreams(4)
        draws = Recurrent(cell)(x, mask, streams=streams)
        still = Recurrent(cell)(x, mask)
        found = []
        for target in ("numpy", "reference"):
            run = ss.function([x, mask], [draws, still], target=target)
            streams.seed(4)
            found.append(run(*values([3, 1, 0])))
        for a, b in zip(*found, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
        assert (found[0][0] != found[0][1]).any()
        assert np.isfinite(found[0][0]).all() and not found[0][0][:, 2].any()


def test_gradients_of_training_are_central_differences():
    cell = cells.Zoneout(
        cells.Stacked(
            [cells.VariationalDropout(made("lstm")), cells.Residual(made_square())]
        ),
        0.3,
    )
    streams, (x, mask) = RandomStreams(7), inputs()
    y = Recurrent(cell)(x, mask, streams=streams)
    cost = (y * np.arange(1.0, 1 + H)).sum()
    wrt = list(cell.parameters().values())
    run = ss.function([x, mask], [cost, *ss.grad(cost, wrt)])
    batch, rng, step = values([4, 2]), np.random.default_rng(0), 1e-6

    def at_first_call():
        streams.seed(7)
        return run(*batch)

    _, *slopes = at_first_call()
    for p, slope in zip(wrt, slopes, strict=True):
        value, way = p.get_value(), rng.standard_normal(p.storage.shape)
        ends = []
        for sign in (1, -1):
            p.set_value(value + sign * step * way)
            ends.append(at_first_call()[0])
        p.set_value(value)
        wanted = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose((slope * way).sum(), wanted, rtol=1e-5, atol=1e-7)


def made_square():
    return cells.GRU(H, H, rng=np.random.default_rng(9))


def test_training_shares_parameters_and_leaves_the_cell_as_it_was():
    cell = cells.Zoneout(cells.VariationalDropout(made("lstm")))
    trained = cell.training(RandomStreams(0), 3)
    assert cell.parameters() == trained.parameters()
    assert cell.streams is None and cell.cell.masks is None
    assert trained.streams is not None and trained.cell.masks is not None


def test_normalised_state_goes_around():
    cell = cells.LayerNormalized(made("lstm"), rng=np.random.default_rng(0))
    x, mask = inputs()
    run = Recurrent(cell).run(x, mask)
    h, shown = ss.function([x, mask], [run.states.h, run.outputs])(*values([3, 3]))
    np.testing.assert_array_equal(h, shown)
    np.testing.assert_allclose(h.mean(-1), 0, atol=1e-12)
    np.testing.assert_allclose(h.std(-1), 1, atol=1e-2)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: cells.Stacked([]), "at least one"),
        (lambda: cells.Stacked([made("lstm"), made("gru")]), "3 columns.* 4"),
        (lambda: cells.Residual(made("lstm")), "3 columns .* 4"),
        (lambda: cells.VariationalDropout(made("gru"), 1.0), "rate"),
        (lambda: cells.Zoneout(made("gru"), -0.1), "rate"),
        (lambda: cells.Zoneout(made("gru"), LSTMState(0.1, 0.1)), "one for each of 1"),
    ],
)
def test_what_does_not_fit_is_refused(make, said):
    with pytest.raises(UsageError, match=said):
        make()
