"""`symseq bench`: targets compared and timed in turns."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import symseq as ss
import symseq.tensor as T
from symseq.cli import bench
from symseq.cli.app import app
from symseq.errors import ShapeError, TargetError, UsageError

TARGETS = ["reference", "numpy"]


def test_targets_agree_and_are_timed() -> None:
    x = T.matrix("x", shape=ss.dims("T", D=3))
    found = bench.bench(T.tanh(x).sum(axis=0), {"T": 4}, targets=TARGETS, rounds=3)
    assert [row.target for row in found.rows] == TARGETS
    assert all(row.call_seconds > 0 and row.error < 1e-6 for row in found.rows)


def test_what_a_function_updates_is_left_as_it_was() -> None:
    w = ss.shared(np.ones(3, "float32"), "w")
    x = T.vector("x")
    f = ss.function([x], (w * x).sum(), updates=[(w, w + x)])
    found = bench.bench(f, {"x": (3,)}, targets=TARGETS, rounds=2)
    assert [row.error for row in found.rows] == [0, 0]
    np.testing.assert_array_equal(w.get_value(), 1)


def test_integers_masks_and_scalars_are_drawn() -> None:
    i, n, flag = T.ivector("i"), T.iscalar("n"), T.TensorType("bool", ())("flag")
    y = T.arange(n).sum() + i.sum() + T.cast(flag, "int32")
    shapes = {"i": (4,), "n": 3}
    assert bench.bench(y, shapes, targets=TARGETS, rounds=1).rows[1].error == 0


def test_a_difference_counts_relatively_and_nan_is_nan() -> None:
    a, b = np.array([np.nan, 100.0]), np.array([np.nan, 101.0])
    assert bench._difference([a], [a]) == 0
    assert bench._difference([b], [a]) == pytest.approx(0.01)
    assert bench._difference([np.zeros(0)], [np.zeros(0)]) == 0


def test_wrong_shapes_targets_and_rounds() -> None:
    x = T.matrix("x", shape=ss.dims("T", D=3))
    with pytest.raises(UsageError, match="lengths of x must be known"):
        bench.bench(x + 1, {}, targets=TARGETS, rounds=1)
    with pytest.raises(ShapeError, match="rank 2"):
        bench.bench(x + 1, {"x": (3, 3, 3)}, targets=TARGETS, rounds=1)
    with pytest.raises(TargetError, match="target must be one of"):
        bench.bench(x + 1, {"T": 3}, targets=["fortran"], rounds=1)
    with pytest.raises(UsageError, match="rounds"):
        bench.bench(x + 1, {"T": 3}, targets=TARGETS, rounds=0)


def test_the_command(tmp_path: Path) -> None:
    file = tmp_path / "m.py"
    file.write_text(
        "import symseq.tensor as T\nx = T.vector('x')\ny = T.exp(x).sum()\n"
    )
    to = tmp_path / "b.json"
    options = "--shape x=7 --target reference --target numpy --rounds 2 --json".split()
    done = CliRunner().invoke(app, ["bench", f"{file}:y", *options, str(to)])
    assert done.exit_code == 0, done.output
    assert "reference" in done.stdout and "ratio" in done.stdout
    names = {"target", "compile_seconds", "first_call_seconds", "call_seconds", "error"}
    assert [set(row) for row in json.loads(to.read_text())] == [names, names]
