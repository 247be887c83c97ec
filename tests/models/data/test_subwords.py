"""Subwords: learned from text, numbered as words are, kept in a file."""

import numpy as np
import pytest

from symseq.errors import UsageError
from symseq.models import data
from symseq.models.data.subwords import Subwords

LINES = [
    "the lower the newer",
    "lowest and newest, 低い と 新しい",
    "wider  than it",
] * 4


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def known(request):
    return Subwords.of(LINES, 60, request.param)


def test_pieces_make_the_text_again(known):
    for text in (*LINES, "newer and lower", " two  spaces ", ""):
        assert known.join(known.cut(text)) == text


def test_numbers_are_those_of_a_vocabulary(known):
    assert known.vocabulary.tokens[:4] == (
        data.PADDING, data.UNKNOWN, data.START, data.END,
    )  # fmt: skip
    assert len(known) <= 60
    numbers = known.vocabulary.encode(known.cut("the newest"))
    assert numbers.dtype == np.int32 and (numbers > 3).all()
    marked = [data.START, *known.vocabulary.decode(numbers), data.END, data.PADDING]
    assert known.join(marked) == "the newest"


def test_characters_never_seen_are_unknown(known):
    assert 1 in known.vocabulary.encode(known.cut("the ß"))


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_as_many_pieces_as_characters(kind):
    small = Subwords.of(["abc abd"], 4 + len("abcd▁"), kind)
    assert small.join(small.cut("dab cab")) == "dab cab"


def test_learning_twice_gives_the_same_pieces():
    first, again = (Subwords.of(LINES, 60) for _ in range(2))
    assert first.vocabulary == again.vocabulary


def test_a_file_holds_them(known, tmp_path):
    known.save(tmp_path / "pieces.model")
    again = Subwords.load(tmp_path / "pieces.model")
    assert again == known
    assert again.cut(LINES[1]) == known.cut(LINES[1])


@pytest.mark.parametrize(
    "texts, size, kind, message",
    [
        (LINES, 60, "words", "kind is one of"),
        (["", " "], 60, "bpe", "there is none"),
        ([], 60, "bpe", "there is none"),
        (LINES, 5, "bpe", "room for every character"),
    ],
)
def test_wrong_learning(texts, size, kind, message):
    with pytest.raises(UsageError, match=message):
        Subwords.of(texts, size, kind)


@pytest.mark.parametrize("model", [b"", b"no model"])
def test_wrong_models(model):
    with pytest.raises(UsageError, match="model of subwords"):
        Subwords(model)
