"""The examples run from end to end, in short, and save pictures and numbers."""

import json
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[3] / "examples"


def run(folder, script, *arguments):
    file = folder / "results.json"
    command = [sys.executable, str(EXAMPLES / script), "--out", str(folder)]
    command += ["--json", str(file), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(file.read_text())


def test_copying_in_short(tmp_path):
    found = run(
        tmp_path, "copying.py", "--steps", "3", "--width", "8", "--longest", "4"
    )
    assert 0 <= found["longer_tokens"] <= 1
    made = {file.name for file in tmp_path.iterdir()}
    assert {"copying.svg", "copying.head1.png", "copying.head2.png"} < made


def test_hard_attention_in_short(tmp_path):
    found = run(tmp_path, "hard_attention.py", "--repeats", "40")
    assert len(found["rows"]) == 15
    assert max(abs(row["off"]) for row in found["rows"]) < 4
    assert (tmp_path / "hard_attention.png").exists()
