"""What a training keeps: losses and scores by epoch, its best parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from symseq.errors import CheckpointError
from symseq.graph import SharedVariable
from symseq.span import here
from symseq.types import Array

from . import checkpoints
from .data.batches import Minibatches
from .module import Module


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


@dataclass
class Run:
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
