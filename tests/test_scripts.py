"""The scripts beside the package run, as their first lines say."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(script: str, *options: str) -> str:
    command = [sys.executable, "-W", "error", str(ROOT / script), *options]
    # One thread: small products on a busy machine wait for each other otherwise.
    settings = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=settings)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_walkthrough_shows_every_stage() -> None:
    said = run("docs/walkthrough.py")
    assert [f"=== {k}. " in said for k in range(1, 7)] == [True] * 6
    assert "def run():" in said
