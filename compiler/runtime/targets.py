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

LONG_RUN = 256  # elements side by side: NumPy loses little between such runs


@dataclass(frozen=True, slots=True)
class Backend:
    """One target of a plan.

    ``prepare`` rewrites the Program before memory is planned; ``emitter`` writes it;
    ``namespace`` gives the names that the written text finds when it is executed.
    """

    prepare: Callable[[Program], Program]
    emitter: type[NumpyEmitter]
    namespace: Callable[[Any], dict[str, Any]]


def prepare_blocks(program: Program) -> Program:
    """Overlays count the memory that blocks save; blocks would not see through them."""
    return overlay(prepare_numpy(program), LONG_RUN)


def prepare_nests(program: Program) -> Program:
    """Nests take one name for one place in, so they come last."""
    return fuse(overlay(program))


def jitted_names(emitter: NumbaEmitter) -> dict[str, Any]:
    """What a numba plan's text finds: helpers, and its functions, compiled."""
    functions = numba_cache.load(emitter.plain_kernels, emitter.needed)
    return {
        **numba_bind.HELPERS,
        "check_": numba_bind.checker(emitter.sites),
        **functions,
    }


BACKENDS: dict[str, Backend] = {
    "numpy": Backend(prepare_blocks, NumpyEmitter, lambda emitter: {}),
    "numba": Backend(prepare_nests, NumbaEmitter, jitted_names),
}
