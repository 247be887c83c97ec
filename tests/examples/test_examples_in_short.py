"""Each example runs in short from end to end, and leaves results and pictures."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

# Script: options that make it short, the results it gives, the pictures it leaves.
SHORT = {
    "sine_wave": (
        "--epochs 1 --hidden 4",
        {"test_mse", "closed_loop_mse", "seconds"},
        {"sine_wave.png", "sine_wave.svg", "sine_wave.curve.svg"},
    ),
    "adding_problem": (
        "--epochs 1 --hidden 4 --steps 6 --batch 2",
        {"rnn", "gru", "lstm"},
        {"adding_problem.png", "adding_problem.svg", "gates.png"},
    ),
    "ask_the_graph": (
        "--vocabulary 50 --dim 4 --steps 5 --batch 2",
        {"nodes", "flops", "two_products", "parameters", "longest_path"},
        {"graph.graphml", "graph.json"},
    ),
    "digits_by_rows": (
        "--epochs 1 --hidden 8 --seeds 1 --batch 256",
        {"one direction", "bidirectional", "seconds"},
        {"digits_by_rows.png", "digits_by_rows.svg"},
    ),
}


@pytest.mark.parametrize("name", SHORT)
def test_example(name: str, tmp_path: Path) -> None:
    options, results, pictures = SHORT[name]
    file = tmp_path / "results.json"
    command = [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py")]
    command += [*options.split(), "--out", str(tmp_path), "--json", str(file)]
    # One thread: small products on a busy machine wait for each other otherwise.
    settings = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=settings)
    assert done.returncode == 0, done.stderr
    assert {*results, "settings"} <= set(json.loads(file.read_text()))
    assert pictures <= {made.name for made in tmp_path.iterdir()}


def test_examples_are_short_and_say_what_to_expect() -> None:
    for script in sorted(EXAMPLES.glob("*.py")):
        text = script.read_text()
        assert text.count("\n") < 150, script
        assert "\nSource: " in text and "\nExpect: " in text, script
