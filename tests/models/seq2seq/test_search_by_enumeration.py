"""Searches beside the loops' own: greedy word by word, beams beside all that exists."""

from functools import cache

import numpy as np
import pytest
import sentence_loops as loops
from paper_check import close
from test_sentences_by_paper import END, FIRST, WRITTEN, built, data_of, pairs

import symseq as ss
import symseq.tensor as T
from symseq.models import seq2seq

LONGEST = 5
ALL = sum(3**n for n in range(LONGEST)) + 3**LONGEST  # ended, and as long as may be
every_kind = pytest.mark.parametrize("kind", seq2seq.KINDS)


@cache
def searching(kind, beams=None, alpha=1.0):
    model, p = built(kind)
    source, mask, *_ = seq2seq.inputs()
    longest = T.iscalar("longest")
    step, start = model.searching(source, mask, beams=beams or 1)
    how = {"first": FIRST, "end": END, "longest": longest}
    if beams is None:
        found = seq2seq.greedy(step, start, **how)
    else:
        found = seq2seq.beam(step, start, beams=beams, normalize=alpha, **how)
    return p, ss.function([source, mask, longest], [found.tokens, found.scores])


def sources(lengths):
    source, mask, *_ = data = data_of(lengths, [2] * len(lengths))
    return source, mask, [words for words, _, _ in pairs(*data)]


@every_kind
def test_greedy_is_the_loops(kind):
    p, function = searching(kind)
    source, mask, everyone = sources([4, 1, 0, 2, 3])
    for longest in (7, 1):
        tokens, scores = function(source, mask, longest)
        found = [loops.greedy(p, kind, w, FIRST, END, longest) for w in everyone]
        steps = max(len(words) for words, _ in found)
        assert len(tokens) == steps  # the loop ends with the last sentence
        for b, (words, total) in enumerate(found):
            assert tokens[:, b].tolist() == words + [0] * (steps - len(words))
            close(scores[b], total)
    assert function(source, mask, 0)[0].shape == (0, 5)


@pytest.mark.parametrize(
    ("kind", "alpha"),
    [("plain", 0.0), ("bahdanau", 0.6), ("luong", 1.0), ("hard", 1.0)],
)
def test_a_wide_beam_finds_the_best_of_all_sequences(kind, alpha):
    p, function = searching(kind, ALL, alpha)
    source, mask, everyone = sources([3, 1, 0])
    tokens, scores = function(source, mask, LONGEST)
    for b, words in enumerate(everyone):
        ranked = loops.enumerated(p, kind, words, FIRST, END, LONGEST, alpha)
        assert len(ranked) == ALL
        close(scores[b], [score for score, _ in ranked])
        for k in range(5):
            right = list(ranked[k][1])
            assert tokens[:, b, k].tolist() == right + [0] * (LONGEST - len(right))


@every_kind
def test_a_narrow_beam_scores_what_it_finds_and_is_its_single_sentences(kind):
    p, function = searching(kind, 3, 0.6)
    source, mask, everyone = sources([4, 1, 0, 2])
    tokens, scores = function(source, mask, 6)
    for b, words in enumerate(everyone):
        alone, ranked = function(source[:, b : b + 1], mask[:, b : b + 1], 6)
        close(ranked[0], scores[b])
        np.testing.assert_array_equal(alone[:, 0], tokens[: len(alone), b])
        assert not tokens[len(alone) :, b].any()
        assert (np.diff(scores[b]) <= 0).all()
        for k in range(3):
            found = tokens[:, b, k].tolist()
            found = found[: found.index(END) + 1] if END in found else found
            total = loops.score(p, kind, words, found, FIRST)
            close(scores[b, k], total / len(found) ** 0.6)


def beam(logs, width, longest, alpha):
    """The K best beginnings go on by each word; what has ended stays (3.2, K = B)."""
    kept = [(0.0, ())]
    for _ in range(longest):
        if all(END in words for _, words in kept):
            break
        going = []
        for total, words in kept:
            if END in words:
                going.append((total, words))
                continue
            chances = logs(words)
            going += [(total + chances[w], (*words, w)) for w in range(WRITTEN)]
        going.sort(key=lambda pair: pair[0] / len(pair[1]) ** alpha, reverse=True)
        kept = going[:width]
    return [(total / max(len(w), 1) ** alpha, w) for total, w in kept]


@pytest.mark.parametrize(("width", "alpha"), [(1, 1.0), (2, 0.0), (3, 1.0), (6, 0.6)])
def test_a_narrow_beam_is_the_loops(width, alpha):
    p, function = searching("bahdanau", width, alpha)
    source, mask, everyone = sources([4, 1, 3, 2])
    tokens, scores = function(source, mask, 6)
    for b, words in enumerate(everyone):

        def logs(begun, words=words):
            zs, _ = loops.logits(p, "bahdanau", words, [FIRST, *begun])
            return loops.log_softmax(zs[-1])

        found = beam(logs, width, 6, alpha)
        close(scores[b], [score for score, _ in found])
        for k, (_, right) in enumerate(found):
            assert tokens[:, b, k].tolist() == [
                *right,
                *[0] * (len(tokens) - len(right)),
            ]
