"""The training loop: progress, validation, best epoch, checkpoints, exact resume."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping
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

from symseq.errors import TargetError, UsageError
from symseq.graph import SharedVariable, Variable
from symseq.traverse import shared_variables
from symseq.types import Array

from .data.batches import Batches, Minibatches
from .history import History, Run
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
    run = Run(model, state, batches, path, draw)
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
    """A factor for the learning rate: 1 for half the epochs, then down in a line to 0.

    >>> [late_decay(epoch, 4) for epoch in range(4)]
    [1.0, 1.0, 1.0, 0.5]
    """
    return min(1.0, max(0.0, 2.0 * (1.0 - epoch / max(1, epochs))))


def _drawer(path: Path, metric: str) -> Callable[[History], object]:
    """What draws the curves so far; what is wrong with the file is told before work."""
    if importlib.util.find_spec("matplotlib") is None:
        raise TargetError(
            "a picture of a training needs the package matplotlib, which is not here",
            hint="pip install 'symseq[cli]'",
        )
    # Loaded when asked for: it is optional.
    plotting = importlib.import_module(".plotting", __package__)
    importlib.import_module(".chart", __package__).form_of(path)
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
