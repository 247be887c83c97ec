"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from symseq.errors import UsageError
from symseq.span import here


def write_whole(path: Path, data: bytes) -> None:
    """Write a file: whoever stops the program finds the old one or the new one.

    Raises: UsageError where its folder is missing.
    """
    write_together([(path, data)])


def write_together(files: Sequence[tuple[Path, bytes]]) -> None:
    """Write files beside their places, then move all of them in.

    Raises: UsageError where a folder is missing.
    """
    mark = f"{os.getpid()}.{secrets.token_hex(4)}"
    waiting = [(path, path.with_name(f".{path.name}.{mark}")) for path, _ in files]
    for path, _ in files:
        if not path.parent.is_dir():
            raise UsageError(
                f"there is no folder {str(path.parent)!r} to write {path.name!r} into",
                hint="make the folder first, or name another",
            ).at(here())
    try:
        for (_, data), (_, beside) in zip(files, waiting, strict=True):
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for path, beside in waiting:
            os.replace(beside, path)
    finally:
        for _, beside in waiting:
            beside.unlink(missing_ok=True)
