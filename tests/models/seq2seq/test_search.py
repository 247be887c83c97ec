"""Searches against loops and enumerations in NumPy; one function for all lengths."""

from itertools import product

import numpy as np
import pytest
from seq2seq_tools import END, FIRST, KINDS, W, inputs, made, searching, values

import symseq as ss
import symseq.tensor as T
from symseq.errors import UsageError
from symseq.models import data, seq2seq
from symseq.tensor.shared_randomstreams import RandomStreams

every_kind = pytest.mark.parametrize("kind", KINDS)


def log_softmax(z):
    z = z - z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


@pytest.fixture(scope="module")
def forced():
    """kind → the compiled log p(y_t | y_<t, x) of a whole target."""
    made_ones = {}

    def of(kind):
        if kind not in made_ones:
            source, mask, target, _ = inputs()
            logits = made(kind).logits(source, mask, target)
            made_ones[kind] = ss.function([source, mask, target], logits)
        return made_ones[kind]

    return of


def score(forced, kind, source, mask, tokens):
    """Σ_t log p(y_t) of one sequence by teacher forcing."""
    target = np.array([FIRST, *tokens], "int32")[:, None]
    logs = log_softmax(forced(kind)(source, mask, target))[:, 0]
    return logs[np.arange(len(tokens)), list(tokens)].sum()


@every_kind
def test_greedy_takes_the_likeliest_token_each_time(kind, forced):
    source, mask, *_ = values([4, 2, 1, 0], [1])
    tokens, scores = searching(kind)(source, mask, 6)
    for b in range(4):
        one, y = (source[:, b : b + 1], mask[:, b : b + 1]), []
        while len(y) < len(tokens) and (not y or y[-1] != END):
            target = np.array([FIRST, *y, 0], "int32")[:, None]
            y.append(int(forced(kind)(*one, target)[-1, 0].argmax()))
        assert tokens[:, b].tolist() == y + [0] * (len(tokens) - len(y))
        np.testing.assert_allclose(scores[b], score(forced, kind, *one, y), rtol=1e-9)


def sequences(longest):
    """Every sequence that a search may return: ended, or `longest` and not ended."""
    going = [k for k in range(W) if k != END]
    for n in range(longest):
        yield from ((*begun, END) for begun in product(going, repeat=n))
    yield from product(going, repeat=longest)


@pytest.mark.parametrize("normalize", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("kind", ["plain", "bahdanau", "luong"])
def test_a_beam_wide_enough_is_an_enumeration(kind, normalize, forced):
    source, mask, *_ = values([3, 1], [1])
    many = list(sequences(3))
    width = len(many)
    found, scores = searching(kind, beams=width, normalize=normalize)(source, mask, 3)
    for b in range(2):
        one = source[:, b : b + 1], mask[:, b : b + 1]
        sums = [score(forced, kind, *one, y) / len(y) ** normalize for y in many]
        order = np.argsort(sums)[::-1]
        np.testing.assert_allclose(scores[b], np.array(sums)[order], rtol=1e-8)
        for k in range(3):  # more would be ties of rounding
            right = list(many[order[k]])
            assert found[:, b, k].tolist() == right + [0] * (3 - len(right))


@every_kind
def test_one_beam_is_greedy(kind):
    source, mask, *_ = values([4, 2, 1], [1])
    tokens, scores = searching(kind)(source, mask, 6)
    found, ranked = searching(kind, beams=1, normalize=0.0)(source, mask, 6)
    np.testing.assert_array_equal(found[:, :, 0], tokens)
    np.testing.assert_allclose(ranked[:, 0], scores, rtol=1e-9)


@every_kind
def test_more_beams_find_better_sequences_on_average(kind):
    source, mask, *_ = values([5] * 40, [1], seed=4)
    means = [
        searching(kind, beams=k, normalize=0.0)(source, mask, 6)[1][:, 0].mean()
        for k in (1, 3)
    ]
    assert means[1] >= means[0]


@pytest.mark.parametrize("beams", [None, 3])
@every_kind
def test_one_function_takes_all_sizes_and_is_reference(kind, beams):
    find = searching(kind, beams=beams)
    plan = find.plan
    for lengths, longest in (
        ([3, 2], 4), ([1], 1), ([4, 0, 2], 7), ([5], 3), ([2, 2], 0), ([], 3),
    ):  # fmt: skip
        source, mask, *_ = values(lengths, [1])
        tokens, scores = find(source, mask, longest)
        right = searching(kind, "reference", beams)(source, mask, longest)
        np.testing.assert_array_equal(tokens, right[0])
        np.testing.assert_allclose(scores, right[1], rtol=1e-9)
        assert tokens.shape[0] <= longest and tokens.shape[1] == len(lengths)
    assert find.plan is plan


@pytest.mark.parametrize("beams", [None, 3])
def test_padding_changes_no_answer(beams):
    for kind in KINDS:
        find = searching(kind, beams=beams)
        source, mask, *_ = values([4, 1], [1])
        tokens, scores = find(source, mask, 5)
        alone, own = find(source[:1, 1:], mask[:1, 1:], 5)
        np.testing.assert_array_equal(tokens[: len(alone), 1], alone[:, 0])
        np.testing.assert_allclose(scores[1], own[0], atol=1e-6)


def fixed(table):
    """A step whose logits depend on the last token alone: a table [V, V]; a count."""

    def step(tokens, state):
        (count,) = state
        return ss.shared(np.log(table))[tokens], (count + 1,)

    return step


# From 0 (the start) 1 looks best, but only 2 goes on to what is likely.
TABLE = np.array(
    [[1e-9, 0.6, 0.4, 1e-9], [1e-9, 0.35, 0.35, 0.3], [1e-9, 1e-9, 1e-9, 1.0],
     [1e-9, 0.4, 0.3, 0.3]]
)  # fmt: skip


def test_a_beam_sees_further_than_a_greedy_search():
    start = (T.zeros((1, 1)),)
    how = {"first": 0, "end": 3, "longest": 5}
    y = seq2seq.greedy(fixed(TABLE), start, **how).tokens
    best = seq2seq.beam(fixed(TABLE), start, beams=2, normalize=0.0, **how)
    y, tokens, scores = ss.function([], [y, best.tokens, best.scores])()
    assert y[0, 0] == 1 and tokens[:2, 0, 0].tolist() == [2, 3]
    np.testing.assert_allclose(scores[0, 0], np.log(0.4), rtol=1e-6)


def test_a_search_stops_with_the_last_sequence():
    """However long it might be: 'until', not the limit, ends the loop."""
    start = (T.zeros((2, 1)),)
    sure = np.full((4, 4), 1e-9)
    sure[0, 1] = sure[1, 2] = sure[2, 3] = sure[3, 3] = 1.0
    how = {"first": 0, "end": 3, "longest": 1000}
    one = seq2seq.greedy(fixed(sure), start, **how)
    many = seq2seq.beam(fixed(sure), start, beams=1, **how)
    tokens, counts, wide = ss.function([], [one.tokens, one.states[0], many.tokens])()
    assert tokens.T.tolist() == [[1, 2, 3]] * 2 and wide.shape == (3, 2, 1)
    assert counts[:, 0, 0].tolist() == [1, 2, 3]


def test_samples_come_as_often_as_they_should():
    rows = 20_000
    start = (T.zeros((rows, 1)),)
    how = {"first": 3, "end": 3, "longest": 1, "streams": RandomStreams(5)}
    drawn = seq2seq.sample(fixed(TABLE), start, **how)
    cold = seq2seq.sample(fixed(TABLE), start, temperature=0.5, **how)
    warm, cool, scores = ss.function([], [drawn.tokens, cold.tokens, drawn.scores])()
    p = TABLE[3]
    for tokens, q in ((warm, p), (cool, p**2 / (p**2).sum())):
        shares = np.bincount(tokens[0], minlength=4) / rows
        np.testing.assert_allclose(shares, q, atol=4 * np.sqrt(0.25 / rows))
    np.testing.assert_allclose(scores, np.log(p / p.sum())[warm[0]], rtol=1e-6)


def test_samples_change_from_call_to_call_and_follow_their_own_words(forced):
    source, mask, *_ = inputs()
    step, start = made("plain").searching(source, mask)
    how = {"first": FIRST, "end": END, "longest": 8, "streams": RandomStreams(1)}
    found = seq2seq.sample(step, start, **how)
    run = ss.function([source, mask], [found.tokens, found.scores])
    given = values([3] * 5, [1])[:2]
    tokens, scores = run(*given)
    again, _ = run(*given)
    assert tokens.shape != again.shape or (tokens != again).any()
    for b in range(5):
        (said,) = seq2seq.before_end(tokens[:, b][None], END)
        said = [*said, END] if len(said) < len(tokens) else list(said)
        right = score(forced, "plain", *(g[:, b : b + 1] for g in given), said)
        np.testing.assert_allclose(scores[b], right, rtol=1e-8)


def test_answers_keep_the_order_of_the_sources():
    sources = [np.arange(2, 2 + n, dtype="int32") for n in (3, 1, 2)]
    pairs = data.Pairs(sources, sources, size=2, seed=None)
    said = seq2seq.answers(lambda source, mask: source + (source == 0) * 99, pairs, 99)
    assert [s.tolist() for s in said] == [s.tolist() for s in sources]


def test_senseless_searches_are_refused():
    start = (T.zeros((1, 1)),)
    how = {"first": 0, "end": 3, "longest": 2}
    with pytest.raises(UsageError, match="at least 1"):
        seq2seq.beam(fixed(TABLE), start, beams=0, **how)
    with pytest.raises(UsageError, match="above 0"):
        seq2seq.sample(
            fixed(TABLE), start, temperature=0.0, streams=RandomStreams(0), **how
        )
    with pytest.raises(UsageError, match="row per sequence"):
        seq2seq.greedy(fixed(TABLE), (), **how)
