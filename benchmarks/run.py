"""Runs one case beside one peer in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
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
    """How the process failed, or None. Compilers that it started end with it."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=settings(options.threads, caches),
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
            preexec_fn=partial(os.sched_setaffinity, 0, cores(options.threads)),
        )
        try:
            code = process.wait(options.timeout)
        except subprocess.TimeoutExpired:
            return f"stopped after {options.timeout:.0f} s"
        finally:
            _end(process)
        said.seek(0)
        last = said.read().strip().splitlines()[-1:] or [""]
    return f"ended with {code}: {last[0]}"[:300] if code else None


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):  # nobody of its group is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
