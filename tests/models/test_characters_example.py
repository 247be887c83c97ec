"""The example on characters runs, and its models are of one size."""

import importlib.util
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import typer

from symseq.errors import UsageError
from symseq.models import data

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "characters.py"


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("characters_example", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize("budget", [20_000, 100_000])
def test_all_cells_have_as_many_parameters(example, budget):
    settings = example.Settings(budget=budget)
    counts = {
        kind: example.build(kind, 105, settings, 0).count() for kind in example.CELLS
    }
    assert set(counts) == {"rnn", "lstm", "gru", "lstmn", "mlstm"}
    assert max(counts.values()) <= 1.05 * min(counts.values()), counts
    assert all(abs(count / budget - 1) < 0.05 for count in counts.values()), counts


def test_an_unknown_cell_is_refused_before_others_are_trained(example):
    with pytest.raises(typer.BadParameter, match="are among rnn"):
        example.main(cells="gru,foo")


def test_the_example_in_short_and_again_from_its_checkpoints(tmp_path):
    text = tmp_path / "text.txt"
    rng = np.random.default_rng(0)
    text.write_text("".join(rng.choice(list("ab cd\n"), 3000)))

    def run(*options):
        command = [sys.executable, "-W", "error", str(SCRIPT), "--data", str(text),
                   "--out", str(tmp_path), "--json", str(tmp_path / "found.json"),
                   "--checkpoints", str(tmp_path), "--budget", "900", "--epochs", "2",
                   "--seeds", "2", "--cells", "gru", *options]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout, json.loads((tmp_path / "found.json").read_text())

    said, found = run()
    (runs,) = found["runs"].values()
    assert len(runs) == 2 and runs[0]["test_bits"] != runs[1]["test_bits"]
    assert all(2.0 < one["test_bits"] < 4.0 and one["sample"] for one in runs)
    assert runs[0]["sample"] in said and "±" in said
    assert found["text"]["characters"] == 3000
    assert (tmp_path / "characters.png").is_file()
    _, again = run()  # all is trained: the checkpoints answer
    assert again == found


def test_the_language_reference_repeats_no_paragraph():
    paragraphs = data.language_reference().rstrip("\n").split("\n\n")
    assert len(paragraphs) == len(set(paragraphs)) > 1000


def test_a_corpus_is_the_whole_text_in_order():
    text = "the quick brown fox " * 20 + "jump"
    corpus = data.Corpus.of(text)
    parts = (corpus.train, corpus.valid, corpus.test)
    whole = corpus.known.decode(np.concatenate(parts))
    assert [len(part) for part in parts] == [363, 20, 21]
    assert "".join(whole[:-4]) == text[:-4]
    assert whole[-4:] == ["<unk>", "u", "<unk>", "<unk>"]  # of what training lacks


def test_a_text_may_lie_in_an_archive(tmp_path):
    (tmp_path / "input.txt").write_text("naïve", encoding="utf-8")
    archive, two = tmp_path / "text.tar.xz", tmp_path / "two.tar"
    with tarfile.open(archive, "w:xz") as tar:
        tar.add(tmp_path / "input.txt", "some/input.txt")
    with tarfile.open(two, "w") as tar:
        tar.add(tmp_path / "input.txt", "a.txt")
        tar.add(tmp_path / "input.txt", "b.txt")
    assert data.plain_text(archive) == data.plain_text(tmp_path / "input.txt")
    (tmp_path / "latin.txt").write_bytes("naïve".encode("latin-1"))
    for path, rule in (("none", "there is none"), ("two.tar", "one .txt file"),
                       ("latin.txt", "UTF-8")):  # fmt: skip
        with pytest.raises(UsageError, match=rule):
            data.plain_text(tmp_path / path)
