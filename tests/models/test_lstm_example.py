"""The example runs from end to end, and answers from the file that it saved."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "examples" / "lstm_classifier.py"


def run(folder: Path, *arguments: str) -> str:
    command = [sys.executable, str(SCRIPT), "--out", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_in_short(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    run(
        tmp_path,
        "--epochs",
        "1",
        "--dim",
        "16",
        "--batch",
        "128",
        "--json",
        str(results),
    )
    found = json.loads(results.read_text())
    assert {"test_accuracy", "seconds", "compile_seconds", "nodes"} < set(found)
    assert found["test_accuracy"] > 1 / 18
    assert found["settings"]["dim"] == 16
    assert run(tmp_path, "--predict", "rzeczpospolita").count("%") == 3
    made = {file.name for file in tmp_path.iterdir()}
    assert {"lstm_names.svg", "lstm_names.confusion.png"} < made


def test_reviews_of_a_folder(tmp_path: Path) -> None:
    texts = {"pos": "a grand and moving film", "neg": "a dull and silly film"}
    for part in ("train", "test"):
        for side, text in texts.items():
            folder = tmp_path / "aclImdb" / part / side
            folder.mkdir(parents=True)
            for k in range(20):
                (folder / f"{k}_5.txt").write_text(text + " again" * k)
    out = run(tmp_path, "--data", str(tmp_path / "aclImdb"), "--model", "mean",
              "--epochs", "2", "--dim", "4")  # fmt: skip
    assert "test_accuracy" in out


def test_an_unknown_model_or_optimizer_is_refused(tmp_path: Path) -> None:
    for option, known in (("--model", "'mean'"), ("--optimizer", "'adadelta'")):
        command = [sys.executable, str(SCRIPT), "--out", str(tmp_path), option, "none"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 2 and known in done.stderr
