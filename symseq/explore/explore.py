"""One HTML page to look around in a graph: zoom, search, open, compare, profile."""

from __future__ import annotations

import os
from pathlib import Path

from symseq.compiler.function import Function
from symseq.cost.given import Shapes
from symseq.errors import UsageError
from symseq.explore.book import Book
from symseq.explore.page import page
from symseq.explore.values import Values, given_values
from symseq.files import write_whole
from symseq.printing.inside import variables_of
from symseq.traverse import free_inputs

__all__ = ["explore"]


def explore(
    what: object,
    to: str | os.PathLike[str],
    *,
    values: Values | None = None,
    shapes: Shapes | None = None,
    title: str | None = None,
) -> Path:
    """Write one HTML file in which a graph can be looked around in; its path.

    The page needs no network, no server and nothing beside it. Groups and loops open
    at a click; the pointer shows types, lines, docstrings, costs and values; `/`
    searches, `?` lists the keys. For a compiled function it has besides the graph that
    runs, what each pass changed, the emitted program and, where it was compiled with
    ``profile=True`` and called, where the time goes. A click in one pane marks the same
    user's line in all.

    Args:
        what: a variable, several, a function, or an object with ``outputs``.
        to: the file, ending in .html.
        values: arrays of the inputs, by variable, by name or in order: the reference
            target runs once, and each node says what it held.
        shapes: lengths in numbers for the costs, such as ``{"T": 50, x: (50, 16)}``;
            where values are given, theirs.
        title: what the page is called; else the function's or the output's name.
    Raises: UsageError for another ending or nothing to show, TargetError where Graphviz
        is missing, MissingInputError for an input without a value.
    """
    path = Path(to)
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"explore writes an .html file; got {path.name!r}")
    outputs = variables_of(what)
    updates = getattr(what, "updates", None)
    updates = dict(updates) if isinstance(what, Function) and updates else {}
    if not outputs and not updates:
        raise UsageError("explore shows a graph; got nothing that is computed")
    name = title or getattr(what, "name", None) or outputs[0].label
    if shapes is None and values is not None:
        inputs = what.inputs if isinstance(what, Function) else []
        needed = free_inputs([*outputs, *updates.values()])
        arrays = given_values(needed, inputs, values)
        shapes = {variable: array.shape for variable, array in arrays.items()}
    book = Book(outputs, updates, shapes, values)
    book.write(what)
    write_whole(path, page(str(name), book.head(str(name)), book.parts).encode())
    return path
