"""A target's library, imported when first needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from symseq.errors import TargetError


class BrokenLibraryError(TargetError):
    """A library that is installed, but cannot be imported: `function` does without."""


def library(name: str) -> Any:
    """The module of that name.

    Raises: BrokenLibraryError for whatever its import raises: a version that does not
        fit NumPy's, a shared object that is missing.
    """
    try:
        return import_module(name)
    except Exception as error:
        said = str(error).partition("\n")[0]
        raise BrokenLibraryError(
            f"{name} is installed, but cannot be imported "
            f"({type(error).__name__}: {said})",
            hint='install versions that go together, or use target="numpy"',
        ) from error
