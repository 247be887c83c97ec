"""What differs between the targets that run a Program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..emit.numba import NumbaEmitter
from ..emit.numpy import NumpyEmitter
from ..program import Program


@dataclass(frozen=True, slots=True)
class Backend:
    """One target of a plan.

    ``prepare`` rewrites the Program before memory is planned; ``emitter`` writes it;
    ``namespace`` gives the names that the written text finds when it is executed.
    """

    prepare: Callable[[Program], Program]
    emitter: type[NumpyEmitter]
    namespace: Callable[[Any], dict[str, Any]]


def as_it_is(program: Program) -> Program:
    return program


BACKENDS: dict[str, Backend] = {
    "numpy": Backend(as_it_is, NumpyEmitter, lambda emitter: {}),
    "numba": Backend(as_it_is, NumbaEmitter, lambda emitter: {}),
}
