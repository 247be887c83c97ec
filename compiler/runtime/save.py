"""A plan as a file that runs with NumPy alone.

The file has the plan's own text, the functions that it calls, the lengths of one
signature, and `step`, which takes the user's arguments. Shared variables and large
constants lie beside it in one .npz; both files are written whole or not at all.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from symseq.errors import UsageError
from symseq.files import write_together
from symseq.graph import Constant, SharedVariable
from symseq.types import Array

from ..memory import shape_of
from ..program import Kind, Program
from .bind import Sizes
from .buffers import Shapes
from .forecast import stand_ins
from .saved_text import Arrays, Layout, saved_text

if TYPE_CHECKING:
    from .plan import Plan

MOST_INLINE = 64  # elements of a constant that is written in the text


def save(
    plan: Plan,
    path: str | os.PathLike[str],
    shapes: Sequence[object],
    named: Mapping[str, object],
) -> None:
    """Write a plan for inputs of the given shapes, or else of the last call's.

    Raises: UsageError for ops that have no NumPy text, for lengths that only the run
        knows, for updates of other lengths, for a folder that is not there.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise UsageError(
            f"save needs a folder that exists; got {str(target)!r}, and there is no "
            f"folder {str(target.parent)!r}",
            hint="make the folder first",
        )
    sizes = plan.sizes_of(_inputs(plan, shapes, named))
    _check(plan, sizes)
    arrays = _arrays(plan.program, plan.replaced)
    text = saved_text(
        target,
        plan.program,
        plan.source,
        plan.called,
        plan.helpers,
        _layout(plan, sizes),
        arrays,
    )
    files = [(target, text.encode())]
    if arrays.packed:
        files.insert(0, (target.with_suffix(".npz"), arrays.packed))
    write_together(files)


def _inputs(
    plan: Plan, shapes: Sequence[object], named: Mapping[str, object]
) -> dict[int, Array]:
    if shapes or named:
        return stand_ins(plan.program.inputs, shapes, named)
    if not plan.bindings:
        raise UsageError("save needs the inputs' shapes before the first call",
                         hint="save(path, x=(100, 16), ...)")  # fmt: skip
    last = next(reversed(plan.bindings.values()))
    pairs = zip(plan.program.inputs, last.inputs, strict=True)
    return {id(value.variable): array for value, array in pairs}


def _check(plan: Plan, sizes: Sizes) -> None:
    dynamic = [v for v in plan.program.values if v.kind is Kind.DYNAMIC]
    if dynamic:
        raise UsageError("a plan with lengths that only the run knows cannot be "
                         "saved").at(dynamic[0].variable.span)  # fmt: skip
    first = len(plan.program.outputs) - len(plan.replaced)
    new = plan.program.outputs[first:]
    for shared, value in zip(plan.replaced, new, strict=True):
        if sizes.of(value.variable) != shared.storage.shape:
            raise UsageError(
                f"a plan whose update changes the lengths of {shared.label} "
                "cannot be saved"
            ).at(value.variable.span)


def _layout(plan: Plan, sizes: Sizes) -> Layout:
    memory = plan.memory
    offsets, top = memory.placed(sizes)
    pairs = zip(memory.layout.storages, offsets, strict=True)
    at = {id(storage): offset for storage, offset in pairs}
    buffers, early = {}, {}
    for value in plan.program.values:
        storage = memory.lifetimes.of(value) if value.kind is Kind.BUFFER else None
        if storage is not None:
            shape = shape_of(value, sizes.of(value.variable))
            buffers[value.name] = (at[id(storage)], shape, value.dtype)
        elif value.kind is Kind.EARLY:
            early[value.name] = plan.early(sizes, value.variable)
    table = Shapes(plan.program, sizes)
    asked = re.findall(r'shape\["(\w+)"\]', plan.source)
    return Layout(
        buffers,
        top,
        [(v, sizes.of(v.variable)) for v in plan.program.inputs],
        early,
        {name: table[name] for name in asked},
        {loop.name: sizes.trips[id(loop.node)] for loop in plan.loops},
    )


def _arrays(program: Program, replaced: Sequence[SharedVariable]) -> Arrays:
    """Shared variables and large constants lie beside the text, small ones in it."""
    stored: dict[str, Array] = {}
    inline: dict[str, Array] = {}
    for value in program.values:
        if isinstance(value.variable, SharedVariable) and value.kind is Kind.SHARED:
            stored[value.name] = value.variable.storage
        elif isinstance(value.variable, Constant) and value.kind is Kind.CONSTANT:
            data = value.variable.data
            (inline if data.size <= MOST_INLINE else stored)[value.name] = data
    names = {v.variable: v.name for v in program.values if v.kind is Kind.SHARED}
    for k, shared in enumerate(replaced):  # one that only the update touches, too
        names.setdefault(shared, f"{shared.name or 'shared'}_replaced_{k}")
        stored[names[shared]] = shared.storage
    shown = {shared.name or name: name for shared, name in names.items()}
    return Arrays(inline, _packed(stored), shown, [names[v] for v in replaced])


def _packed(arrays: Mapping[str, Array]) -> bytes:
    if not arrays:
        return b""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()
