"""Searches and losses at their edges: refused with a rule, or what the edge means."""

from functools import cache

import numpy as np
import pytest

import symseq as ss
from symseq.errors import ShapeError, SymseqError, UsageError
from symseq.models import seq2seq
from symseq.tensor.shared_randomstreams import RandomStreams


@cache
def built(kind="bahdanau"):
    rng = np.random.default_rng(0)
    return seq2seq.build(kind, 5, 4, width=3, hidden=4, rng=rng)


def search(beams=None, source=None, *, first=2, end=3, longest=4, **how):
    words, mask, *_ = seq2seq.inputs()
    step, start = built().searching(words, mask, beams=1 if beams is None else beams)
    marks = {"first": first, "end": end, "longest": longest}
    if beams is None:
        found = seq2seq.greedy(step, start, **marks)
    else:
        found = seq2seq.beam(step, start, beams=beams, **marks, **how)
    source = np.array([[1, 2], [3, 0]], "int32") if source is None else source
    function = ss.function([words, mask], [found.tokens, found.scores])
    return function(source, np.ones(source.shape))


@pytest.mark.parametrize("beams", [None, 2])
@pytest.mark.parametrize(
    "marks",
    [{"longest": -1}, {"first": -1}, {"end": -1}, {"end": 1.5}, {"first": "a"}],
    ids=str,
)
def test_marks_that_cannot_be_are_refused(beams, marks):
    name, value = next(iter(marks.items()))
    with pytest.raises(UsageError, match=f"`{name}` is an int >= 0; got {value}"):
        search(beams, **marks)


@pytest.mark.parametrize("beams", [None, 2])
def test_an_end_mark_has_a_logit_or_there_is_none(beams):
    with pytest.raises(UsageError, match="one of the 4 tokens that have logits; got 4"):
        search(beams, end=4)
    tokens, _ = search(beams, end=None, longest=7)
    assert tokens.shape[:2] == (7, 2)


@pytest.mark.parametrize("beams", [0, -1, 2.0, True])
def test_beams_are_an_int_of_at_least_one(beams):
    words, mask, *_ = seq2seq.inputs()
    with pytest.raises(UsageError, match="at least 1 wide"):
        built().searching(words, mask, beams=beams)
    step, start = built().searching(words, mask)
    marks = {"first": 2, "end": 3, "longest": 4}
    with pytest.raises(UsageError, match="at least 1 wide"):
        seq2seq.beam(step, start, beams=beams, **marks)


@pytest.mark.parametrize("alpha", [-1.0, float("nan")])
def test_lengths_normalise_by_no_negative_power(alpha):
    with pytest.raises(UsageError, match="α >= 0; got"):
        search(2, normalize=alpha)


@pytest.mark.parametrize("beams", [None, 2])
def test_edges_of_a_search(beams):
    tokens, scores = search(beams, longest=0)
    assert len(tokens) == 0
    assert scores.reshape(2, -1)[:, 0].tolist() == [0, 0]  # nothing has probability 1
    tokens, _ = search(beams, first=3, end=3)  # the start mark may be the end mark
    assert tokens.shape[1] == 2
    nothing, _ = search(beams, np.zeros((0, 2), "int32"))
    assert nothing.shape[1] == 2
    nobody, _ = search(beams, np.zeros((3, 0), "int32"))
    assert nobody.shape[1] == 0


def test_beams_without_a_sequence_have_no_probability():
    _, scores = search(9, longest=1)
    assert np.isfinite(scores[:, :4]).all()
    assert (scores[:, 4:] == -np.inf).all()


def test_losses_at_their_edges():
    given = seq2seq.inputs()
    loss = ss.function(list(given), built().loss(*given))
    for S, T, B in [(2, 1, 3), (2, 4, 0), (0, 4, 3)]:
        words, answer = np.ones((S, B), "int32"), np.ones((T, B), "int32")
        value = loss(words, np.ones((S, B)), answer, np.ones((T, B)))
        assert np.isfinite(value) and (value == 0) == (T == 1 or B == 0)
    words = np.ones((2, 3), "int32")
    assert loss(words, np.zeros((2, 3)), words, np.zeros((2, 3))) == 0
    with pytest.raises(SymseqError, match="out of bounds"):
        loss(words, np.ones((2, 3)), words * 4, np.ones((2, 3)))


def test_truth_is_a_probability_and_only_hard_looks_draw():
    given, streams = seq2seq.inputs(), RandomStreams(0)
    for truth in (2.0, -0.5, float("nan")):
        with pytest.raises(UsageError, match=r"in \[0, 1\]; got"):
            built().logits(*given[:3], streams=streams, truth=truth)
    marks = {"first": 2, "end": 3, "longest": 4, "streams": None}
    step, start = built().searching(*given[:2])
    for draw in (
        lambda: seq2seq.sample(step, start, **marks),
        lambda: seq2seq.hard_loss(built("hard"), *given, streams=None),
        lambda: built().logits(*given[:3], truth=0.5),
    ):
        with pytest.raises(UsageError, match="needs streams; got NoneType"):
            draw()
    for kind, named in (("bahdanau", "SoftAttention"), ("plain", "NoneType")):
        with pytest.raises(UsageError, match=f"only a hard look draws; got {named}"):
            seq2seq.hard_loss(built(kind), *given, streams=streams)


def test_a_hard_loss_without_masks_is_that_of_masks_of_ones():
    source, source_mask, target, target_mask = seq2seq.inputs()
    ones = {source_mask: np.ones((2, 2)), target_mask: np.ones((3, 2))}
    words = {source: np.array([[1, 2], [3, 4]]), target: np.array([[2, 2]] * 3)}
    values = []
    for masks, given in (
        ((source_mask, target_mask), words | ones),
        ((None,) * 2, words),
    ):
        streams = RandomStreams(0)
        masked = (source, masks[0], target, masks[1])
        _, loss = seq2seq.hard_loss(built("hard"), *masked, streams=streams)
        values.append(ss.function(list(given), loss)(*given.values()))
    assert values[0] == values[1]


def test_a_target_is_a_variable_of_rank_two():
    source, source_mask, _, target_mask = seq2seq.inputs()
    with pytest.raises(UsageError, match="target must be a variable; got None"):
        built().loss(source, source_mask, None, target_mask)
    with pytest.raises(ShapeError, match="target must be of rank 2"):
        built().loss(source, source_mask, source[0], target_mask)


@pytest.mark.parametrize("k", [0, -1.0, float("nan")])
def test_a_schedule_has_a_k_above_zero(k):
    with pytest.raises(UsageError, match="a k above 0; got"):
        seq2seq.inverse_sigmoid(3, k)
