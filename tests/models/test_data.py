"""Vocabularies, padding, buckets, splits, readers."""

import tarfile
from pathlib import Path

import numpy as np
import pytest

from symseq.errors import UsageError
from symseq.models import data
from symseq.models.data import imdb, names
from symseq.models.naive_bayes import NaiveBayes

LENGTHS = (3, 1, 0, 7, 7, 2, 5, 4, 9, 1, 6)
SEQUENCES = [np.full(n, k + 1, "int32") for k, n in enumerate(LENGTHS)]
ARCHIVE = Path(__file__).parents[2].parent / "shared" / "data" / "aclImdb.tar.xz"


def batches(**options) -> data.Batches:
    return data.Batches(SEQUENCES, range(len(SEQUENCES)), **({"size": 3} | options))


def test_an_epoch_has_every_sequence_once_with_its_label() -> None:
    seen = list(batches(bucket=2).epoch(4))
    assert len(seen) == len(batches()) == 4
    labels = np.concatenate([batch.labels for batch in seen])
    assert sorted(labels) == list(range(len(SEQUENCES)))
    for batch in seen:
        np.testing.assert_array_equal(batch.mask > 0, batch.x > 0)
        lengths = [LENGTHS[label] for label in batch.labels]
        np.testing.assert_array_equal(batch.mask.sum(axis=0), lengths)
        assert batch.x.shape == (max(lengths), len(lengths))


def order(epoch: int, **options) -> list[list[int]]:
    return [rows.tolist() for rows in batches(**options).rows(epoch)]


def test_the_order_is_set_by_seed_and_epoch() -> None:
    assert order(1) == order(1)
    assert order(1) != order(2)
    assert order(1) != order(1, seed=1)
    assert order(1, seed=None) == order(2, seed=None)


def test_buckets_sort_and_longest_cuts() -> None:
    whole = [batch.x.shape[0] for batch in batches(seed=None).epoch(0)]
    assert whole == sorted(whole)
    assert all(len(batch.x) <= 2 for batch in batches(longest=2).epoch(0))


def test_no_sequences() -> None:
    assert list(data.Batches([], [], size=2).epoch(0)) == []
    assert data.pad([]).shape == data.mask_of([]).shape == (0, 0)
    assert data.mask_of([0, 0]).shape == (0, 2)


def test_wrong_batches() -> None:
    with pytest.raises(UsageError, match="`size` is an int of at least 1; got 0"):
        batches(size=0)
    for name in ("bucket", "longest", "window"):
        with pytest.raises(UsageError, match=f"`{name}` is an int of at least 1"):
            batches(size=2, **{name: 0})
    with pytest.raises(UsageError, match="11 sequences and 1 labels"):
        data.Batches(SEQUENCES, [0], size=1)


def test_vocabulary_ranks_by_frequency_then_alphabet() -> None:
    known = data.Vocabulary.of([list("bbacc"), list("d")], size=5)
    assert known.tokens == ("<pad>", "<unk>", "b", "c", "a")
    assert known.encode(list("abz")).tolist() == [4, 2, 1]
    assert known.encode([]).dtype == np.int32
    assert known.decode([2, 1]) == ["b", "<unk>"]
    assert data.Vocabulary.listing(known.tokens) == known
    with pytest.raises(UsageError, match="got size 1"):
        data.Vocabulary.of([], size=1)


def test_a_vocabulary_has_each_token_once() -> None:
    known = data.Vocabulary.of([["<unk>", "a", "<unk>", "<pad>"]])  # as some corpora
    assert known.tokens == ("<pad>", "<unk>", "a")
    assert known.encode(["<unk>", "b"]).tolist() == [1, 1]
    with pytest.raises(UsageError, match="listed twice"):
        data.Vocabulary.listing(["a", "a"])
    for number in (-1, 3):
        with pytest.raises(UsageError, match=r"in 0 ... 2; got"):
            known.decode([number])
    assert known.decode([]) == []


def test_split_is_disjoint_whole_and_seeded() -> None:
    examples = data.Examples(tuple(map(str, range(101))), (0,) * 101, ("any",))
    parts = data.split(examples, 0.8, 0.1, 0.1, seed=3)
    assert sorted(sum((part.texts for part in parts), ())) == sorted(examples.texts)
    assert parts == data.split(examples, 0.8, 0.1, 0.1, seed=3)
    assert parts != data.split(examples, 0.8, 0.1, 0.1, seed=4)
    with pytest.raises(UsageError, match="at most 1"):
        data.split(examples, 0.8, 0.3)
    with pytest.raises(UsageError, match="1 texts and 0 labels"):
        data.Examples(("a",), (), ())


def test_names_belong_to_one_language() -> None:
    found = names.names()
    assert 12_000 < len(found) < 14_000
    assert len(set(found.texts)) == len(found)
    assert len(found.classes) == 18
    assert dict(zip(found.texts, found.labels, strict=True))["deutschland"] == (
        found.classes.index("German")
    )
    assert "angola" not in found.texts
    with pytest.raises(UsageError, match="got xx"):
        names.names(["en", "xx"])


def test_naive_bayes_is_the_baseline() -> None:
    known, test = data.split(names.names(), 0.8, 0.2)
    assert 0.69 < NaiveBayes.fit(known).accuracy(test) < 0.76


def test_naive_bayes_counts_as_the_book() -> None:
    """Manning et al. 2008, example 13.1, with letters for its words."""
    texts, classes = ("cbc", "ccs", "cm", "tjc"), ("not China", "China")
    model = NaiveBayes.fit(data.Examples(texts, (1, 1, 1, 0), classes), smoothing=1.0)
    given = np.exp(model.log_given)
    # Unigrams alone: 5 of 8 letters of class China are c; the book's 6/14 has the
    # vocabulary of 6; here all 1-3-grams are counted, so sums are checked instead.
    np.testing.assert_allclose(given.sum(axis=0), 1)
    assert classes[model.predict("ccc")] == "China"
    assert classes[model.predict("")] == "China"


REVIEWS = {"train/pos/0_9.txt": "Grand.", "train/neg/1_2.txt": "Awful!<br />Dull.",
           "test/pos/0_8.txt": "é", "test/neg/0_1.txt": "no",
           "train/unsup/0_0.txt": "?"}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in REVIEWS.items():
        file = tmp_path / "aclImdb" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path / "aclImdb"


def test_reviews_read_the_same_from_folder_and_archive(folder: Path) -> None:
    archive = folder.parent / "reviews.tar.xz"
    with tarfile.open(archive, "w:xz") as tar:
        tar.add(folder, arcname="aclImdb")
    train, test = imdb.reviews(folder)
    assert train.texts == ("Awful!<br />Dull.", "Grand.")
    assert (train.labels, test.labels) == ((0, 1), (0, 1))
    assert imdb.reviews(archive) == (train, test)
    assert data.words(train.texts[0]) == ["awful", "!", "dull", "."]


def test_wrong_places_for_reviews(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing is at"):
        imdb.reviews(tmp_path / "none")
    with pytest.raises(UsageError, match="has 0 to train on"):
        imdb.reviews(tmp_path)
    (tmp_path / "bad.tar").write_text("no archive")
    with pytest.raises(UsageError, match="cannot be read as an archive"):
        imdb.reviews(tmp_path / "bad.tar")


@pytest.mark.skipif(not ARCHIVE.exists(), reason=f"no reviews at {ARCHIVE}")
def test_the_published_archive() -> None:
    train, test = imdb.reviews(ARCHIVE)
    assert len(train) == len(test) == 25_000
    assert sum(train.labels) == sum(test.labels) == 12_500


def test_windows_are_drawn_anew_each_epoch() -> None:
    long = [np.arange(50, dtype="int32")] * 4
    epochs = data.Batches(long, [0] * 4, size=4, window=5, longest=40)
    first, again, second = (next(epochs.epoch(k)).x for k in (0, 0, 1))
    np.testing.assert_array_equal(np.diff(first, axis=0), np.ones((4, 4)))
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()
    assert first.max() < 40
    assert len(set(first[0])) > 1
