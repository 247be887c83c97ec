"""The scripts beside the package run, as their first lines say."""

import json
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


def test_lstm_layer_benchmark(tmp_path: Path) -> None:
    """On small lengths; the script itself compares the results with the hand plan's."""
    file = tmp_path / "found.json"
    said = run(
        "benchmarks/lstm_layer.py", "--sizes=5,2,3,4", "--rounds=2", f"--json={file}"
    )
    found = json.loads(file.read_text())
    assert found["relative_error"] < 1e-5
    assert f"{found['ratio']:.2f}" in said


def test_compile_time_benchmark(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    run("benchmarks/compile_time.py", "--steps=3,6", f"--json={file}")
    assert set(json.loads(file.read_text())) == {"3", "6"}
