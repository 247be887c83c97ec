"""The training loop: progress, validation, best epoch, checkpoints, exact resume."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from symseq.errors import CheckpointError, TargetError, UsageError
from symseq.graph import SharedVariable, Variable
from symseq.span import here
from symseq.traverse import shared_variables
from symseq.types import Array

from . import checkpoints
from .data.batches import Batches, Minibatches
from .module import Module
from .optimizers import Updates

# A compiled step: a batch's arrays → its loss; it updates what it trains.
Step = Callable[..., Any]


def sequences_of(first: Array, *others: Array) -> int:
    """How many sequences a batch has. Shapes: first: [T, B, ...]."""
    return int(first.shape[1])


def tokens_of(first: Array, *others: Array) -> int:
    """How many tokens a batch without padding has. Shapes: first: int[T, B]."""
    return int(first.size)


@dataclass
class History:
    """One entry per finished epoch: mean loss, validation score, seconds."""

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        return len(self.losses)

    @property
    def best(self) -> int:
        """The epoch (from 0) of the highest score, the first of equals; -1 for none."""
        return int(np.nanargmax(self.scores)) if np.isfinite(self.scores).any() else -1


def training_state(
    model: Module, cost: Variable, updates: Updates
) -> dict[str, SharedVariable]:
    """Everything that a training step changes, by name: what a resume needs.

    That is the parameters, what the optimizer remembers, and the random streams (the
    shared variables with a default update) that `cost` and `updates` read.
    """
    state = {f"model.{path}": v for path, v in model.parameters().items()}
    seen = {id(variable) for variable in state.values()}
    for variable in [*updates, *shared_variables([cost, *updates.values()])]:
        kind = "optimizer" if variable in updates else "random"
        changes = kind == "optimizer" or variable.default_update is not None
        if changes and id(variable) not in seen:
            seen.add(id(variable))
            state[f"{kind}.{len(state)}.{variable.name or 'unnamed'}"] = variable
    return state


def fit(
    step: Step,
    batches: Minibatches,
    *,
    model: Module,
    state: Mapping[str, SharedVariable],
    validate: Callable[[], float],
    epochs: int,
    patience: int | None = None,
    checkpoint: str | Path | None = None,
    before_epoch: Callable[[int], None] | None = None,
    weigh: Callable[..., float] = sequences_of,
    picture: str | Path | None = None,
    metric: str = "score",
    console: Console | None = None,
) -> History:
    """Train until `epochs` epochs are done, and leave `model` as it was at the best.

    A step is called with the arrays of a batch. An epoch's loss is the mean of its
    steps', each weighed by ``weigh(*batch)``: by how many sequences it has.

    After each epoch `validate()` gives a score, higher is better; training stops when
    `patience` epochs have brought no better one, or at Ctrl-C. With `checkpoint` the
    whole `state` (of `training_state`) is saved there after each epoch, and where the
    file exists training goes on from it: losses and parameters are bit for bit those
    of a run without the break. ``before_epoch(k)`` may set a learning rate; as with the
    order of the data, what it does should depend on k alone.

    The curves of loss and score so far are drawn in the file `picture` after each
    epoch. `metric` names the score there; "-bits" says that it is the negative of bits.

    Raises: CheckpointError where the file is damaged or from another training;
        UsageError for a picture that is no .svg, .png or .pdf, or in no folder;
        TargetError for one without matplotlib.
    """
    if epochs < 0 or (patience is not None and patience < 1):
        raise UsageError(
            f"epochs are at least 0 and patience at least 1; got {epochs}, {patience}"
        )
    console = console or Console(stderr=True)
    path = None if checkpoint is None else Path(checkpoint)
    draw = None if picture is None else _drawer(Path(picture), metric)
    run = _Run(model, state, batches, path, draw)
    run.resume()
    try:
        while run.history.epochs < epochs and not run.is_stale(patience):
            epoch = run.history.epochs
            if before_epoch is not None:
                before_epoch(epoch)
            start = perf_counter()
            with _bar(epoch, epochs, len(batches), console) as progress:
                shown = batches.epoch(epoch)
                loss = mean_loss(step, shown, weigh, progress=progress)
            run.record(loss, float(validate()), perf_counter() - start)
            console.print(run.line(epochs), highlight=False)
    except KeyboardInterrupt:
        console.print("stopped; the best epoch so far is kept")
    run.keep_best()
    return run.history


def predict(
    classify: Callable[[Array, Array], Any], batches: Batches
) -> tuple[Array, Array]:
    """Every prediction beside its label, over one epoch of `batches`.

    Shapes: classify: (int[T, B], float[T, B]) → int[B]; returns int64[N], int64[N].
    """
    pairs = [
        (classify(batch.x, batch.mask), batch.labels) for batch in batches.epoch(0)
    ]
    none = np.zeros(0, "int64")
    predicted = np.concatenate([none, *(np.asarray(p, "int64") for p, _ in pairs)])
    return predicted, np.concatenate([none, *(labels for _, labels in pairs)])


def mean_loss(
    measure: Step,
    batches: Iterable[tuple[Array, ...]],
    weigh: Callable[..., float] = sequences_of,
    *,
    progress: Progress | None = None,
) -> float:
    """The mean of ``measure(*batch)``, weighed by ``weigh(*batch)``; 0 for no batch."""
    total = weights = 0.0
    for batch in batches:
        weight = float(weigh(*batch))
        total += float(measure(*batch)) * weight
        weights += weight
        if progress is not None:
            loss = total / (weights or 1)
            progress.update(progress.task_ids[0], advance=1, loss=loss)
    return total / (weights or 1)


def late_decay(epoch: int, epochs: int) -> float:
    """A factor for the learning rate: 1 for half the epochs, then down in a line.

    >>> [late_decay(epoch, 4) for epoch in range(4)]
    [1.0, 1.0, 1.0, 0.5]
    """
    return min(1.0, 2.0 * (1.0 - epoch / epochs))


def _drawer(path: Path, metric: str) -> Callable[[History], object]:
    """What draws the curves so far; what is wrong with the file is told before work."""
    if importlib.util.find_spec("matplotlib") is None:
        raise TargetError(
            "a picture of a training needs the package matplotlib, which is not here",
            hint="pip install 'symseq[cli]'",
        )
    # Loaded when asked for: it is optional.
    plotting = importlib.import_module(".plotting", __package__)
    plotting.form_of(path)
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {str(path.parent)!r} for {path.name}")
    return lambda history: plotting.draw_training(history, path, metric=metric)


def _bar(epoch: int, epochs: int, steps: int, console: Console) -> Progress:
    """A bar over the batches of an epoch, where the console is a terminal."""
    bar = Progress(
        TextColumn(f"epoch {epoch + 1}/{epochs}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.4f}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    bar.add_task("", total=steps, loss=float("nan"))
    return bar


@dataclass
class _Run:
    """One training under way: its state, its history, its best parameters."""

    model: Module
    state: Mapping[str, SharedVariable]
    batches: Minibatches
    path: Path | None
    draw: Callable[[History], object] | None = None
    history: History = field(default_factory=History)
    best: dict[str, Array] = field(default_factory=dict)

    def record(self, loss: float, score: float, seconds: float) -> None:
        self.history.losses.append(loss)
        self.history.scores.append(score)
        self.history.seconds.append(seconds)
        if self.history.best in (-1, self.history.epochs - 1):
            self.best = self._parameters()
        if self.path is not None:
            arrays = {name: v.storage for name, v in self.state.items()}
            kept = {f"best.{name}": array for name, array in self.best.items()}
            notes = {"history": asdict(self.history), "data": self.batches.identity}
            checkpoints.write(self.path, {**arrays, **kept}, **notes)
        if self.draw is not None:
            self.draw(self.history)

    def resume(self) -> None:
        self.best = self._parameters()
        if self.path is None or not self.path.exists():
            return
        arrays, notes = checkpoints.read(self.path)
        if "history" not in notes or notes.get("data") != self.batches.identity:
            raise CheckpointError(
                f"training resumes with the same data; {self.path} was saved with "
                f"{notes.get('data')}, not {self.batches.identity}",
                hint="use the same data, batch size and seed, or another checkpoint",
            ).at(here())
        kept = {k: a for k, a in arrays.items() if k.startswith("best.")}
        rest = {k: a for k, a in arrays.items() if k not in kept}
        checkpoints.restore(self.state, rest, self.path)
        self.best = {name.removeprefix("best."): array for name, array in kept.items()}
        self.history = History(**notes["history"])
        if self.draw is not None:
            self.draw(self.history)

    def is_stale(self, patience: int | None) -> bool:
        waited = self.history.epochs - 1 - self.history.best
        return patience is not None and waited >= patience

    def keep_best(self) -> None:
        for name, variable in self.model.parameters().items():
            variable.set_value(self.best[name])

    def line(self, epochs: int) -> str:
        history = self.history
        mark = " (best)" if history.best == history.epochs - 1 else ""
        return (
            f"epoch {history.epochs}/{epochs}  loss {history.losses[-1]:.4f}  "
            f"valid {history.scores[-1]:.4f}{mark}  {history.seconds[-1]:.1f} s"
        )

    def _parameters(self) -> dict[str, Array]:
        return {name: v.get_value() for name, v in self.model.parameters().items()}
