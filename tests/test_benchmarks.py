"""The benchmarks run, and say the same as each other, at small sizes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
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


def test_ratio_is_the_median_of_common_rounds(load: Callable[[str], Any]) -> None:
    assert load("turns").ratio([1.0, 2.0, 90.0, 7.0], [2.0, 2.0, 3.0]) == 1.0


def test_who_is_slow_has_fewer_turns(load: Callable[[str], Any]) -> None:
    turns = load("turns")
    made = [turns.turns_of(seconds, 9) for seconds in (0.0, 0.4, 0.8, 60.0)]
    assert made == [9, 9, 5, 3]
    assert turns.turns_of(60.0, 1) == 1
    seen = [len(times["f"]) for times in turns.interleave({"f": int}, 4)]
    assert seen == [1, 2, 3, 4]


def test_a_worker_that_hangs_or_crashes_is_told(
    load: Callable[[str], Any], tmp_path: Path
) -> None:
    run, work = load("run"), load("works").WORKS["plain_rnn"]
    options = run.Options(1, ("numpy",), timeout=3)
    ended = []
    for text in ("import time; time.sleep(60)", "import os; os._exit(3)", "[][0]", ""):
        ended.append(run._run([sys.executable, "-c", text], options, tmp_path))
    assert ended == [
        "stopped after 3 s",
        "ended with 3: ",
        "ended with 1: IndexError: list index out of range",
        None,
    ]
    found = run.run_case(work, "tiny", "floor", replace(options, timeout=0), tmp_path)
    assert found == {"failed": "stopped after 0 s"}
    assert "stopped after 0 s" in load("table").lines(work, "floor", found, True)[0]


def test_a_worker_saves_what_it_has_after_each_round(
    load: Callable[[str], Any],
) -> None:
    work, worker = load("works").WORKS["plain_rnn"], load("worker")
    saved: list[Any] = []

    def save(found: Any) -> None:
        saved.append(json.loads(json.dumps(found)))
        if "ratios" in found:
            raise KeyboardInterrupt

    builds = worker.implementations(work, "floor", ["numpy"])
    with pytest.raises(KeyboardInterrupt):
        worker.measure(work, "tiny", builds, 5, save)
    assert [list(found["implementations"]) for found in saved[:2]] == [
        ["symseq numpy"],
        ["symseq numpy", "floor"],
    ]
    assert saved[-1]["ratios"]["symseq numpy"]["floor"] > 0


def test_results_are_put_together(load: Callable[[str], Any], tmp_path: Path) -> None:
    results = load("results")
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    results.write(one, {"works": {"a": {"x": {"jax": 1, "torch": 1}}}})
    results.write(two, {"works": {"a": {"x": {"jax": 2}, "y": {"jax": 2}}, "b": {}}})
    whole = {"a": {"x": {"jax": 2, "torch": 1}, "y": {"jax": 2}}}
    assert results.read([one, two]) == whole
    with pytest.raises(TypeError):
        results.write(one, {"works": object()})
    assert results.read([one]) == {"a": {"x": {"jax": 1, "torch": 1}}}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one.json", "two.json"]


def test_bounds_name_cases_that_are_run(load: Callable[[str], Any]) -> None:
    bounds, works = load("bounds"), load("works").WORKS
    for bound in bounds.BOUNDS:
        assert bound.case in works[bound.work].cases
    assert all(v.value is None and v.met is None for v in bounds.judge({}))
    lines = bounds.lines(bounds.judge({}))[1:]
    assert all(line.endswith("not measured") for line in lines)


def test_a_bound_is_met_or_missed(load: Callable[[str], Any]) -> None:
    bounds = load("bounds")
    ratios = {"symseq numpy": {"jax": 0.5}, "symseq numba": {"jax": 0.9}}
    slow = {"symseq numpy": {"torch": 1.04}, "symseq numba": {"torch": 0.3}}
    case = {"jax": {"ratios": ratios}, "torch": {"ratios": slow}}
    works = {"lstm_layer": {"T=100 B=16 H=128": case}}
    found = {row["target"]: row for row in bounds.rows(bounds.judge(works))}
    mine = found["symseq numpy"]
    assert (mine["over"], mine["value"], mine["met"]) == ("torch", 1.04, True)
    mine = found["symseq numba"]
    assert (mine["over"], mine["value"], mine["met"]) == ("jax", 0.9, False)


def test_committed_results_are_judged() -> None:
    files = sorted((ROOT / "benchmarks/results").glob("*.json"))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bounds", *files],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert "not measured" not in done.stdout


def test_growth_is_read_along_each_axis(load: Callable[[str], Any]) -> None:
    picture, work = load("picture"), load("works").WORKS["growth"]
    assert picture.shared_case(work) == "T=100 B=16 H=128"
    said = {"implementations": {"symseq numpy": {"milliseconds": [3.0, 1.0, 2.0]}}}
    cases = {case: {"jax": said} for case in work.cases}
    along = picture.curves(work, cases, "B")["symseq numpy"]
    assert sorted(along) == [(1, 2.0), (4, 2.0), (16, 2.0), (64, 2.0)]
