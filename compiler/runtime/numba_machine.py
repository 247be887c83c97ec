"""Machine code on disk and back: loading it takes llvmlite alone, no part of numba.

A file has one line of JSON (the functions' symbols, what they call outside, lengths and
a digest), then the object files that numba's functions were compiled to.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from symseq.errors import SymseqError

from .library import library

Jitted = Callable[..., Any]
# Where a function of numba puts what it returns and what it raises: nothing reads it.
UNREAD = (ctypes.c_int64 * 2)()


@dataclass(frozen=True, slots=True)
class Piece:
    """A function as numba compiled it: i32 symbol(result*, error**, int64, ...)."""

    name: str
    symbol: str
    count: int  # of its own arguments
    outside: tuple[str, ...]  # the functions that it calls in the process
    code: bytes


def packed(pieces: Sequence[Piece]) -> bytes:
    """The file's bytes."""
    body = b"".join(piece.code for piece in pieces)
    rows = [[p.name, p.symbol, p.count, p.outside, len(p.code)] for p in pieces]
    header = {"digest": hashlib.sha256(body).hexdigest(), "functions": rows}
    return json.dumps(header).encode() + b"\n" + body


def unpacked(data: bytes) -> list[Piece] | None:
    """The functions of a file; None for a file that is not whole."""
    line, _, body = data.partition(b"\n")
    try:
        header = json.loads(line)
    except ValueError:
        return None
    if hashlib.sha256(body).hexdigest() != header["digest"]:
        return None
    pieces, start = [], 0
    for name, symbol, count, outside, length in header["functions"]:
        code = body[start : start + length]
        pieces.append(Piece(name, symbol, count, tuple(outside), code))
        start += length
    return pieces


def read(path: Path) -> dict[str, Jitted] | None:
    """The functions of a file; None where there is none that this process can run."""
    try:
        pieces = unpacked(path.read_bytes())
    except OSError:
        return None
    return None if pieces is None else bound(pieces)


def bound(pieces: Sequence[Piece]) -> dict[str, Jitted] | None:
    """The functions, callable; None where the process lacks what they call.

    They keep the interpreter's lock, and an exception that a signal's handler raises
    while they run is raised by the call.
    """
    llvm = _llvm()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
    if any(llvm.address_of_symbol(name) is None for p in pieces for name in p.outside):
        return None
    for piece in pieces:
        engine.add_object_file(llvm.ObjectFileRef.from_data(piece.code))
    engine.finalize_object()
    KEPT.append(engine)
    return {p.name: _callable(engine.get_function_address(p.symbol), p.count)
            for p in pieces}  # fmt: skip


KEPT: list[Any] = []  # engines: their memory is that of the functions


def _callable(address: int, count: int) -> Jitted:
    kinds = [ctypes.c_void_p] * 2 + [ctypes.c_int64] * count
    made = ctypes.PYFUNCTYPE(_finished, *kinds)(address)  # type: ignore[arg-type]
    here = ctypes.addressof(UNREAD)
    return partial(made, here, here + 8)


def _finished(status: int) -> None:
    """Raises: SymseqError where numba's code stopped; it has nothing that raises."""
    if status:
        raise SymseqError(f"jitted code ended with status {status}")


@cache
def _llvm() -> Any:
    """Imported when first needed: the numba target alone has it."""
    return library("llvmlite.binding")


@cache
def processor() -> str:
    """What machine code is made by, and for."""
    llvm, version = _llvm(), library("llvmlite").__version__
    features = llvm.get_host_cpu_features().flatten()
    return f"llvmlite {version}, {llvm.get_host_cpu_name()} {features}"


def _machine() -> Any:
    """The engine that gets it will own it."""
    llvm = _llvm()
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    model = "static" if target.name.startswith("x86") else "default"
    return target.create_target_machine(
        opt=3, reloc=model, codemodel="jitdefault", jit=True
    )
