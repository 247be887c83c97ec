"""Labelled texts of the reader's own: a file of lines LABEL<tab>TEXT."""

from __future__ import annotations

from pathlib import Path

from symseq.errors import UsageError

from .sequences import Examples


def labelled(path: str | Path) -> Examples:
    """The texts of a file in UTF-8 with a line ``LABEL<tab>TEXT`` for each.

    Classes are in alphabetical order; lines with nothing on them are skipped.
    Raises: UsageError where nothing is there, a line has no tab, the file is not UTF-8,
        or there are fewer than two classes.
    """
    place = Path(path)
    if not place.is_file():
        raise UsageError(f"labelled texts must be a file; there is none at {place}")
    try:
        lines = place.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"a text must be UTF-8; {place} is not: {error}") from error
    pairs = [_pair(line, n, place) for n, line in enumerate(lines, 1) if line.strip()]
    classes = sorted({label for label, _ in pairs})
    if len(classes) < 2:
        raise UsageError(
            f"texts must be of at least two classes; {place} has {len(classes)}"
        )
    numbers = {label: number for number, label in enumerate(classes)}
    return Examples(
        tuple(text for _, text in pairs),
        tuple(numbers[label] for label, _ in pairs),
        tuple(classes),
    )


def _pair(line: str, number: int, place: Path) -> tuple[str, str]:
    label, tab, text = line.partition("\t")
    if not tab or not label.strip():
        raise UsageError(
            f"a line must be LABEL<tab>TEXT; line {number} of {place} is {line[:60]!r}"
        )
    return label.strip(), text.strip()
