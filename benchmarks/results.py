"""Results as files: written whole or not at all, and put together again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Case = dict[str, dict[str, Any]]  # process → what it found
Works = dict[str, dict[str, Case]]  # work → case → ...


def write(file: Path, data: Any) -> None:
    """JSON in `file`; who is killed meanwhile leaves what stood there before."""
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    beside.write_text(json.dumps(data, indent=1) + "\n")
    os.replace(beside, file)


def read(files: Iterable[Path]) -> Works:
    """The works of all files; of what was measured twice, the later file's.

    A file of something else, as a training run, has none.
    """
    found: Works = {}
    for file in files:
        for work, cases in json.loads(file.read_text()).get("works", {}).items():
            for case, processes in cases.items():
                found.setdefault(work, {}).setdefault(case, {}).update(processes)
    return found
