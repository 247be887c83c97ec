"""The Large Movie Review Dataset: 25,000 + 25,000 reviews, half of them positive.

Reference: Maas et al. 2011, "Learning Word Vectors for Sentiment Analysis", ACL.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from symseq.errors import UsageError

from .damage import Reading
from .sequences import Examples

SENTIMENTS = ("negative", "positive")
FOLDERS = {"neg": 0, "pos": 1}
PARTS = ("train", "test")


def reviews(path: str | Path) -> tuple[Examples, Examples]:
    """The training and the test reviews of the folder or tar archive at `path`.

    Each part is in the order of its files' names, so that both forms read the same.

    Raises: UsageError where nothing is there, nothing that looks like the data set, or
        what is damaged or not UTF-8.
    """
    place = Path(path)
    if not place.exists():
        raise UsageError(
            f"the reviews must be a folder or an archive; nothing is at {place}",
            hint="pass the unpacked folder aclImdb, or the archive as it was published",
        )
    with Reading(place):
        found = sorted(_in_folder(place) if place.is_dir() else _in_archive(place))
    train, test = (_part(found, part) for part in PARTS)
    if not len(train) or not len(test):
        raise UsageError(
            "the reviews must have files like train/pos/0_9.txt and test/neg/0_2.txt; "
            f"{place} has {len(train)} to train on and {len(test)} to test on"
        )
    return train, test


# A review's place, (train | test, neg | pos, file), and its text.
Found = tuple[tuple[str, str, str], str]


def _key(name: str) -> tuple[str, str, str] | None:
    steps = PurePosixPath(name).parts[-3:]
    if len(steps) < 3 or steps[0] not in PARTS or steps[1] not in FOLDERS:
        return None
    return (steps[0], steps[1], steps[2]) if steps[2].endswith(".txt") else None


def _in_folder(folder: Path) -> Iterator[Found]:
    for file in folder.rglob("*.txt"):
        key = _key(file.as_posix())
        if key is not None:
            yield key, file.read_text(encoding="utf-8")


def _in_archive(archive: Path) -> Iterator[Found]:
    with tarfile.open(archive) as tar:
        for member in tar:
            key, file = _key(member.name), tar.extractfile(member)
            if key is not None and file is not None:
                yield key, file.read().decode("utf-8")


def _part(found: list[Found], part: str) -> Examples:
    mine = [(key, text) for key, text in found if key[0] == part]
    labels = tuple(FOLDERS[key[1]] for key, _ in mine)
    return Examples(tuple(text for _, text in mine), labels, SENTIMENTS)
