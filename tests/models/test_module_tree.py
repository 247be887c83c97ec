"""Module trees: names, counts, files; what is wrong with a file is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import symseq.tensor as T
from symseq.errors import CheckpointError, UsageError
from symseq.lengths import dims
from symseq.models import LSTM, Dense, Embedding, Module, Recurrent, checkpoints, init
from symseq.span import shared_groups


class Model(Module):
    def __init__(self, width: int = 3, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.embedding = Embedding(5, width, rng=rng)
        self.layers = [Recurrent(LSTM(width, width, rng=rng))]
        self.heads = {"out": Dense(width, 2, rng=rng)}
        self.again = self.embedding.W  # tied


PATHS = ["embedding.W", "layers.0.cell.W", "layers.0.cell.U", "layers.0.cell.b",
         "heads.out.W", "heads.out.b"]  # fmt: skip


def values(model: Module) -> dict[str, np.ndarray]:
    return {name: v.get_value() for name, v in model.parameters().items()}


def test_parameters_are_named_by_path_and_counted_once() -> None:
    model = Model()
    assert list(model.parameters()) == PATHS
    assert model.count() == 15 + 36 + 36 + 12 + 6 + 2
    assert model.groups()["layers.0.cell"] == PATHS[1:4]
    assert model.summary().endswith("107 parameters")
    assert Module().summary() == "0 parameters"


def test_a_module_may_know_the_one_that_holds_it() -> None:
    model = Model()
    model.layers[0].parent = model
    assert list(model.parameters()) == PATHS


@pytest.mark.parametrize("length", [-1, 2.5])
def test_lengths_are_counts(length: float) -> None:
    with pytest.raises(UsageError, match="at least 0"):
        Dense(length, 3, rng=np.random.default_rng(0))  # type: ignore[arg-type]


def test_lengths_keep_their_names() -> None:
    V, H = dims(V=5, H=4)
    cell = LSTM(V, H, rng=np.random.default_rng(0))
    assert str(cell.W.type) == "float32[V, 4H]"
    with pytest.raises(UsageError, match="must be known; got N"):
        Embedding(*dims("N"), 3, rng=np.random.default_rng(0))


def test_save_and_load(tmp_path: Path) -> None:
    model, other = Model(seed=1), Model(seed=2)
    model.save(tmp_path / "deep" / "model.safetensors", note=[1, "é"])
    assert other.load(tmp_path / "deep" / "model.safetensors") == {"note": [1, "é"]}
    for name, value in values(model).items():
        np.testing.assert_array_equal(value, values(other)[name])
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["model.safetensors"]


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-7])


def flip_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-3] ^= 16
    file.write_bytes(data)


def not_ours(file: Path) -> None:
    save_file({"W": np.zeros(3)}, file)


def another_model(file: Path) -> None:
    Dense(3, 2, rng=np.random.default_rng(0)).save(file)


def other_sizes(file: Path) -> None:
    Model(width=4).save(file)


WRONG = {
    cut_short: "whole safetensors file",
    flip_a_bit: "match its digest",
    lambda file: file.write_bytes(b""): "whole safetensors file",
    lambda file: file.write_text("{'W': 1}"): "whole safetensors file",
    lambda file: file.unlink(): "there is none at",
    not_ours: "written by symseq",
    another_model: "lacks embedding.W, heads.out.W, heads.out.b and also has W, b",
    other_sizes: r"embedding.W must be float32\[5, 3\]; .* has float32\[5, 4\]",
}


@pytest.mark.parametrize("damage", WRONG, ids=lambda damage: damage.__name__)
def test_a_wrong_file_changes_nothing(tmp_path: Path, damage) -> None:
    file = tmp_path / "model.safetensors"
    Model(seed=1).save(file)
    damage(file)
    model = Model(seed=2)
    before = values(model)
    with pytest.raises(CheckpointError, match=WRONG[damage]) as error:
        model.load(file)
    assert str(file) in str(error.value)
    assert Path(__file__).name in str(error.value)
    for name, value in values(model).items():
        np.testing.assert_array_equal(value, before[name])


def test_notes_are_read_whole_or_not_at_all(tmp_path: Path) -> None:
    file, model = tmp_path / "model.safetensors", Model()
    model.save(file, losses=[1.5, 2.5])
    whole = file.read_bytes()
    for damage in ((b"1.5", b"1.4"), (b"losses", b"losser"), (b"[1.5", b"{1.5")):
        file.write_bytes(whole.replace(*damage))
        with pytest.raises(CheckpointError, match="match its digest"):
            model.load(file)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "a.safetensors"
    checkpoints.write(file, {"x": np.ones(2)})

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("symseq.files.os.replace", fail)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.write(file, {"x": np.zeros(2)})
    np.testing.assert_array_equal(checkpoints.read(file)[0]["x"], np.ones(2))
    assert list(tmp_path.iterdir()) == [file]


def test_scalars_strided_and_empty_arrays_survive(tmp_path: Path) -> None:
    arrays = {
        "s": np.float32(3),
        "t": np.arange(6.0).reshape(2, 3).T,
        "e": np.ones((0, 2)),
    }
    checkpoints.write(tmp_path / "f", {k: np.asarray(a) for k, a in arrays.items()})
    for name, array in checkpoints.read(tmp_path / "f")[0].items():
        np.testing.assert_array_equal(array, arrays[name])


def test_initialisers(rng=np.random.default_rng(0)) -> None:  # noqa: B008
    square = init.orthogonal()(rng, (4, 4)).astype("float64")
    np.testing.assert_allclose(square @ square.T, np.eye(4), atol=1e-6)
    for shape in [(2, 5), (5, 2)]:
        q = init.ortho_weight(2.0)(rng, shape).astype("float64")
        gram = q @ q.T if shape[0] < shape[1] else q.T @ q
        np.testing.assert_allclose(gram, 4 * np.eye(2), atol=1e-5)
    assert np.abs(init.glorot()(rng, (30, 24))).max() <= 1 / 3
    assert np.abs(init.uniform(0.2)(rng, (9,))).max() <= 0.2
    assert init.he()(rng, (400, 50)).std() == pytest.approx(np.sqrt(2 / 400), rel=0.05)
    assert init.normal(0.01)(rng, (100, 100)).std() == pytest.approx(0.01, rel=0.05)
    blocks = init.joined(init.orthogonal(), 4)(rng, (3, 12)).astype("float64")
    for block in np.split(blocks, 4, axis=1):
        np.testing.assert_allclose(block.T @ block, np.eye(3), atol=1e-6)
    assert init.zeros(rng, (0, 3)).shape == (0, 3)
    with pytest.raises(UsageError, match="begins a matrix"):
        init.orthogonal()(rng, (3,))


def labels(variable: Any) -> list[str]:
    return [group.label for group in shared_groups(variable.owner.spans)]


def test_a_call_is_a_group_named_by_the_attribute_that_holds_the_module() -> None:
    rng = np.random.default_rng(0)

    class Twice(Module):
        def __init__(self) -> None:
            self.parts = [Dense(3, 3, rng=rng), Dense(3, 3, rng=rng)]

        def __call__(self, x: Any) -> Any:
            first, second = self.parts
            self.seen = first(x), second(x), first(x)
            return self.seen[0] + self.seen[1]

    model = Twice()
    total = model(T.matrix("x"))
    assert labels(total) == ["Twice"]
    first, second, again = model.seen
    assert labels(first) == ["Twice", "parts.0"]
    assert labels(second) == ["Twice", "parts.1"]
    assert labels(again) == labels(first)
    calls = {shared_groups(v.owner.spans) for v in (first, again)}
    assert len(calls) == 2  # one kernel, two products: two boxes
    assert labels(model.parts[0](T.matrix("x"))) == ["Dense"]
