"""Training: the best epoch, patience, Ctrl-C, exact resume."""

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from symseq.compiler.function import function
from symseq.errors import CheckpointError, TargetError, UsageError
from symseq.graph import SharedVariable
from symseq.models import (
    Dense,
    Dropout,
    Embedding,
    Module,
    data,
    losses,
    metrics,
    optimizers,
    pooling,
    train,
)
from symseq.models.plotting import draw_confusion
from symseq.random.streams import RandomStreams
from symseq.types import TensorType


class Tiny(Module):
    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.embedding = Embedding(9, 4, rng=rng)
        self.output = Dense(4, 2, rng=rng)

    def __call__(self, x, mask, streams=None):
        h = pooling.mean_pool(self.embedding(x), mask)
        return self.output(Dropout(0.3)(h, streams))


class Job:
    """A model with its training, built anew: as if in another process."""

    def __init__(self, name: str = "adam", seed: int = 5) -> None:
        self.model = Tiny()
        x, mask = (
            TensorType("int32", (None,) * 2)(),
            TensorType("float32", (None,) * 2)(),
        )
        labels = TensorType("int32", (None,))()
        cost = losses.cross_entropy(self.model(x, mask, RandomStreams(7)), labels)
        updates = optimizers.OPTIMIZERS[name](cost, self.model.parameters())
        self.step = function([x, mask, labels], cost, updates=updates)
        self.guess = function([x, mask], self.model(x, mask).argmax(axis=1))
        self.state = train.training_state(self.model, cost, updates)
        rng = np.random.default_rng(1)
        sequences = [rng.integers(1, 9, n) for n in rng.integers(1, 6, 40)]
        found = [int(3 in sequence) for sequence in sequences]
        self.batches = data.Batches(sequences, found, size=8, seed=seed)

    def fit(self, epochs: int, **options) -> train.History:
        scores = options.pop("scores", None)
        return train.fit(
            options.pop("step", self.step), self.batches, model=self.model,
            state=self.state, epochs=epochs, console=Console(file=io.StringIO()),
            validate=(lambda: next(scores)) if scores else self.score, **options,
        )  # fmt: skip

    def score(self) -> float:
        return metrics.accuracy(*train.predict(self.guess, self.batches))

    def values(self) -> dict[str, np.ndarray]:
        return {name: v.get_value() for name, v in self.state.items()}


@pytest.mark.parametrize("name", ["adam", "adadelta", "momentum"])
def test_two_and_two_epochs_are_four(tmp_path: Path, name: str) -> None:
    whole = Job(name)
    expected = whole.fit(4, checkpoint=tmp_path / "whole")
    Job(name).fit(2, checkpoint=tmp_path / "parts")
    rest = Job(name)
    history = rest.fit(4, checkpoint=tmp_path / "parts")
    assert history.losses == expected.losses
    assert history.scores == expected.scores
    for key, value in whole.values().items():
        np.testing.assert_array_equal(value, rest.values()[key], err_msg=key)
    kinds = {key.partition(".")[0] for key in whole.state}
    assert kinds == {"model", "optimizer", "random"}


def test_training_learns() -> None:
    job = Job()
    history = job.fit(30)
    assert history.losses[-1] < history.losses[0]
    assert job.score() == max(history.scores)


def test_the_best_epoch_is_kept_and_patience_ends() -> None:
    kept = []
    job = Job()
    scores = iter([0.1, 0.7, 0.7, 0.2, 0.3, 0.9])

    def watched():
        for score in scores:
            kept.append(job.model.output.b.get_value())
            yield score

    history = job.fit(6, scores=watched(), patience=3)
    assert (history.best, history.epochs) == (1, 5)
    np.testing.assert_array_equal(job.model.output.b.get_value(), kept[1])


def test_ctrl_c_keeps_the_best(tmp_path: Path) -> None:
    job, calls = Job(), []

    def step(*batch):
        calls.append(1)
        if len(calls) > 12:
            raise KeyboardInterrupt
        return job.step(*batch)

    history = job.fit(9, step=step, scores=iter([0.5, 0.1]), checkpoint=tmp_path / "c")
    assert history.epochs == 2
    reference = Job()
    reference.fit(1)
    np.testing.assert_array_equal(
        job.model.output.W.get_value(), reference.model.output.W.get_value()
    )


def test_a_nan_score_is_no_best() -> None:
    assert Job().fit(2, scores=iter([float("nan"), 0.1])).best == 1
    assert train.History().best == -1


def test_before_epoch_is_told_the_epoch(tmp_path: Path) -> None:
    told: list[int] = []
    Job().fit(1, checkpoint=tmp_path / "c", before_epoch=told.append)
    Job().fit(3, checkpoint=tmp_path / "c", before_epoch=told.append)
    assert told == [0, 1, 2]


def test_no_epochs_change_nothing() -> None:
    job = Job()
    before = job.values()
    assert job.fit(0).epochs == 0
    for name, value in job.values().items():
        np.testing.assert_array_equal(value, before[name])


def test_another_training_is_refused(tmp_path: Path) -> None:
    Job().fit(1, checkpoint=tmp_path / "c")
    other = Job("momentum")
    before = other.values()
    with pytest.raises(CheckpointError, match="also has"):
        other.fit(2, checkpoint=tmp_path / "c")
    with pytest.raises(CheckpointError, match="same data"):
        Job(seed=6).fit(2, checkpoint=tmp_path / "c")
    for name, value in other.values().items():
        np.testing.assert_array_equal(value, before[name])
    with pytest.raises(UsageError, match="at least 0"):
        Job().fit(-1)


def test_lines_tell_loss_score_and_time() -> None:
    job, written = Job(), io.StringIO()
    train.fit(job.step, job.batches, model=job.model, state=job.state, epochs=2,
              validate=job.score, console=Console(file=written, width=99))  # fmt: skip
    assert "epoch 2/2  loss" in written.getvalue()
    terminal = Console(file=io.StringIO(), width=99, force_terminal=True)
    train.fit(job.step, job.batches, model=job.model, state=job.state, epochs=1,
              validate=job.score, console=terminal)  # fmt: skip


def test_metrics_of_nothing() -> None:
    none = np.zeros(0, "int64")
    assert metrics.accuracy(none, none) == 0
    assert metrics.confusion(none, none, 2).sum() == 0


def test_cross_entropy_does_not_overflow() -> None:
    logits, labels = TensorType("float64", (None, 3))(), TensorType("int32", (None,))()
    cost = function([logits, labels], losses.cross_entropy(logits, labels))
    sure = np.array([[1000.0, 0.0, -1000.0]])
    np.testing.assert_allclose(cost(sure, [0]), 0)
    np.testing.assert_allclose(cost(sure, [2]), 2000)
    wrong = function([logits, labels], metrics.error_rate(logits, labels))
    np.testing.assert_allclose(wrong(np.repeat(sure, 2, 0), [0, 2]), 0.5)


def test_a_shared_variable_that_nobody_updates_is_no_state() -> None:
    fixed = SharedVariable(TensorType("float32"), np.zeros((), "float32"), "fixed")
    model = Tiny()
    cost = model.output.b.sum() * fixed
    state = train.training_state(model, cost, optimizers.sgd(cost, [model.output.b]))
    assert set(state) == {f"model.{path}" for path in model.parameters()}


def test_curves_are_drawn_while_training_goes_on(tmp_path: Path) -> None:
    job, seen, file = Job(), [], tmp_path / "curve.svg"

    def look(epoch: int) -> None:
        seen.append(file.read_bytes() if file.exists() else b"")

    how = {"picture": file, "metric": "-bits", "checkpoint": tmp_path / "c"}
    job.fit(3, before_epoch=look, **how)
    assert seen[0] == b"" and b"<svg" in seen[1] and seen[1] != seen[2]
    assert file.read_bytes() not in seen
    assert {path.name for path in tmp_path.iterdir()} == {"c", "curve.svg"}
    whole = file.read_bytes()
    file.unlink()
    Job().fit(3, **how)  # nothing is left to do but the picture
    assert file.read_bytes() == whole


def test_a_picture_that_cannot_be_written_is_told_before_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job()
    with pytest.raises(UsageError, match="must end in"):
        job.fit(1, picture=tmp_path / "curve.txt")
    with pytest.raises(UsageError, match="no folder"):
        job.fit(1, picture=tmp_path / "no" / "curve.svg")
    monkeypatch.setattr(train.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TargetError, match="matplotlib"):
        job.fit(1, picture=tmp_path / "curve.svg")
    assert list(tmp_path.iterdir()) == []


def test_the_confusion_picture_is_written(tmp_path: Path) -> None:
    draw_confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), "ab", tmp_path / "c.png")
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
