"""The benchmarks run, and say the same as each other, at small sizes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


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


def test_every_work_runs_by_symseq(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    options = ("--tiny", "--rounds=1", "--peers=floor", "--targets=numpy")
    said = benchmarks(*options, f"--json={file}")
    found = json.loads(file.read_text())
    assert found["environment"]["versions"]["numpy"] == np.__version__
    for work, cases in found["works"].items():
        for process in cases["tiny"].values():
            assert "failed" not in process
            made = process["implementations"]
            assert "failed" not in made["symseq numpy"], work
            assert made["symseq numpy"]["seconds"]["until ready"] > 0
            assert sum(made["symseq numpy"]["bytes"].values()) > 0
    ratio = found["works"]["lstm_layer"]["tiny"]["floor"]["ratios"]
    assert f"{ratio['symseq numpy']['floor']:.2f}" in said


def test_hand_plan_is_compared_first(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    options = ("--only=lstm_layer", "--tiny", "--rounds=1", "--targets=numpy")
    benchmarks(*options, "--peers=hand numpy", f"--json={file}")
    (process,) = json.loads(file.read_text())["works"]["lstm_layer"]["tiny"].values()
    assert process["implementations"]["hand numpy"]["relative_error"] < 1e-5


@pytest.mark.parametrize("option", ["--only=nothing", "--peers=nobody"])
def test_an_unknown_name_is_refused(option: str) -> None:
    command = [sys.executable, "-m", "benchmarks", option]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode != 0
    assert "there are" in done.stderr


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The package, which is not installed."""
    monkeypatch.syspath_prepend(str(ROOT))
    return __import__("benchmarks.turns").turns


def test_results_that_differ_are_refused(modules: Any) -> None:
    one = {"cost": np.float32(1), "W": np.ones(3, "float32")}
    assert modules.relative_error(one, one) == 0
    other = one | {"W": np.array([1, 1, 3], "float32")}
    assert modules.relative_error(one, other) == pytest.approx(2 / 3)
    for wrong in ({"cost": one["cost"]}, one | {"W": np.ones((3, 1), "float32")}):
        with pytest.raises(ValueError):
            modules.relative_error(one, wrong)


def test_ratio_is_the_median_of_rounds(modules: Any) -> None:
    assert modules.ratio([1.0, 2.0, 90.0], [2.0, 2.0, 3.0]) == 1.0
