"""What a benchmark is: a piece of work, its sizes, and what an implementation gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Problem:
    """The numbers that every implementation is given.

    The results are the cost and its gradients, by name: those of all `params`, and of
    the inputs that `also` names.
    """

    params: dict[str, Array]
    inputs: dict[str, Array]
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Product:
    """`times` matrix products of these shapes; leading axes are batches."""

    left: tuple[int, ...]
    right: tuple[int, ...]
    times: int = 1


@dataclass
class Built:
    """An implementation that is ready to run.

    `run` is one whole call, finished when it returns; `results` turns what it returned
    into arrays by name; `bytes` tells what memory the last call needed.
    """

    run: Callable[[], Any]
    results: Callable[[Any], dict[str, Array]]
    seconds: dict[str, float] = field(default_factory=dict)
    bytes: Callable[[Any], dict[str, int]] = lambda _: {}


Build = Callable[[Any, Problem], Built]  # (sizes, problem) -> Built


@dataclass(frozen=True)
class Work:
    """One line of the comparison: what is computed, on which sizes.

    `folder` under `benchmarks/works/` has a file for each implementation. A call that
    changes what the next one finds (a training step) is compared on a copy, built from
    the `comparable` sizes: those of the same problem with its draws given as inputs.
    """

    name: str
    title: str
    folder: str
    cases: Mapping[str, Any]
    tiny: Any
    sample: Callable[[Any], Problem]
    products: Callable[[Any], list[Product]]
    comparable: Callable[[Any], Any] | None = None
    axes: tuple[str, ...] = ()  # of Work.cases, where they show how time grows
    peers: tuple[str, ...] | None = None  # all that have a file
    timed: bool = True  # False: only how long it takes to be ready


def normal(rng: np.random.Generator, *shape: int, scale: float | None = None) -> Array:
    """Normal numbers in float32; by default scaled for a product with x [..., D]."""
    spread = shape[0] ** -0.5 if scale is None else scale
    return (spread * rng.standard_normal(shape)).astype("float32")
