"""Parallel text: files of sentences in two languages, line by line the same.

Reference: "small_parallel_enja", 50,000 sentence pairs of 4 to 16 words from the Tanaka
    corpus, tokenised (KyTea; Stanford), in train, dev and test.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from symseq.errors import UsageError

from .damage import Reading
from .vocabulary import END, START, Vocabulary

PARTS = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class Parallel:
    """Sentences as lists of words: the k-th target says what the k-th source says."""

    sources: list[list[str]]
    targets: list[list[str]]

    def __len__(self) -> int:
        return len(self.sources)

    def first(self, count: int | None) -> Parallel:
        """The first `count` pairs."""
        return Parallel(self.sources[:count], self.targets[:count])

    def vocabularies(self, size: int) -> tuple[Vocabulary, Vocabulary]:
        """The `size` most frequent words of either side, the marks of targets too."""
        written = ([START, *words, END] for words in self.targets)
        return Vocabulary.of(self.sources, size), Vocabulary.of(written, size)


def parallel(
    path: str | Path, source: str = "en", target: str = "ja"
) -> tuple[Parallel, Parallel, Parallel]:
    """The train, dev and test pairs of the folder or tar archive at `path`.

    It has files train.en, train.ja, dev.en and so on; a word ends where a space is.

    Raises: UsageError where nothing is there, where a file is missing, damaged or not
        UTF-8, or where two files that belong together have not as many lines.
    """
    place = Path(path)
    if not place.exists():
        raise UsageError(
            f"parallel text must be a folder or an archive; nothing is at {place}"
        )
    names = {f"{part}.{side}" for part in PARTS for side in (source, target)}
    with Reading(place):
        inside = _in_folder if place.is_dir() else _in_archive
        found = dict(inside(place, names))
    missing = sorted(names - set(found))
    if missing:
        raise UsageError(
            f"parallel text must have files like train.{source} and train.{target}; "
            f"{place} lacks {', '.join(missing)}"
        )
    train, dev, test = (_pairs(found, part, source, target) for part in PARTS)
    return train, dev, test


def _pairs(found: dict[str, str], part: str, source: str, target: str) -> Parallel:
    sides = [
        [line.split() for line in _lines(found[f"{part}.{side}"])]
        for side in (source, target)
    ]
    if len(sides[0]) != len(sides[1]):
        raise UsageError(
            f"{part}.{source} and {part}.{target} must have one line for each other; "
            f"got {len(sides[0])} and {len(sides[1])}"
        )
    return Parallel(*sides)


def _lines(text: str) -> list[str]:
    """What stands between line feeds: sentences may hold other separators (U+2028)."""
    return text.removesuffix("\n").split("\n") if text else []


def _in_folder(folder: Path, names: set[str]) -> Iterator[tuple[str, str]]:
    for file in sorted(folder.rglob("*")):
        if file.name in names and file.is_file():
            yield file.name, file.read_text(encoding="utf-8-sig")


def _in_archive(archive: Path, names: set[str]) -> Iterator[tuple[str, str]]:
    with tarfile.open(archive) as tar:
        for member in tar:
            name, file = PurePosixPath(member.name).name, tar.extractfile(member)
            if name in names and file is not None:
                yield name, file.read().decode("utf-8-sig")
