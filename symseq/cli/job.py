"""What the trainings of the command line have in common."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from symseq.cli.options import check_place
from symseq.compiler.function import function
from symseq.config import config
from symseq.errors import TargetError, UsageError
from symseq.graph import SharedVariable, Variable
from symseq.models import Module, optimizers, train
from symseq.models.data.batches import Minibatches
from symseq.models.history import History
from symseq.variables import shared

ENDING = ".safetensors"
CLIP = 5.0  # the largest norm of all gradients together


def optional(module: str, package: str, extra: str) -> Any:
    """A module of ours that needs a package; loaded when asked for: it is optional.

    Raises: TargetError where the package is missing.
    """
    if importlib.util.find_spec(package) is None:
        raise TargetError(
            f"this needs the package {package}, which is not here",
            hint=f'pip install "symseq[{extra}]"',
        )
    return importlib.import_module(module)


@dataclass(frozen=True)
class Job:
    """One training: `out` gets the model; curve and checkpoint lie beside it.

    Raises: UsageError for a model's file of another ending, or in no folder.
    """

    out: Path
    epochs: int
    rate: float
    seed: int
    target: str
    resume: bool

    def __post_init__(self) -> None:
        if self.out.suffix != ENDING:
            raise UsageError(f"a model's file must end in {ENDING}; got {self.out}")
        check_place(self.out)

    def beside(self, ending: str) -> Path:
        return self.out.with_suffix(ending)

    def fit(
        self,
        model: Module,
        cost: Variable,
        inputs: Sequence[Variable],
        batches: Minibatches,
        validate: Callable[[], float],
        *,
        metric: str,
        carry: Mapping[SharedVariable, Variable] | None = None,
        before_epoch: Callable[[], None] = lambda: None,
        weigh: Callable[..., float] = train.sequences_of,
    ) -> History:
        """Train by Adam on clipped gradients, at a rate that goes down at last."""
        pace = shared(np.array(0, config.floatX), name="rate")
        params = model.parameters()
        grads = optimizers.clip_by_norm(optimizers.gradients(cost, params), CLIP)
        updates = optimizers.adam(grads, params, pace)
        every = {**updates, **(carry or {})}
        step = function(inputs, cost, updates=every, target=self.target)
        checkpoint = self.beside(".checkpoint")
        if not self.resume:
            checkpoint.unlink(missing_ok=True)

        def before(epoch: int) -> None:
            before_epoch()
            pace.set_value(self.rate * train.late_decay(epoch, self.epochs))

        state = train.training_state(model, cost, updates)
        return train.fit(
            step, batches, model=model, state=state,
            validate=validate, epochs=self.epochs, before_epoch=before, weigh=weigh,
            checkpoint=checkpoint, picture=self.beside(".curve.svg"), metric=metric,
        )  # fmt: skip

    def settings(self) -> dict[str, Any]:
        names = ("epochs", "rate", "seed", "target")
        return {name: getattr(self, name) for name in names}
