"""Unrolled views: columns, chains, what an output sees; from the graph alone."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.draw.unrolled import unroll
from symseq.errors import UsageError
from symseq.models.cells.simple import SimpleRNN
from symseq.models.recurrent import Bidirectional

n, F = 4, "float32"


def parameter(name, *shape):
    return ss.shared(np.zeros(shape, F), name=name)


def chain(x, name, start=None, **more):
    U = parameter(f"U_{name}", n, n)
    start = T.matrix("h0") if start is None else start
    h, _ = ss.scan(lambda x, h: T.tanh(x + h @ U), x, start, name=name, **more)
    return h


def bidirectional():
    x = T.tensor3("x")
    ahead, behind = chain(x, "ahead"), chain(x, "behind", go_backwards=True)
    y = T.concatenate([ahead, behind[::-1]], axis=2)
    y.name = "y"
    return y


def attention():
    memory = chain(T.tensor3("x"), "encoder")

    def step(z, s):
        scores = T.nnet.softmax((memory * s).sum(axis=2).T)
        return T.tanh(z + (scores.T[:, :, None] * memory).sum(axis=0))

    s, _ = ss.scan(step, T.tensor3("z"), memory[-1], name="decoder")
    p = s @ parameter("V", n, 9)
    p.name = "p"
    return p


def seen(what, column, steps=4):
    """The leaves' and chains' columns that the first output sees at `column`."""
    made = unroll([what], steps)
    keys = made.seen_from([("out", 0, 0, column)])
    inputs = {}
    for _, number, _, at in (key for key in keys if key[0] == "leaf" and key[3] >= 0):
        inputs.setdefault(made.leaves[number].name, set()).add(at)
    steps = {}
    for _, number, _, at in (key for key in keys if key[0] == "step"):
        steps.setdefault(made.chains[number].step.title, set()).add(at)
    return inputs, steps


def test_a_chain_sees_what_came_before():
    h = chain(T.tensor3("x"), "one")
    inputs, _ = seen(h * 2, 1)
    assert inputs == {"x": {0, 1}}


def test_bidirectional_sees_everything_by_two_chains():
    inputs, steps = seen(bidirectional(), 1)
    assert inputs == {"x": {0, 1, 2, 3, 4}}
    assert steps == {"ahead": {0, 1}, "behind": {1, 2, 3, 4}}


def test_the_model_of_models_is_laid_out_alike():
    rng = np.random.default_rng(0)
    model = Bidirectional(SimpleRNN(3, n, rng=rng), SimpleRNN(3, n, rng=rng))
    inputs, steps = seen(model(T.tensor3("x")), 3)
    assert steps == {"forward": {0, 1, 2, 3}, "backward": {3, 4}}
    assert inputs == {"x": {0, 1, 2, 3, 4}}


def test_encoder_and_decoder_stand_side_by_side():
    encoded = chain(T.tensor3("x"), "encoder")
    decoded = chain(T.tensor3("z"), "decoder", encoded[-1])
    made = unroll([decoded @ parameter("V", n, 2)], 3)
    assert [(c.block, c.row) for c in made.chains] == [(0, 0), (1, 0)]
    assert made.columns == [["1", "2", "…", "T"], ["1", "2", "…", "T′"]]
    assert (("step", 0, 0, 3), ("step", 1, 0, 0)) in made.edges
    assert (("step", 0, 0, 2), ("step", 1, 0, 0)) not in made.edges
    inputs, _ = seen(decoded * 1, 0)
    assert inputs == {"x": {0, 1, 2, 3, 4}, "z": {0}}


def test_a_decoder_that_attends_reads_the_whole_memory_at_each_step():
    made = unroll([attention()], 3)
    for column in range(4):
        for place in range(4):
            assert (("step", 0, 0, place), ("step", 1, 0, column)) in made.edges


def test_layers_are_stacked():
    made = unroll([chain(chain(T.tensor3("x"), "low"), "high")], 3)
    assert [(c.block, c.row) for c in made.chains] == [(0, 0), (0, 1)]
    assert not made.is_staggered(0)
    assert unroll([bidirectional()], 3).is_staggered(0)


def test_each_parameter_reaches_every_step():
    h = chain(T.tensor3("x"), "one")
    made = unroll([h], 4)
    (number,) = [k for k, v in enumerate(made.leaves) if v.name == "U_one"]
    reached = [t for s, t in made.edges if s == ("leaf", number, 0, -1)]
    assert reached == [("step", 0, 0, column) for column in range(5)]


def test_an_output_that_does_not_read_the_state_sees_one_input():
    def step(x, h):
        return T.tanh(x + h), x * 2

    (_, y), _ = ss.scan(step, T.tensor3("x"), [T.matrix("h0"), None])
    inputs, _ = seen(y + 1, 2)
    assert inputs == {"x": {2}}


def test_two_taps_and_rows_that_are_shifted():
    x = T.tensor3("x")

    def step(before, x, far, near):
        return T.tanh(before + x + far + near)

    taps = {"initial": T.tensor3("h0"), "taps": [-2, -1]}
    h, _ = ss.scan(step, {"input": x, "taps": [-1, 0]}, taps)
    made = unroll([h], 4)
    assert (("step", 0, 0, 0), ("step", 0, 0, 2)) in made.edges
    moved, _ = ss.map(lambda a: a * 2, x[1:])
    inputs, _ = seen(moved + 0.5, 1)
    assert inputs == {"x": {2}}


def test_a_mean_over_time_and_a_last_step_are_one_value():
    h = chain(T.tensor3("x"), "one")
    for what, places in ((h.mean(axis=0), 5), (h[-1] * 2, 1)):
        made = unroll([what], 4)
        assert made.outputs[0].block is None
        assert len([1 for s, t in made.edges if t[0] == "out" and s[0] == "step"]) == (
            places
        )


def test_a_parameter_s_gradient_comes_from_the_first_step():
    h = chain(T.tensor3("x"), "one")
    (U,) = [v for v in unroll([h], 3).leaves if v.name == "U_one"]
    made = unroll([ss.grad(h.sum(), U)], 3)
    back = next(c for c in made.chains if c.backwards)
    sources = {s for s, t in made.edges if t[0] == "out"}
    assert {key[3] for key in sources if key[:2] == ("step", back.number)} == {0}


def test_known_numbers_of_steps_are_drawn_whole():
    U = parameter("U", n, n)
    for count in (0, 1, 5):
        h, _ = ss.scan(lambda h: h @ U, None, T.matrix("h0"), n_steps=count)
        assert unroll([h], 4).columns == [[str(k + 1) for k in range(count)]]
        assert ss.unroll_picture(h).dot


def test_pictures_are_laid_out_and_escaped():
    """One picture of several loops, so that Graphviz starts once."""
    ugly = chain(T.tensor3('<script>"&\n日本語' + "長" * 200), '<b>"')
    svg = ss.unroll_picture([attention(), bidirectional(), ugly], see=2).svg
    assert "<script>" not in svg and "&lt;script&gt;" in svg
    assert "h(0)" in svg or "h0" in svg


def test_what_is_not_shown_cannot_be_seen():
    h = chain(T.tensor3("x"), "one")
    assert ss.unroll_picture(h, see=-1).dot
    for see in (0, 4, 6):
        with pytest.raises(UsageError, match="step that is shown"):
            ss.unroll_picture(h, see=see)
    with pytest.raises(UsageError, match=r"at least 2 steps; got 2\.5"):
        ss.unroll_picture(h, steps=2.5)
    with pytest.raises(UsageError, match="at least 2 steps"):
        ss.unroll_picture(h, steps=1)
    with pytest.raises(UsageError, match="body of a scan"):
        ss.unroll_picture(T.vector("x"))
