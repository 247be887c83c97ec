"""The benchmarks run, and say the same as each other, at small sizes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
WORKS = "tutorial lstm_layer char_gru attention memory_network plain_rnn compile"


def benchmarks(*options: str) -> str:
    # One thread: small products on a busy machine wait for each other otherwise.
    settings = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "benchmarks", *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=settings,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_layer_beside_the_plan_by_hand(tmp_path: Path) -> None:
    """The whole command, on small lengths; it compares the results itself."""
    file = tmp_path / "found.json"
    options = ("--only=lstm_layer", "--tiny", "--rounds=2", "--targets=numpy")
    options += (f"--picture={tmp_path / 'ratios.svg'}",)
    said = benchmarks(*options, "--peers=floor,hand numpy", f"--json={file}")
    assert (tmp_path / "ratios.svg").read_text().count("<svg") == 1
    found = json.loads(file.read_text())
    assert found["environment"]["versions"]["numpy"] == np.__version__
    processes = found["works"]["lstm_layer"]["tiny"]
    assert list(processes) == ["floor", "hand numpy"]
    hand = processes["hand numpy"]
    assert hand["implementations"]["hand numpy"]["relative_error"] < 1e-5
    ratio = hand["ratios"]["symseq numpy"]["hand numpy"]
    assert f"symseq numpy / best plan by hand: {ratio:.2f} (hand numpy)" in said


@pytest.mark.parametrize("option", ["--only=nothing", "--peers=nobody"])
def test_an_unknown_name_is_refused(option: str) -> None:
    command = [sys.executable, "-m", "benchmarks", option]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode != 0
    assert "there are" in done.stderr


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """A module of the benchmarks, which are not installed."""
    monkeypatch.syspath_prepend(str(ROOT))
    return lambda name: import_module(f"benchmarks.{name}")


@pytest.mark.parametrize("name", WORKS.split())
def test_every_work_runs_by_symseq(load: Callable[[str], Any], name: str) -> None:
    work, worker = load("works").WORKS[name], load("worker")
    builds = worker.implementations(work, "floor", ["numpy", "reference"])
    found = worker.measure(work, "tiny", builds, 1)
    made = found["implementations"]
    assert [said.get("failed") for said in made.values()] == [None] * len(made)
    assert made["symseq reference"]["relative_error"] < 1e-4
    assert made["symseq numpy"]["seconds"]["until ready"] > 0
    assert sum(made["symseq numpy"]["bytes"].values()) > 0
    assert work.timed == ("milliseconds" in made["symseq numpy"])


def test_a_failure_is_a_line(load: Callable[[str], Any]) -> None:
    work, worker, table = (
        load("works").WORKS["plain_rnn"],
        load("worker"),
        load("table"),
    )

    def crash(sizes: Any, problem: Any) -> Any:
        raise ArithmeticError("as planned")

    builds = worker.implementations(work, "floor", ["numpy"])
    found = worker.measure(work, "tiny", {"crash": crash} | builds, 1)
    lines = table.lines(work, "floor", found, first=True)
    assert [line.split()[0] for line in lines] == ["crash", "symseq", "floor"]
    assert "failed: ArithmeticError: as planned" in lines[0]
    assert "milliseconds" in found["implementations"]["symseq numpy"]


def test_results_that_differ_are_refused(load: Callable[[str], Any]) -> None:
    turns = load("turns")
    one = {"cost": np.float32(1), "W": np.ones(3, "float32")}
    assert turns.relative_error(one, one) == 0
    other = one | {"W": np.array([1, 1, 3], "float32")}
    assert turns.relative_error(one, other) == pytest.approx(2 / 3)
    for wrong in ({"cost": one["cost"]}, one | {"W": np.ones((3, 1), "float32")}):
        with pytest.raises(ValueError):
            turns.relative_error(one, wrong)


def test_ratio_is_the_median_of_rounds(load: Callable[[str], Any]) -> None:
    assert load("turns").ratio([1.0, 2.0, 90.0], [2.0, 2.0, 3.0]) == 1.0


def test_growth_is_read_along_each_axis(load: Callable[[str], Any]) -> None:
    picture, work = load("picture"), load("works").WORKS["growth"]
    assert picture.shared_case(work) == "T=100 B=16 H=128"
    said = {"implementations": {"symseq numpy": {"milliseconds": [3.0, 1.0, 2.0]}}}
    cases = {case: {"jax": said} for case in work.cases}
    along = picture.curves(work, cases, "B")["symseq numpy"]
    assert sorted(along) == [(1, 2.0), (4, 2.0), (16, 2.0), (64, 2.0)]
