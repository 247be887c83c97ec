"""A plan as a file that runs with NumPy alone.

The file has the plan's own text, the functions that it calls, the lengths of one
signature, and `step`, which takes the user's arguments. Shared variables and large
constants lie beside it in one .npz; both files are written whole or not at all.
"""

from __future__ import annotations

import hashlib
import io
import keyword
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pprint import pformat

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Apply, BodyOp, Constant, SharedVariable
from symseq.types import Array

from ..lower.function import VIEWS
from ..memory import ALIGNMENT
from ..program import Kind, Program, Value
from . import kernels
from .bundle import Bundle, NoTextError

# What the file defines itself: no function that it takes along may have such a name.
OWN = (
    *("step", "shared", "nan", "inf", "hashlib", "io", "math", "Path", "OPS", "INPUTS"),
    *("BUFFERS", "SHAPES", "TRIPS", "EARLY", "ARENA", "CONSTANTS", "STORED"),
)
MOST_INLINE = 64  # elements of a constant that is written in the text


@dataclass(frozen=True, slots=True)
class Layout:
    """One signature: what stands where, and every length that the text asks for."""

    buffers: Mapping[str, tuple[int, tuple[int, ...], str]]  # offset, shape, dtype
    arena: int
    inputs: Sequence[tuple[Value, tuple[int, ...]]]
    early: Mapping[str, Array]
    shapes: Mapping[str, tuple[int, ...]]
    trips: Mapping[str, int]


def save(
    path: str | os.PathLike[str],
    program: Program,
    source: str,
    ops: Mapping[str, Apply],
    helpers: Sequence[str],
    layout: Layout,
    replaced: Sequence[SharedVariable] = (),
) -> None:
    """Write the plan of a program, and what it needs beside it.

    The last outputs are the new values of the shared variables ``replaced``.

    Raises: UsageError naming the ops that have no NumPy text.
    """
    target = Path(path)
    stored, inline = _arrays(program)
    names = {v.variable: v.name for v in program.values if v.kind is Kind.SHARED}
    for k, shared in enumerate(replaced):  # one that only the update touches, too
        names.setdefault(shared, f"{shared.name or 'shared'}_replaced_{k}")
        stored[names[shared]] = shared.storage
    shown = {shared.name or name: name for shared, name in names.items()}
    arrays = _packed(stored)
    text = "\n".join(
        [
            _head(program, target, arrays),
            _functions(ops, helpers),
            "",
            "",
            _plan_text(source),
            "",
            _tables(program, layout, inline),
            _loading(target.with_suffix(".npz").name, arrays),
            _step(program, layout, shown, [names[shared] for shared in replaced]),
        ]
    )
    files = [(target, text.encode())]
    if arrays:
        files.insert(0, (target.with_suffix(".npz"), arrays))
    write_whole(files)


def write_whole(files: Sequence[tuple[Path, bytes]]) -> None:
    """Write files beside their places, then move all of them in."""
    mark = os.getpid()
    waiting = [(path, path.with_name(f".{path.name}.{mark}")) for path, _ in files]
    try:
        for (_, content), (_, beside) in zip(files, waiting, strict=True):
            beside.write_bytes(content)
        for path, beside in waiting:
            beside.replace(path)
    finally:
        for _, beside in waiting:
            beside.unlink(missing_ok=True)


def _arrays(program: Program) -> tuple[dict[str, Array], dict[str, Array]]:
    """Arrays that lie beside the text, and small constants that stand in it."""
    stored: dict[str, Array] = {}
    inline: dict[str, Array] = {}
    for value in program.values:
        if isinstance(value.variable, SharedVariable) and value.kind is Kind.SHARED:
            stored[value.name] = value.variable.storage
        elif isinstance(value.variable, Constant) and value.kind is Kind.CONSTANT:
            data = value.variable.data
            (inline if data.size <= MOST_INLINE else stored)[value.name] = data
    return stored, inline


def _packed(arrays: Mapping[str, Array]) -> bytes:
    if not arrays:
        return b""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _head(program: Program, target: Path, arrays: bytes) -> str:
    beside = f" and {target.with_suffix('.npz').name}" if arrays else ""
    return (
        f'"""{program.name}, a plan of symseq; runs with NumPy alone.\n\n'
        f"``step(...)`` computes the outputs and writes the arrays in `shared`.\n"
        f"The lengths are those of one call; see `INPUTS`. Needs this file{beside}.\n"
        '"""\n\n'
        "from __future__ import annotations\n"
    )


def _functions(ops: Mapping[str, Apply], helpers: Sequence[str]) -> str:
    """The functions that the plan calls, and OPS, which names them."""
    bundle = Bundle()
    for module in ("hashlib", "io", "math"):
        bundle.imports[module] = f"import {module}"
    bundle.imports["Path"] = "from pathlib import Path"
    bundle.imports["np"], bundle.known["np"] = "import numpy as np", np
    bundle.known |= dict.fromkeys(OWN, OWN)
    table, refused = {}, []
    for name in helpers:
        table[name] = bundle.function(kernels.HELPERS[name])
    for name, node in ops.items():
        try:
            table[name] = _meaning(bundle, name, node)
        except NoTextError as error:
            refused.append(f"{node.op} ({error.rule}) at {node.spans[0]}")
    if refused:
        raise UsageError(
            f"a plan with ops that have no NumPy text cannot be saved: "
            f"{'; '.join(refused)}",
            hint="compute what they give outside, and pass it as an input",
        )
    rows = "".join(f'    "{name}": {text},\n' for name, text in table.items())
    return f"{bundle.text()}\n\n\nOPS = {{\n{rows}}}"


def _meaning(bundle: Bundle, name: str, node: Apply) -> str:
    op = node.op
    if isinstance(op, BodyOp):
        raise NoTextError("it has graphs inside that need symseq")
    if op.name in ("custom", "print") or not type(op).__module__.startswith("symseq"):
        raise NoTextError("it calls a function of the user's")
    called = bundle.meaning(op, f"Op_{name}")
    if isinstance(op, VIEWS):
        return f"lambda *inputs: tuple(np.array(x) for x in {called}(*inputs))"
    return called


def _plan_text(source: str) -> str:
    """The plan, its imports inside `bind`, so that they hide no other function."""
    body = source[source.index("def bind(") :].rstrip()
    imports = re.search(r"^from numpy import .*$", source, re.MULTILINE)
    first, rest = body.split("\n", 1)
    first = first.replace("def bind(", "def _bind(")
    line = [f"    {imports.group()}"] if imports else []
    return "\n".join([first, *line, rest])


def _tables(program: Program, layout: Layout, inline: Mapping[str, Array]) -> str:
    arrays = {**inline, **layout.early}
    constants = "".join(
        f'    "{name}": np.array({_shown(a)}, "{a.dtype}").reshape({a.shape}),\n'
        for name, a in arrays.items()
    )
    early = sorted(layout.early)
    inputs = {value.name: (shape, value.dtype) for value, shape in layout.inputs}
    tables = {
        "INPUTS": inputs,
        "BUFFERS": dict(layout.buffers),
        "SHAPES": dict(layout.shapes),
        "TRIPS": dict(layout.trips),
        "EARLY": early,
    }
    text = "".join(
        f"{name} = {pformat(table, width=88, compact=True, sort_dicts=False)}\n"
        for name, table in tables.items()
    )
    return (
        f"\nnan, inf = math.nan, math.inf\nARENA = {layout.arena}\n{text}"
        f"CONSTANTS = {{\n{constants}}}"
    )


def _shown(array: Array) -> str:
    return repr(array.ravel().tolist())


def _loading(beside: str, arrays: bytes) -> str:
    if not arrays:
        return "STORED: dict[str, np.ndarray] = {}\n"
    digest = hashlib.sha256(arrays).hexdigest()
    return (
        f'_stored = Path(__file__).with_name("{beside}").read_bytes()\n'
        f'if hashlib.sha256(_stored).hexdigest() != "{digest}":\n'
        f'    raise ValueError("{beside} is not the file that belongs to this one")\n'
        "with np.load(io.BytesIO(_stored), allow_pickle=False) as _file:\n"
        "    STORED = {name: _file[name] for name in _file.files}\n"
    )


def _step(
    program: Program,
    layout: Layout,
    shared: Mapping[str, str],
    replaced: Sequence[str],
) -> str:
    names = _arguments([value for value, _ in layout.inputs])
    pairs = ", ".join(
        f'("{value.name}", {name})'
        for (value, _), name in zip(layout.inputs, names, strict=True)
    )
    count = len(program.outputs) - len(replaced)
    returned = "results[0]" if count == 1 else f"results[:{count}]"
    copied = "[np.array(value) for value in _outputs()]"
    return f'''

def _buffer_table() -> dict[str, np.ndarray]:
    """Every array of the plan: inputs, constants, stored ones, parts of one arena."""
    block = np.empty(ARENA + {ALIGNMENT}, np.uint8)
    start = -block.ctypes.data % {ALIGNMENT}
    table = {{
        name: np.ndarray(shape, dtype, block, start + offset)
        for name, (offset, shape, dtype) in BUFFERS.items()
    }}
    table |= {{name: np.empty(shape, dtype) for name, (shape, dtype) in INPUTS.items()}}
    return table | CONSTANTS | STORED


_buffer = _buffer_table()
shared = {{name: _buffer[key] for name, key in {shared!r}.items()}}
with np.errstate(all="ignore"):
    _run, _update, _outputs = _bind(
        _buffer, {{name: CONSTANTS[name] for name in EARLY}}, SHAPES, OPS, TRIPS
    )


def step({", ".join(names)}):
    """The outputs of one call; the arrays in `shared` take their new values."""
    for name, given in ({f"{pairs}," if pairs else ""}):
        array, buffer = np.asarray(given), _buffer[name]
        if array.shape != buffer.shape:
            raise ValueError(
                f"{{name}} must have shape {{buffer.shape}}; got {{array.shape}}"
            )
        np.copyto(buffer, array, "same_kind")
    with np.errstate(all="ignore"):
        _run()
        results = {copied}
        _update()
    for name, value in zip({list(replaced)!r}, results[{count}:]):
        np.copyto(_buffer[name], value)
    return {returned}


if __name__ == "__main__":
    made = step(*(np.zeros(shape, dtype) for shape, dtype in INPUTS.values()))
    made = made if isinstance(made, list) else [made]
    shown = ", ".join(f"{{x.dtype}}{{list(x.shape)}}" for x in made)
    print(f"{program.name}: one step on zeros gives [{{shown}}]")
'''


def _arguments(inputs: Sequence[Value]) -> list[str]:
    """The user's names of the inputs as Python takes them, each once."""
    names: list[str] = []
    for value in inputs:
        wanted = value.variable.name or value.name
        clean = re.sub(r"\W", "_", wanted)
        if not clean.isidentifier() or keyword.iskeyword(clean) or clean in names:
            clean = value.name
        names.append(clean)
    return names
