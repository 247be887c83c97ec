"""The targets of `function`, and what to do where a library is missing."""

from __future__ import annotations

import importlib.util
import warnings
from functools import cache

from symseq.errors import TargetError

from .runtime.library import BrokenLibraryError

TARGETS = ("reference", "numpy", "numba")
LIBRARIES = {"numba": "numba", "cupy": "cupy"}
BROKEN: set[str] = set()  # targets whose library could not be imported


def check_target(target: str) -> str:
    """The target to use for the one asked for: without numba, "numpy" for "numba".

    Raises: TargetError for an unknown target or one whose library is missing.
    """
    if target in BROKEN:
        return "numpy"
    library = LIBRARIES.get(target)
    if target not in TARGETS and library is None:
        known = ", ".join(dict.fromkeys((*TARGETS, *LIBRARIES)))
        raise TargetError(f"target must be one of {known}; got {target!r}")
    if library is None or importlib.util.find_spec(library) is not None:
        if target in TARGETS:
            return target
        raise TargetError(
            f"target {target!r} is not in this version", hint='use "numpy"'
        )
    if target == "numba":
        warn_once(
            'numba is not installed: target="numba" runs as target="numpy", slower; '
            'to have it: pip install "symseq[numba]"'
        )
        return "numpy"
    raise TargetError(
        f"target {target!r} needs the library {library}, which is not installed",
        hint=f'pip install "symseq[{target}]", or use target="numpy"',
    )


def without(target: str, error: BrokenLibraryError) -> str:
    """The target to use from now on where the library of the one asked for failed."""
    BROKEN.add(target)
    warn_once(f'{error.rule}: target="{target}" runs as target="numpy", slower')
    return "numpy"


@cache
def warn_once(message: str) -> None:
    """A UserWarning, the first time in this process."""
    warnings.warn(message, UserWarning, stacklevel=4)
