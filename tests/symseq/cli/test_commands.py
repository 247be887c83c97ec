"""`symseq draw`, `explore`, `summary`: what they write, and how they fail."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import symseq as ss
from symseq.cli import start
from symseq.cli.app import app

ROOT = Path(__file__).parents[3]
FILE = """
import sys
import numpy as np
import symseq as ss
import symseq.tensor as T
from symseq import models
from beside import WIDTH

L, B, H = ss.dims("T B", H=3)
x = ss.TensorType("float32", (L, B, WIDTH))("x")
model = models.Recurrent(models.GRU(WIDTH, H, rng=np.random.default_rng(0)))
h = model(x)
cost = (h[-1] ** 2).mean()
both = [h, cost]
f = ss.function([x], cost)
here = sys.argv


class Box:
    outputs = [cost]


def made(scale=2.0):
    return cost * scale


def needs(a, b=1):
    return a


def breaks():
    return [][1]


def misfits():
    return T.dot(h, T.zeros((7, 7)))


if __name__ == "__main__":
    raise SystemExit("not run")
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the file and one that it imports; both are forgotten at the end."""
    (tmp_path / "beside.py").write_text("WIDTH = 2\n")
    (tmp_path / "m.py").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "beside", raising=False)
    return tmp_path


def run(*arguments: str) -> SimpleNamespace:
    done = CliRunner().invoke(app, arguments)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return SimpleNamespace(code=done.exit_code, out=done.stdout, err=done.stderr)


def made(place: Path) -> set[str]:
    return {path.name for path in place.iterdir()} - {"m.py", "beside.py"}


@pytest.mark.parametrize(
    "name", ["cost", "f", "both", "made", "Box", "f.outputs", "h", "model"]
)
def test_draw_takes_all_that_is_a_graph(place: Path, name: str) -> None:
    done = run("draw", f"m.py:{name}", "a.svg", "--detail", "layers")
    assert (done.code, done.out, done.err) == (0, "a.svg\n", "")
    assert "<svg" in (place / "a.svg").read_text()


def test_draw_writes_beside_the_reader_where_no_file_is_named(place: Path) -> None:
    assert run("draw", "m.py:cost").out == "cost.svg\n"
    assert made(place) == {"cost.svg"}


@pytest.mark.parametrize(
    "options",
    [
        "--style cell",
        "--style unrolled --steps 3 --see 2",
        "--style arrays --shape T=3,B=2 --max-nodes 5",
        "--highlight x --highlight cost --no-legend",
        "--rewritten --max-nodes 9",
    ],
)
def test_draw_in_every_style(place: Path, options: str) -> None:
    done = run("draw", "m.py:f", "a.svg", *options.split())
    assert (done.code, done.err) == (0, "")
    assert "<svg" in (place / "a.svg").read_text()


def test_the_picture_is_that_of_python(place: Path) -> None:
    (place / "n.py").write_text("import symseq.tensor as T\ny = T.vector('x') + 1\n")
    assert run("draw", "n.py:y", "y.dot", "--no-legend").code == 0
    y = ss.tensor.vector("x") + 1
    edges = [
        re.findall(r"\w+ -> \w+", dot)
        for dot in ((place / "y.dot").read_text(), ss.draw(y, legend=False).dot)
    ]
    assert edges[0] == edges[1] != []


def test_explore_writes_a_page(place: Path) -> None:
    done = run("explore", "m.py:f", "p.html", "--title", "G & U", "--shape", "T=5,B=2")
    assert (done.code, done.out) == (0, "p.html\n")
    assert "G &amp; U" in (place / "p.html").read_text()


def test_summary_counts(place: Path) -> None:
    options = "--shape T=5 --shape B=2 --json s.json"
    done = run("summary", "m.py:cost", *options.split())
    whole, *parts = json.loads((place / "s.json").read_text())
    assert whole["parameters"] == (2 + 3 + 1) * 9
    assert whole["flops"] > 0 and isinstance(whole["flops"], int)
    assert [part["group"] for part in parts] == ["Recurrent", "Recurrent/cell"]
    assert "Recurrent" in done.out and "54" in done.out
    by_input = run("summary", "m.py:cost", "--shape", "x=5x2x2")
    assert by_input.out == done.out
    assert "T" in run("summary", "m.py:cost").out


def test_a_model_is_called_with_inputs_of_the_file(place: Path) -> None:
    assert run("draw", "m.py:model", "a.dot", "--input", "x").code == 0
    assert run("draw", "m.py:h", "b.dot").code == 0
    counts = [(place / name).read_text().count("dot") for name in ("a.dot", "b.dot")]
    assert counts[0] == counts[1]
    done = run("summary", "m.py:model", "--input", "x", "--shape", "T=5,B=2")
    assert done.code == 0 and "flops" in done.out
    wrong = run("summary", "m.py:model", "--input", "x", *["--input", "h"] * 9)
    assert wrong.code == 1 and "model(x, h, h" in wrong.err
    assert "positional argument" in wrong.err and "Traceback" not in wrong.err


def test_summary_of_a_model_is_its_parameters(place: Path) -> None:
    done = run("summary", "m.py:model", "--json", "s.json")
    assert "parameters" in done.out and "flops" not in done.out


WRONG = [
    (["draw", "no.py:x"], "there is no file 'no.py'"),
    (["draw", "m"], "FILE.py:NAME"),
    (["draw", "m.py"], "say what to take of m.py"),
    (["draw", "m.py:"], "it has x, model, h, cost, f, made, needs"),
    (["draw", "m.py:nope"], "m.py has no 'nope'\n  hint: it has x, model, h, cost"),
    (["draw", "m.py:model.nope"], "Recurrent has no 'nope'"),
    (["draw", "m.py:WIDTH"], "got int"),
    (["draw", "m.py:needs"], "needs needs a\n"),
    (["draw", "m.py:cost", "a.gif"], "must end in .svg"),
    (["draw", "m.py:cost", "no/a.svg"], "there is no folder 'no'"),
    (["draw", "m.py:cost", "--style", "oil"], "--style is one of graph"),
    (["draw", "m.py:cost", "--detail", "all"], "detail"),
    (["draw", "m.py:cost", "--style", "cell", "--max-nodes", "3"], "is not for"),
    (["draw", "m.py:cost", "--highlight", "here"], "here must be a variable"),
    (["draw", "m.py:cost", "--shape", "T=1"], "--shape is not for --style graph"),
    (["draw", "m.py:cost", "--style", "arrays", "--shape", "T"], "NAME=LENGTH"),
    (["draw", "m.py:model", "--input", "nope"], "m.py has no 'nope'"),
    (["draw", "m.py:cost", "--input", "x"], "only a model has `inputs`"),
    (["explore", "m.py:cost", "p.svg"], "ending"),
    (["explore", "m.py:cost", "no/p.html"], "there is no folder"),
    (["summary", "m.py:cost", "--shape", "x=1x2"], "rank 3"),
    (["summary", "m.py:cost", "--shape", "H=4"], "size 3"),
    (["summary", "m.py:cost", "--shape", "Q=4"], "Q"),
    (["summary", "m.py:cost", "--shape", "T=-4"], "NAME=LENGTH"),
]


@pytest.mark.parametrize("arguments, said", WRONG)
def test_a_wrong_command(place: Path, arguments: Sequence[str], said: str) -> None:
    done = run(*arguments)
    assert done.code == 2 and said.replace("ending", ".html") in done.err, done.err
    assert done.out == "" and made(place) == set()
    assert "Traceback" not in done.err and ".py:1" not in done.err


def test_a_command_line_without_its_arguments(place: Path) -> None:
    assert run("draw").code == 2
    assert run("explore", "m.py:cost").code == 2
    assert run("nothing").code == 2


def test_the_line_of_a_syntax_error_is_shown(place: Path) -> None:
    (place / "bad.py").write_text("x = 1\ny = (2,\n")
    done = run("draw", "bad.py:x")
    assert done.code == 1 and "Traceback" not in done.err
    assert 'File "bad.py", line 2' in done.err and "y = (2," in done.err
    (place / "bad.py").write_bytes(b"x = '\xff'\n")
    assert run("draw", "bad.py:x").code == 1


def test_an_error_in_the_file_is_shown_from_its_line_on(place: Path) -> None:
    done = run("draw", "m.py:breaks")
    first, second, *_ = done.err.splitlines()
    assert done.code == 1 and first.startswith("Traceback")
    assert 'File "m.py"' in second and done.err.endswith(
        "IndexError: list index out of range\n"
    )
    done = run("draw", "m.py:misfits")
    assert done.code == 1 and "m.py:" in done.err and "T.dot(h" in done.err
    (place / "out.py").write_text("raise SystemExit(3)\n")
    done = run("draw", "out.py:x")
    assert (done.code, done.err) == (1, "out.py ended the program: exit(3)\n")


def test_the_file_sees_its_own_name_as_the_command(place: Path) -> None:
    done = run("draw", "m.py:here")  # a list of texts, which is no graph
    assert done.code == 2 and "got str" in done.err


def test_a_failing_write_leaves_what_was_there(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "a.svg").write_text("old")

    def full(*paths: object) -> None:
        raise OSError(28, "No space left on device", "a.svg")

    monkeypatch.setattr("os.replace", full)
    done = run("draw", "m.py:cost", "a.svg")
    assert (done.code, done.err) == (1, "error: No space left on device: a.svg\n")
    assert made(place) == {"a.svg"} and (place / "a.svg").read_text() == "old"


def test_it_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start, "NEEDS", "no_such_package")
    with pytest.raises(SystemExit) as raised:
        start.main()
    assert raised.value.code == 1
    assert 'pip install "symseq[cli]"' in capsys.readouterr().err


def test_it_tells_its_version() -> None:
    assert run("--version").out == f"symseq {ss.__version__}\n"


def test_it_is_a_program(place: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "symseq", "draw", "m.py:cost"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=place)
    assert (done.stdout, done.stderr) == ("cost.svg\n", "")
    assert made(place) == {"cost.svg"}


def test_the_script_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"symseq": f"{start.__name__}:{start.main.__name__}"}
