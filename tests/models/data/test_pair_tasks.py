"""Sums, dates, parallel text and phrases: what is in them, and what is refused."""

import tarfile
from itertools import chain
from pathlib import Path

import pytest

from symseq.errors import UsageError
from symseq.models.data import dates as date_module
from symseq.models.data.addition import sums
from symseq.models.data.dates import LOCALES, dates
from symseq.models.data.parallel import PARTS, parallel
from symseq.models.data.phrases import phrases

CORPUS = Path(__file__).parents[4] / "shared" / "data" / "small_parallel_enja.tar.xz"


def test_sums_are_right_and_no_two_numbers_meet_twice():
    lists = sums(3000, 500, 1, seed=3)
    assert [len(part) for part in lists] == [3000, 500, 1]
    met = set()
    for question, answer in chain(*lists):
        a, b = map(int, question.split("+"))
        assert a + b == int(answer) and max(a, b) < 1000
        met.add(frozenset([a, b]))
    assert len(met) == 3501
    assert lists == sums(3000, 500, 1, seed=3) != sums(3000, 500, 1, seed=4)


def test_all_pairs_of_digits_and_not_one_more():
    every, none = sums(55, 0, digits=1)
    pairs = {frozenset(map(int, q.split("+"))) for q, _ in every}
    assert len(pairs) == 55 and none == []
    for counts, digits in (((50, 6), 1), ((-1,), 2), ((1,), 0), ((1,), 1.5)):
        with pytest.raises(UsageError):
            sums(*counts, digits=digits)


def test_no_text_means_two_days():
    """All that 20 locales write in three formats, of one day in each month and year."""
    seen = {}
    for text, iso in chain(*dates(6000, 2000, seed=1)):
        assert seen.setdefault(text, iso) == iso
        assert len(iso) == 10 and "1950" <= iso[:4] <= "2049"
    assert len(seen) == 8000 and len(LOCALES) == 20
    assert dates(20, seed=2) == dates(20, seed=2) != dates(20, seed=3)


def test_dates_of_no_locale_or_too_many_are_refused():
    for counts, locales in (
        ((1,), ()),
        ((-1,), ("de",)),
        ((40_000,), ("de",)),
        ((40_000,), ("de", "de")),
        ((1,), ("xx",)),
    ):
        with pytest.raises(UsageError):
            dates(*counts, locales=locales)


def folder_of(place: Path, lines: int = 2) -> Path:
    place.mkdir()
    for k, part in enumerate(PARTS):
        (place / f"{part}.en").write_text(f"good morning {k}\n" * 2, encoding="utf-8")
        (place / f"{part}.ja").write_text(f"お は よう {k}\n" * lines, encoding="utf-8")
    return place


def test_a_folder_and_an_archive_read_the_same(tmp_path: Path):
    folder = folder_of(tmp_path / "text")
    with tarfile.open(tmp_path / "text.tar.xz", "w:xz") as tar:
        tar.add(folder, "any/where")
    parts = parallel(folder)
    assert parts == parallel(tmp_path / "text.tar.xz")
    assert parts[1].sources == [["good", "morning", "1"]] * 2
    assert parts[2].targets[0] == ["お", "は", "よう", "2"]
    assert len(parts[0].first(1)) == 1 and len(parts[0].first(None)) == 2


def test_what_is_no_parallel_text_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="nothing is at"):
        parallel(tmp_path / "none")
    (tmp_path / "file").write_text("words")
    with pytest.raises(UsageError, match="archive"):
        parallel(tmp_path / "file")
    with pytest.raises(UsageError, match=r"lacks dev\.de"):
        parallel(folder_of(tmp_path / "some"), target="de")
    with pytest.raises(UsageError, match="2 and 3"):
        parallel(folder_of(tmp_path / "uneven", lines=3))


@pytest.mark.skipif(not CORPUS.exists(), reason=f"no corpus at {CORPUS}")
def test_the_corpus_has_as_many_pairs_as_its_page_says():
    assert [len(part) for part in parallel(CORPUS)] == [50_000, 500, 500]


def test_phrases_are_disjoint():
    parts = phrases(seed=1)
    english = [" ".join(words) for part in parts for words in part.sources]
    assert len(english) == len(set(english)) == 432
    assert "she does not eat fish ." in english


def test_locales_that_write_too_few_texts_end(monkeypatch):
    monkeypatch.setattr(date_module, "FORMATS", ("short",))
    monkeypatch.setattr(date_module, "format_date", lambda day, *how: str(day.year))
    with pytest.raises(UsageError, match="only about 100 different dates"):
        date_module.dates(101, locales=("de",))
