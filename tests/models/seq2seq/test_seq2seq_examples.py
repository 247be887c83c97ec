"""The examples run from end to end, in short, and save what they say they save."""

import json
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[3] / "examples"


def run(name: str, folder: Path, *arguments: str) -> tuple[str, dict]:
    results = folder / "results.json"
    short = ["--out", str(folder), "--json", str(results), "--epochs", "1"]
    command = [sys.executable, str(EXAMPLES / name), *short, "--hidden", "8"]
    command += arguments
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(results.read_text())


def test_addition_in_short(tmp_path: Path) -> None:
    out, found = run("addition.py", tmp_path, "--examples", "300", "--frozen")
    assert 0 <= found["test_exact"] <= 1 and found["settings"]["frozen"]
    assert len(found["pull"]["before"]) == 7 and "ddd" not in out
    assert (tmp_path / "addition_frozen.pull.png").exists()


def test_dates_in_short(tmp_path: Path) -> None:
    out, found = run("dates.py", tmp_path, "--examples", "300")
    assert "20 locales" in out and 0 <= found["test_exact"] <= 1
    assert (tmp_path / "dates_bahdanau.hu.png").exists()
    assert "<svg" in (tmp_path / "dates_bahdanau.curve.svg").read_text()


def test_translations_in_short(tmp_path: Path) -> None:
    out, found = run("translate.py", tmp_path, "--models", "plain,hard", "--beams", "2")
    assert {"plain", "hard"} < set(found) and "test BLEU" in out
    assert (tmp_path / "translate_hard.0.png").exists()
