"""What differs between the targets that run a Program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..emit.numba import NumbaEmitter
from ..emit.numba_fuse import fuse
from ..emit.numpy import NumpyEmitter
from ..emit.numpy_prepare import prepare_numpy
from ..overlay import overlay
from ..program import Program
from . import numba_bind, numba_cache


@dataclass(frozen=True, slots=True)
class Backend:
    """One target of a plan.

    ``prepare`` rewrites the Program before memory is planned; ``emitter`` writes it;
    ``namespace`` gives the names that the written text finds when it is executed.
    """

    prepare: Callable[[Program], Program]
    emitter: type[NumpyEmitter]
    namespace: Callable[[Any], dict[str, Any]]


def overlaid(prepare: Callable[[Program], Program]) -> Callable[[Program], Program]:
    """The same behind `overlay`, which no target does without."""
    return lambda program: prepare(overlay(program))


def jitted_names(emitter: NumbaEmitter) -> dict[str, Any]:
    """What a numba plan's text finds: helpers, and its functions, compiled."""
    functions = numba_cache.load(emitter.plain_kernels, emitter.needed)
    return {
        **numba_bind.HELPERS,
        "check_": numba_bind.checker(emitter.sites),
        "jitted_": lambda function: functions[function.__name__],
    }


BACKENDS: dict[str, Backend] = {
    "numpy": Backend(overlaid(prepare_numpy), NumpyEmitter, lambda emitter: {}),
    "numba": Backend(overlaid(fuse), NumbaEmitter, jitted_names),
}
