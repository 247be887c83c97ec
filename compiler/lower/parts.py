"""Make in parts, outside of loops, what is only read in parts.

    subtract(1, gates, slope); multiply(x, slope[:, :, 0:128], y)
        →   subtract(1, gates[:, :, 0:128], slope_0); multiply(x, slope_0, y)

Inside a loop the merged step is one call less at every step. Outside it is one call in
all; a part can be computed where it is read, in its reader's memory or block of rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from ..program import Kernel, Kind, Program, Step, Value, View
from .accesses import Accesses

LAST = re.compile(r"(\d+):(\d+)\]")


def make_in_parts(program: Program, fresh: Callable[[str], str]) -> None:
    """Rewrite the steps outside of loops, in place."""
    found = Accesses(program)
    outputs = {id(value.root) for value in program.outputs}
    made: list[Step] = []
    for step in program.steps:
        if isinstance(step, Kernel) and id(step.out) not in outputs:
            parts = _parts(step, found)
            if parts is not None:
                made += _pieces(program, step, parts, found, fresh)
                continue
        made.append(step)
    program.steps = [s for s in made if not isinstance(s, View) or s.out.source]


def _parts(step: Kernel, found: Accesses) -> list[View] | None:
    """The views that all readers of a step's result read; None: it has others."""
    out = step.out
    children = found.children.get(id(out), [])
    views = [found.views.get(id(child)) for child in children]
    first, *readers = found.of(out)
    if out.kind is not Kind.BUFFER or first.step is not step or len(views) < 2:
        return None
    named = {id(child) for child in children}
    if any(a.writes or id(a.value) not in named for a in readers):
        return None
    parts = [view for view in views if view is not None]
    cut = all(_follows(value, out) for value in step.inputs)
    bounds = sorted(b for view in parts if (b := _bounds(view)) is not None)
    apart = all(a[1] <= b[0] for a, b in pairwise(bounds))
    able = cut and apart and len(views) == len(bounds) and not step.temps
    return parts if able else None


def _bounds(view: View) -> tuple[int, int] | None:
    """Where a slice of the last axis starts and stops, if it is known when compiled."""
    front = ":, " * (view.out.variable.ndim - 1)
    found = LAST.fullmatch(view.text.removeprefix("{0}[" + front))
    return found and (int(found[1]), int(found[2]))


def _follows(value: Value, out: Value) -> bool:
    """Whether an operand has the result's axes, or is repeated along all of them."""
    flags = value.variable.broadcastable
    return all(flags) or flags == out.variable.broadcastable


def _pieces(
    program: Program,
    step: Kernel,
    parts: list[View],
    found: Accesses,
    fresh: Callable[[str], str],
) -> list[Step]:
    """A step for each part; the views' values become buffers of their own."""
    made: list[Step] = []
    known = {id(value) for value in program.values}
    for view in parts:
        inputs: list[Value] = []
        for value in step.inputs:
            if not all(value.variable.broadcastable):
                piece = _piece(value, view, found, fresh)
                if id(piece.out) not in known:
                    known.add(id(piece.out))
                    program.values.append(piece.out)
                    made.append(piece)
                value = piece.out
            inputs.append(value)
        out = view.out
        out.kind, out.source, out.contiguous_from = Kind.BUFFER, None, 0
        made.append(Kernel(out, tuple(inputs), step.recipe, (), step.node))
    return made


def _piece(
    value: Value, like: View, found: Accesses, fresh: Callable[[str], str]
) -> View:
    """The same part of an operand; the view that there is, if there is one."""
    for child in found.children.get(id(value), []):
        view = found.views.get(id(child))
        if view is not None and view.text == like.text:
            return view
    part = like.out.variable
    out = Value(fresh(f"{value.name}_part"), part, Kind.VIEW, value.dtype,
                source=value, loop=value.loop)  # fmt: skip
    out.contiguous_from = part.ndim - 1
    view = found.views[id(out)] = View(out, like.text, like.node)
    found.children.setdefault(id(value), []).append(out)
    return view
