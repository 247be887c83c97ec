"""What is wrong with a file of data, said in one way: damaged, or no UTF-8."""

from __future__ import annotations

import tarfile
import zlib
from contextlib import suppress
from pathlib import Path

from symseq.errors import UsageError

# What a damaged archive raises, by the place of the damage.
DAMAGED: list[type[Exception]] = [tarfile.TarError, EOFError, OSError, zlib.error]
with suppress(ImportError):  # a Python may be built without it
    from lzma import LZMAError

    DAMAGED.append(LZMAError)


class Reading:
    """``with Reading(place)`` is around all that reads a folder, a file, an archive.

    Raises: UsageError where an archive is damaged or a text is not UTF-8.
    """

    def __init__(self, place: Path) -> None:
        self.place = place

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, *_: object) -> None:
        if isinstance(error, UnicodeDecodeError):
            rule = f"a text must be UTF-8; {self.place} is not: {error}"
            raise UsageError(rule) from error
        if isinstance(error, tuple(DAMAGED)):
            rule = f"{self.place} cannot be read as an archive: {error}"
            raise UsageError(rule) from error
