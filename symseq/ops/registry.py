"""All ops by name, each with cases: an op is tested by being registered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Op
from symseq.types import Array


@dataclass(frozen=True, slots=True)
class Case:
    """An op with sample inputs. ``wrt``: the inputs to take differences of.

    Inputs come as float64 where they are floats; lengths of 1 are static.
    """

    op: Op
    inputs: tuple[Array, ...]
    wrt: tuple[int, ...] | None = None

    @property
    def differentiated(self) -> tuple[int, ...]:
        """The inputs whose gradient is checked: `wrt`, or all floats."""
        if self.wrt is not None:
            return self.wrt
        return tuple(i for i, x in enumerate(self.inputs) if x.dtype.kind == "f")


Cases = Callable[[np.random.Generator], Iterator[Case]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A registered op: one op without parameters, or a class of ops."""

    name: str
    what: Op | type[Op]
    cases: Cases

    def __str__(self) -> str:
        return self.name


REGISTRY: dict[str, Entry] = {}
Class = TypeVar("Class", bound=type[Op])


def enter(name: str, what: Op | type[Op], cases: Cases) -> None:
    if name in REGISTRY:
        raise UsageError(f"an op named {name!r} is registered already")
    REGISTRY[name] = Entry(name, what, cases)


def register(name: str, *, cases: Cases) -> Callable[[Class], Class]:
    """Enter a class of ops under `name`, with cases drawn from a generator."""

    def add(cls: Class) -> Class:
        enter(name, cls, cases)
        return cls

    return add


@dataclass(frozen=True, slots=True)
class Domain:
    """Where an elementwise op is defined and smooth: samples lie in (low, high)."""

    low: float
    high: float
    integer: bool = False
    away_from: tuple[float, ...] = ()  # kinks: samples keep a distance of 0.05

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        if self.integer:
            return rng.integers(int(self.low), int(self.high), shape)
        drawn = rng.uniform(self.low, self.high, shape)
        for kink in self.away_from:
            near = np.abs(drawn - kink) < 0.05
            drawn = np.where(near, kink + np.where(drawn < kink, -0.1, 0.1), drawn)
        return np.asarray(drawn)


REAL = Domain(-3, 3)
SMOOTH_REAL = Domain(-3, 3, away_from=(-2.0, -1.0, 0.0, 1.0, 2.0))
POSITIVE = Domain(0.1, 4)
UNIT = Domain(-0.9, 0.9)
ABOVE_ONE = Domain(1.1, 4)
INTEGER = Domain(-5, 6, integer=True)
NATURAL = Domain(0, 6, integer=True)
TRUTH = Domain(0, 2, integer=True)
