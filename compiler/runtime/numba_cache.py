"""Generated modules on disk, so that numba's own cache serves the next process.

A module is a file ``symseq_plan_<hash>.py`` in a folder of the user's own; the hash is
of its text and of every version that the machine code depends on. What is executed is
the text generated now: the file only has to be equal.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tempfile
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from ..emit.numba_product import product_text
from .numba_blas import product_address

RUNTIME = "symseq.compiler.runtime"
HERE = Path(__file__).parent
# The modules that generated ones import from, and the names that they have.
LIBRARIES: dict[str, str] = {
    "numba_vector": "exp32 log32 tanh32 sigmoid32",
    "numba_functions": "whole_quotient whole_remainder quotient remainder fold_in word",
    "numba": "int8 int16 int32 int64 uint8 float32 float64",
}
FOLDERS = {"darwin": "~/Library/Caches", "win32": "~/AppData/Local"}


def load(text: str, needed: Iterable[str]) -> dict[str, Any]:
    """The jitted functions of `text`, which calls the functions `needed`, by name."""
    if not text.strip():
        return {}
    lines = [f"from {RUNTIME}.numba_functions import jitted as jitted_"]
    if "math." in text:
        lines.insert(0, "import math\n")
    for name in needed:
        lines.append(_import_of(name))
    module = _module("\n".join(lines) + "\n\n\n" + text)
    return vars(module)


def _import_of(name: str) -> str:
    """The line that brings a name into a generated module."""
    function, _, dtype = name.partition("_")
    if function in ("multiply", "pack") and dtype.startswith("float"):
        width = product_address("s" if dtype == "float32" else "d")[1] or 64
        module = _module(product_text(dtype, width))
        return f"from {module.__name__} import {function} as {name}"
    for library, names in LIBRARIES.items():
        if name in names.split():
            source = library if library == "numba" else f"{RUNTIME}.{library}"
            return f"from {source} import {name}"
    return f"from {RUNTIME}.numba_memory import {name}"


@cache
def _versions() -> str:
    """All that machine code depends on beside its text; numba adds the processor."""
    own = [HERE / f"numba_{name}.py" for name in ("memory", "vector", "functions")]
    texts = [path.read_text("utf-8") for path in own]
    found = [version(name) for name in ("numba", "numpy", "llvmlite")]
    parts = [platform.python_version(), platform.machine(), *found, *texts]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def folder() -> Path:
    """The folder of the generated modules: SYMSEQ_CACHE, or the user's cache folder."""
    base = os.environ.get("SYMSEQ_CACHE") or os.environ.get("XDG_CACHE_HOME")
    named = base or FOLDERS.get(sys.platform, "~/.cache")
    wanted = Path(named).expanduser()
    if not os.environ.get("SYMSEQ_CACHE"):
        wanted /= "symseq"
    try:
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_own(wanted):
            return wanted
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="symseq_"))


def _is_own(path: Path) -> bool:
    """Whether only this user can write there: what lies there will be executed."""
    if not os.access(path, os.W_OK):
        return False
    if not hasattr(os, "getuid"):
        return True
    found = path.stat()
    return found.st_uid == os.getuid() and not found.st_mode & 0o022


def _module(text: str) -> ModuleType:
    """The generated module with this text, from the disk or written there now."""
    name = (
        "symseq_plan_" + hashlib.sha256((_versions() + text).encode()).hexdigest()[:24]
    )
    known = sys.modules.get(name)
    if known is not None:
        return known
    path = folder() / f"{name}.py"
    if not path.exists() or path.read_text("utf-8") != text:
        _write(path, text)
    spec = spec_from_file_location(name, path)
    assert spec is not None
    module = sys.modules[name] = module_from_spec(spec)
    try:
        exec(compile(text, str(path), "exec"), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _write(path: Path, text: str) -> None:
    """The file as a whole, or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
