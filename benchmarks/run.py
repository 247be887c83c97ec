"""Runs one case beside one peer in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .environment import cores, settings
from .work import Work

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Options:
    rounds: int
    targets: tuple[str, ...]
    threads: int | None = None
    timeout: float = 600.0


def run_case(work: Work, case: str, peer: str, options: Options, caches: Path) -> Any:
    """What the worker found; after a crash what it had found, and how it ended."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        command = [sys.executable, "-W", "ignore", "-m", f"{__package__}.worker",
                   work.name, case, peer, ",".join(options.targets),
                   str(options.rounds), str(file)]  # fmt: skip
        ended = _run(command, options, caches)
        found = json.loads(file.read_text()) if file.exists() else {}
    return found | ({"failed": ended} if ended else {})


def _run(command: list[str], options: Options, caches: Path) -> str | None:
    """How the process failed, or None."""
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=settings(options.threads, caches),
            capture_output=True,
            text=True,
            timeout=options.timeout,
            preexec_fn=partial(os.sched_setaffinity, 0, cores(options.threads)),
        )
    except subprocess.TimeoutExpired:
        return f"stopped after {options.timeout:.0f} s"
    if done.returncode == 0:
        return None
    last = done.stderr.strip().splitlines()[-1:] or [""]
    return f"ended with {done.returncode}: {last[0]}"[:300]
