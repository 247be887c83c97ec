"""Plain text: a file of the reader's, or the language reference inside Python."""

from __future__ import annotations

import hashlib
import tarfile
from dataclasses import dataclass
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

from symseq.errors import UsageError
from symseq.types import Array

from .damage import Reading
from .vocabulary import Vocabulary


def language_reference() -> str:
    """What ``help("if")`` and the like show: Python's language reference, in English.

    Topics repeat each other at length; each paragraph is here once, where it stands
    first, so that little of what is held out was read before. The text differs a little
    from one version of Python to the next.
    """
    texts = (topic.strip("\n") for topic in topics.values())
    paragraphs = (part.strip("\n") for text in texts for part in text.split("\n\n"))
    return "\n\n".join(dict.fromkeys(paragraphs)) + "\n"


def plain_text(path: str | Path) -> str:
    """The text of a file in UTF-8, or of the one .txt file in a tar archive.

    Raises: UsageError where nothing is there, where an archive has no text or several,
        or where a file is damaged or not UTF-8.
    """
    place = Path(path)
    if not place.is_file():
        raise UsageError(f"a text must be a file; there is none at {place}")
    with Reading(place):
        content = _only_text(place) if tarfile.is_tarfile(place) else place.read_bytes()
        return content.decode("utf-8-sig")


def _only_text(archive: Path) -> bytes:
    with tarfile.open(archive) as tar:
        names = [name for name in tar.getnames() if name.endswith(".txt")]
        file = tar.extractfile(names[0]) if len(names) == 1 else None
        if file is None:
            raise UsageError(
                f"an archive must have one .txt file; {archive} has {len(names)}"
            )
        return file.read()


@dataclass(frozen=True)
class Corpus:
    """A text as characters' numbers: 90 % to train, then 5 % to validate, 5 % to test.

    A character that the first part does not have is unknown (1).
    Shapes: train, valid, test: int32[N].

    >>> corpus = Corpus.of("abc" * 20)
    >>> len(corpus.train), len(corpus.valid), len(corpus.test), len(corpus.known)
    (54, 3, 3, 5)
    """

    known: Vocabulary
    train: Array
    valid: Array
    test: Array
    notes: dict[str, Any]  # which text this is

    @classmethod
    def of(cls, text: str) -> Corpus:
        """The corpus of a text."""
        a, b = len(text) * 9 // 10, len(text) * 19 // 20
        known = Vocabulary.of([text[:a]])
        train, valid, test = map(known.encode, (text[:a], text[a:b], text[b:]))
        digest = hashlib.sha256(text.encode()).hexdigest()
        notes = {"sha256": digest, "characters": len(text), "symbols": len(known)}
        return cls(known, train, valid, test, notes)
