"""`symseq train`, `classify` and `write`: short trainings from end to end."""

import json
import random
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from symseq.cli import job
from symseq.cli.app import app

SMALL = ["--by", "characters", "--width", "4"]


def run(*arguments: str) -> SimpleNamespace:
    done = CliRunner().invoke(app, arguments)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return SimpleNamespace(code=done.exit_code, out=done.stdout, err=done.stderr)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with labelled words and a text."""
    rng = random.Random(0)
    words = ["".join(rng.choices("ab", k=4)) for _ in range(60)]
    lines = [f"{'first' if word < 'b' else 'second'}\t{word}" for word in words]
    (tmp_path / "words.tsv").write_text("\n".join(lines) + "\n\n")
    (tmp_path / "text.txt").write_text("to be or not to be\n" * 40)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_classifier_is_trained_saved_and_asked(place: Path) -> None:
    how = [*SMALL, "--epochs", "2", "--json", "r.json"]
    done = run("train", "classifier", "words.tsv", *how)
    assert done.code == 0 and "test_accuracy" in done.out
    found = json.loads((place / "r.json").read_text())
    assert found["texts"] == [48, 6, 6] and found["settings"]["epochs"] == 2
    assert 0 <= found["test_accuracy"] <= 1 and 0 <= found["naive_bayes"] <= 1
    for ending in ("curve.svg", "confusion.svg"):
        assert "<svg" in (place / f"classifier.{ending}").read_text()
    told = run("classify", "classifier.safetensors", "abba", "baab")
    assert [line.split("\t")[0] for line in told.out.splitlines()] == ["abba", "baab"]
    assert told.out.count("first") == told.out.count("second") == 2
    assert run("write", "classifier.safetensors").code == 2


def test_a_language_is_trained_resumed_and_written(place: Path) -> None:
    command = ["train", "language", "text.txt", "--hidden", "4", "--epochs"]
    assert (
        run(*command, "2", "--out", "whole.safetensors", "--json", "w.json").code == 0
    )
    assert run(*command, "1", "--out", "parts.safetensors").code == 0
    more = ["--out", "parts.safetensors", "--resume", "--json", "p.json"]
    done = run(*command, "2", *more)
    whole, parts = (json.loads((place / f"{name}.json").read_text()) for name in "wp")
    assert done.code == 0 and whole["sample"] == parts["sample"]
    assert whole["test_bits"] == pytest.approx(parts["test_bits"], rel=1e-6)
    how = ["--start", "to", "--length", "9", "--seed", "3"]
    written = run("write", "whole.safetensors", *how).out
    assert (
        written.startswith("to")
        and written == run("write", "parts.safetensors", *how).out
    )


WRONG = [
    (["classifier", "no.tsv"], "there is none at no.tsv"),
    (["classifier", "text.txt"], "LABEL<tab>TEXT; line 1 of text.txt"),
    (["classifier", "words.tsv", "--by", "sound"], "--by is one of"),
    (["classifier", "words.tsv", "--out", "a.bin"], "must end in .safetensors"),
    (["classifier", "words.tsv", "--out", "no/a.safetensors"], "there is no folder"),
    (["classifier", "words.tsv", "--target", "fortran"], "target must be one of"),
    (["language", "no.txt"], "there is none at no.txt"),
    (["language", "short.txt"], "at least 320 characters; short.txt has 5"),
    (["language", "text.txt", "--cell", "cnn"], "--cell is one of rnn"),
    (["language", "text.txt", "--epochs", "-1"], "at least 0"),
]


@pytest.mark.parametrize("arguments, said", WRONG)
def test_a_wrong_training(place: Path, arguments: list[str], said: str) -> None:
    (place / "short.txt").write_text("short")
    before = set(place.iterdir())
    done = run("train", *arguments)
    assert done.code == 2 and said in done.err, done.err
    assert set(place.iterdir()) == before


def test_a_file_that_no_training_wrote(place: Path) -> None:
    (place / "a.safetensors").write_text("nothing")
    for command in (["classify", "a.safetensors", "x"], ["write", "a.safetensors"]):
        done = run(*command)
        assert done.code == 2 and "safetensors file" in done.err


def test_names_need_a_package(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job.importlib.util, "find_spec", lambda name: None)
    done = run("train", "classifier")
    assert done.code == 2 and "babel" in done.err and "symseq[examples]" in done.err
