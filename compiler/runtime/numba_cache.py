"""Generated functions: their machine code on disk, or compiled by numba now.

A text is named ``symseq_plan_<hash>``, in a folder that is the user's; the hash is of
the text and of all else that the machine code depends on. ``<name>.machine`` is all
that a later process reads: it imports no numba, which would take longer than the rest.
Where it is missing the text is written beside it as a module, for numba's messages.
numba's own cache is not used: it unpickles what it finds, also what is not whole.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any

import numpy as np

from symseq.files import write_whole

from ..emit.numba_product import product_text
from . import numba_machine
from .library import library
from .numba_blas import product_address
from .numba_machine import Jitted, Piece

RUNTIME = "symseq.compiler.runtime"
HERE = Path(__file__).parent
# The modules that generated ones import from, and the names that they have.
LIBRARIES: dict[str, str] = {
    "numba_vector": "exp32 log32 tanh32 sigmoid32",
    "numba_functions": "whole_quotient whole_remainder quotient remainder fold_in word",
    "numba": "int8 int16 int32 int64 uint8 float32 float64",
}
FOLDERS = {"darwin": "~/Library/Caches", "win32": "~/AppData/Local"}


def load(text: str, needed: Iterable[str]) -> dict[str, Jitted]:
    """The jitted functions of `text`, which calls the functions `needed`, by name."""
    if not text.strip():
        return {}
    whole, products = _whole(text, needed)
    name = _name(whole)
    with LOADING:
        found = LOADED.get(name)
        if found is None:
            path = folder() / f"{name}.machine"
            found = LOADED[name] = numba_machine.read(path) or _compile(
                name, whole, products, path
            )
    return found


LOADED: dict[str, dict[str, Jitted]] = {}
LOADING = Lock()  # of one module at a time: others must not see one that is half made


def _whole(text: str, needed: Iterable[str]) -> tuple[str, list[str]]:
    """The text with its imports, and the texts of modules that it imports."""
    lines = [f"from {RUNTIME}.numba_functions import jitted as jitted_"]
    if "math." in text:
        lines.insert(0, "import math\n")
    products: dict[str, None] = {}
    for name in needed:
        function, _, dtype = name.partition("_")
        if function in ("multiply", "pack") and dtype.startswith("float"):
            width = product_address("s" if dtype == "float32" else "d")[1] or 64
            product = product_text(dtype, width)
            products[product] = None
            lines.append(f"from {_name(product)} import {function} as {name}")
        else:
            lines.append(f"from {_library_of(name)} import {name}")
    return "\n".join(lines) + "\n\n\n" + text, list(products)


def _library_of(name: str) -> str:
    """The module that a generated one imports a name from."""
    for module, names in LIBRARIES.items():
        if name in names.split():
            return module if module == "numba" else f"{RUNTIME}.{module}"
    return f"{RUNTIME}.numba_memory"


def _compile(
    name: str, text: str, products: list[str], path: Path
) -> dict[str, Jitted]:
    """The functions from numba, and their machine code written to `path`."""
    library("numba")
    for product in products:
        _module(_name(product), product)
    module = _module(name, text)
    pieces = [_piece(vars(module)[found]) for found in FUNCTION.findall(text)]
    write_whole(path, numba_machine.packed(pieces))
    made = numba_machine.bound(pieces)
    assert made is not None
    return made


FUNCTION = re.compile(r"^@jitted_\ndef (\w+)\(", re.MULTILINE)
OUTSIDE = re.compile(r"^declare [^@]*@\"?([^\"(]+)", re.MULTILINE)


def _piece(dispatcher: Any) -> Piece:
    (made,) = dispatcher.overloads.values()
    outside = OUTSIDE.findall(made.library.get_llvm_str())
    return Piece(
        dispatcher.__name__, made.fndesc.llvm_func_name, len(made.signature.args),
        tuple(name for name in outside if not name.startswith("llvm.")),
        made.library._get_compiled_object(),
    )  # fmt: skip


@cache
def _versions() -> str:
    """All that machine code depends on beside its text."""
    own = [HERE / f"numba_{name}.py" for name in ("memory", "vector", "functions")]
    spec = find_spec("numba")
    assert spec is not None and spec.origin is not None
    # The version as text: importing numba, or reading its metadata, takes too long.
    own += [Path(spec.origin).with_name("_version.py"), Path(spec.origin)]
    texts = [path.read_text("utf-8") for path in own if path.exists()]
    found = [np.__version__, numba_machine.processor()]
    asked = [f"{k}={v}" for k, v in sorted(os.environ.items()) if k.startswith("NUMBA")]
    parts = [platform.python_version(), platform.machine(), *found, *texts, *asked]
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


def _name(text: str) -> str:
    digest = hashlib.sha256((_versions() + text).encode()).hexdigest()
    return f"symseq_plan_{digest[:24]}"


def _module(name: str, text: str) -> ModuleType:
    """The generated module with this text, compiled by numba where that is not done."""
    known = sys.modules.get(name)
    if known is not None:
        return known
    path = folder() / f"{name}.py"
    if not path.exists() or path.read_text("utf-8") != text:
        write_whole(path, text.encode())
    spec = spec_from_file_location(name, path)
    assert spec is not None
    module = sys.modules[name] = module_from_spec(spec)
    try:
        exec(compile(text, str(path), "exec"), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module
