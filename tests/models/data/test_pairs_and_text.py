"""Minibatches of pairs and of one long text."""

import numpy as np
import pytest

from symseq.errors import UsageError
from symseq.models import data
from symseq.models.data import Pairs, TextBatches
from symseq.models.data.parallel import Parallel


def pairs(count=23, **options):
    rng = np.random.default_rng(0)
    sources = [np.full(n, k) for k, n in enumerate(rng.integers(0, 6, count))]
    targets = [np.full(n, k) for k, n in enumerate(rng.integers(2, 7, count))]
    return Pairs(sources, targets, **({"size": 5} | options))


def test_each_epoch_shows_each_pair_once_and_keeps_pairs_together():
    given = pairs()
    seen = []
    for batch in given.epoch(3):
        assert batch.source.shape == batch.source_mask.shape
        for column in range(batch.target.shape[1]):
            target = batch.target[:, column][batch.target_mask[:, column] > 0]
            source = batch.source[:, column][batch.source_mask[:, column] > 0]
            (number,) = set(target.tolist())
            assert set(source.tolist()) <= {number}
            seen.append(number)
    assert sorted(seen) == list(range(23))
    assert len(list(given.epoch(0))) == len(given) == 5


def test_the_order_depends_on_seed_and_epoch_alone():
    def order(seed, epoch):
        return [row.tolist() for row in pairs(seed=seed).rows(epoch)]

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(2, 2)
    assert order(None, 0) == order(None, 7)


def test_no_pairs_are_no_batches():
    assert list(pairs(0).epoch(0)) == []


def test_wrong_sizes_are_refused():
    with pytest.raises(UsageError, match="is an int of at least 1"):
        pairs(size=0)
    with pytest.raises(UsageError, match="one target"):
        Pairs([np.zeros(1)], [], size=2)


@pytest.mark.parametrize("count", [0, 1, 2, 7, 61])
def test_columns_go_on_from_batch_to_batch(count):
    text = TextBatches(np.arange(count), size=3, steps=4)
    batches = list(text.epoch(0))
    assert len(batches) == len(text)
    for batch in batches:
        np.testing.assert_array_equal(batch.following, batch.x + 1)
        assert batch.x.shape[1] == 3
    if batches:
        whole = np.concatenate([batch.x for batch in batches])
        np.testing.assert_array_equal(np.diff(whole, axis=0), 1)
        assert len(whole) == (count - 1) // 3


def test_the_marks_of_targets_are_in_their_vocabulary_however_small():
    pairs = Parallel([["a", "b"], ["a"]], [["x"], ["x", "y"]])
    read, written = pairs.vocabularies(4)
    assert read.tokens == (data.PADDING, data.UNKNOWN, "a", "b")
    assert written.tokens[2:] == (data.END, data.START)
    assert len(pairs.vocabularies(9)[1]) == 6
