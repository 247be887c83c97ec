"""Tasks that are drawn, not read: every batch anew, the same for one seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from symseq.config import config
from symseq.errors import UsageError
from symseq.types import Array

from .batches import check_sizes


class Example(NamedTuple):
    """What a model is given, and what it should answer."""

    x: Array  # floatX[T, B, D], time first
    y: Array  # floatX[T, B, K], or floatX[B] for one answer a sequence


Draw = Callable[[np.random.Generator, int], tuple[Array, ...]]


@dataclass(frozen=True)
class Drawn:
    """`count` batches an epoch of `size` sequences, each made by ``draw(rng, size)``.

    Batch i of epoch k is drawn from a generator of (seed, k, i): no two epochs are
    alike, and any batch can be made again.

    >>> ones = Drawn(lambda rng, size: (np.ones((3, size)),), size=2, count=4)
    >>> [batch[0].shape for batch in ones.epoch(0)]
    [(3, 2), (3, 2), (3, 2), (3, 2)]
    """

    draw: Draw
    size: int
    count: int
    seed: int = 0

    def __post_init__(self) -> None:
        check_sizes(size=self.size)
        if self.count < 0:
            raise UsageError(f"an epoch has at least 0 batches; got {self.count}")

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return self.count

    @property
    def identity(self) -> dict[str, Any]:
        """What must be the same for a training to be resumed."""
        names = ("size", "count", "seed")
        return {"drawn": True} | {name: getattr(self, name) for name in names}

    def epoch(self, epoch: int) -> Iterator[tuple[Array, ...]]:
        """The batches of epoch number `epoch`."""
        for number in range(self.count):
            rng = np.random.default_rng([self.seed, epoch, number])
            yield self.draw(rng, self.size)


def sine_waves(
    rng: np.random.Generator, size: int, *, steps: int = 100, period: float = 25.0
) -> Example:
    """Sine waves of unit height from a phase drawn anew; y is x one step later.

    Shapes: x, y: floatX[steps, size, 1]; the period is in steps.
    """
    check_sizes(steps=steps)
    if not period > 0:
        raise UsageError(f"a period must be above 0; got {period}")
    phase = rng.uniform(0, 2 * np.pi, size)
    angle = phase + 2 * np.pi / period * np.arange(steps + 1)[:, None]
    wave = np.sin(angle)[:, :, None].astype(config.floatX)
    return Example(wave[:-1], wave[1:])


def adding_problem(rng: np.random.Generator, size: int, *, steps: int = 200) -> Example:
    """Σ of the two numbers that are marked: x_t = (u_t, mark_t), u ~ U(0, 1).

    One mark lies in each half of the sequence. Always answering 1 has a mean squared
    error of 1/6.
    Shapes: x: floatX[steps, size, 2], y: floatX[size].
    Reference: Hochreiter and Schmidhuber 1997, experiment 4, as in Le et al. 2015,
        section 4.1.
    """
    if steps < 2:
        raise UsageError(f"the adding problem has two marks; got {steps} steps")
    numbers, marks = rng.random((steps, size)), np.zeros((steps, size))
    columns, half = np.arange(size), steps // 2
    marks[rng.integers(0, half, size), columns] = 1
    marks[rng.integers(half, steps, size), columns] = 1
    x = np.stack([numbers, marks], axis=-1).astype(config.floatX)
    return Example(x, (numbers * marks).sum(axis=0).astype(config.floatX))
