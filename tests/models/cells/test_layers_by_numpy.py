"""Layers in training and in two directions equal the papers' loops.

What was drawn is recorded (variational dropout) or read off the states (zoneout), and
given to the loops of `wrappers_in_numpy`.
"""

import cells_in_numpy as paper
import numpy as np
import pytest
import wrappers_in_numpy as loops
from cell_tools import D, H, inputs, parts
from oracle_tools import (
    ORACLES,
    batch,
    compare,
    drawn,
    initial_rows,
    symbols,
    values_of,
)

import symseq as ss
from symseq.models import Bidirectional, Recurrent, cells
from symseq.tensor.shared_randomstreams import RandomStreams

TRAINED = {"lstm": paper.lstm, "gru": paper.gru, "scrn": paper.scrn(0.95)}
trained = pytest.mark.parametrize("name", TRAINED)


class Recorded(RandomStreams):
    """Streams that keep what they drew."""

    def __init__(self, seed):
        super().__init__(seed)
        self.drawn = []

    def binomial(self, *args, **options):
        self.drawn.append(super().binomial(*args, **options))
        return self.drawn[-1]


def of_training(cell, streams):
    """(x, mask, *initial state) → all that the layer gives, then what was drawn."""
    (x, mask), initial = inputs(), symbols(cell.widths)
    run = Recurrent(cell).run(x, mask, initial, streams=streams)
    kept = getattr(streams, "drawn", [])
    given = [run.outputs, *parts(run.states), *parts(run.last), *kept]
    return ss.function([x, mask, *parts(initial)], given)


@trained
def test_variational_dropout_by_its_recorded_masks(name):
    cell, streams = cells.VariationalDropout(drawn(name), 0.3, 0.6), Recorded(1)
    run = of_training(cell, streams)
    assert len(streams.drawn) == 2  # one for x, one for h: for all steps
    x, mask = batch([7, 4, 0], 7)
    starts, columns = initial_rows(cell, 3, seed=8)
    *ours, one, other = run(x, mask, *columns)
    on_x, on_h = sorted((one, other), key=np.size)  # D is below H
    assert set(np.unique(on_x)) | set(np.unique(on_h)) == {0, 1}
    for b, begin in enumerate(starts):
        # z ~ Bernoulli(1 - rate), scaled by 1 / (1 - rate)
        drops = [on_x[b] / (1 - 0.3), on_h[b] / (1 - 0.6)]
        right = loops.layer(
            loops.dropout(TRAINED[name], drops), values_of(cell),
            x[:, b : b + 1], mask[:, b : b + 1], [begin], width=cell.outputs,
        )  # fmt: skip
        outputs, *rest = ours
        half = len(rest) // 2
        own = [outputs[:, b : b + 1], *(part[:, b : b + 1] for part in rest[:half])]
        compare([*own, *(part[b : b + 1] for part in rest[half:])], right)


@trained
def test_zoneout_in_training_by_what_it_kept(name):
    """d is 1 where a state is what it was; with those d the loop gives the rest."""
    inner = drawn(name)
    rates = (0.4,) * len(parts(inner.widths))
    cell = cells.Zoneout(inner, 0.4)
    run = of_training(cell, RandomStreams(2))
    x, mask = batch([7, 7, 7], 7)
    starts, columns = initial_rows(cell, 3, seed=8)
    ours = run(x, mask, *columns)
    states = ours[1 : 1 + len(rates)]
    before = [
        np.concatenate([np.array(start)[None], part[:-1]])
        for start, part in zip(columns, states, strict=True)
    ]
    kept = [(old == new).astype(float) for old, new in zip(before, states, strict=True)]
    for d in kept:
        assert 0.05 < d.mean() < 0.75  # the shares are measured in test_wrappers
    in_order = iter([(b, t) for b in range(3) for t in range(7)])

    def draw():
        b, t = next(in_order)
        return [d[t, b] for d in kept]

    step = loops.zoneout(TRAINED[name], rates, draw)
    compare(
        ours, loops.layer(step, values_of(cell), x, mask, starts, width=cell.outputs)
    )


@pytest.mark.parametrize("merge", ["concat", "sum"])
@pytest.mark.parametrize("name", ["lstm", "residual", "clockwork"])
def test_two_directions(name, merge):
    """Graves 2012, section 3.2.4: both read all of x, their outputs stand by t."""
    halves = drawn(name, seed=3), drawn(name, seed=4)
    x, mask = inputs()
    layer = Bidirectional(*halves, merge=merge)
    outputs, ends = layer(x, mask, return_state=True)
    run = ss.function([x, mask], [outputs, *parts(ends)])
    for lengths, steps in [([5, 2, 0], 5), ([3], 3), ([1], 1), ([0], 0)]:
        value, shown = batch(lengths, steps)
        pairs = [
            loops.layer(
                ORACLES[name], values_of(half), value, shown,
                initial_rows(half, len(lengths))[0],
                width=half.outputs, reverse=reverse,
            )
            for half, reverse in zip(halves, (False, True), strict=True)
        ]  # fmt: skip
        (forward, _, last), (backward, _, first) = pairs
        right = np.concatenate([forward, backward], axis=2)
        if merge == "sum":
            right = forward + backward
        compare(run(value, shown), (right, [], [*last, *first]))


@pytest.mark.parametrize("reverse", [False, True])
def test_what_a_layer_is_made_with_serves_every_call(reverse):
    """mask, initial and return_state given to `Recurrent` instead of to its call."""
    cell, (x, mask), initial = drawn("lstm"), inputs(), symbols(drawn("lstm").widths)
    layer = Recurrent(
        cell, mask=mask, reverse=reverse, initial=initial, return_state=True
    )
    outputs, last = layer(x)
    run = ss.function([x, mask, *initial], [outputs, *last])
    value, shown = batch([4, 2, 0], 4)
    starts, columns = initial_rows(cell, 3, seed=8)
    right, _, ends = loops.layer(
        paper.lstm, values_of(cell), value, shown, starts, width=H, reverse=reverse
    )
    compare(run(value, shown, *columns), (right, [], ends))


def test_without_a_mask_every_step_is_real():
    cell, (x, _) = drawn("gru"), inputs()
    run = ss.function([x], [Recurrent(cell)(x)])
    value = np.random.default_rng(0).standard_normal((4, 2, D))
    right, *_ = loops.layer(
        paper.gru, values_of(cell), value, np.ones((4, 2)),
        initial_rows(cell, 2)[0], width=H,
    )  # fmt: skip
    compare(run(value), (right, [], []))
