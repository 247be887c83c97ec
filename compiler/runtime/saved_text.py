"""The text of a saved plan: the plan's own, what it calls, and the lengths of a call.

The text runs with NumPy alone; `step` in it takes the user's arguments.
"""

from __future__ import annotations

import hashlib
import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pprint import pformat

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Apply, BodyOp
from symseq.types import Array

from ..lower.function import VIEWS
from ..memory import ALIGNMENT
from ..program import Program, Value
from . import kernels
from .bundle import Bundle, NoTextError

# What the file defines itself: no function that it takes along may have such a name.
OWN = (
    *("step", "shared", "nan", "inf", "hashlib", "io", "math", "Path", "OPS", "INPUTS"),
    *("BUFFERS", "SHAPES", "TRIPS", "EARLY", "ARENA", "CONSTANTS", "STORED"),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """One signature: what stands where, and every length that the text asks for."""

    buffers: Mapping[str, tuple[int, tuple[int, ...], str]]  # offset, shape, dtype
    arena: int
    inputs: Sequence[tuple[Value, tuple[int, ...]]]
    early: Mapping[str, Array]
    shapes: Mapping[str, tuple[int, ...]]
    trips: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Arrays:
    """The arrays of a file: small ones in its text, the others ``packed`` beside it.

    ``shared`` are the names of the shared variables' arrays by those that users see;
    ``replaced`` those that the last outputs replace.
    """

    inline: Mapping[str, Array]
    packed: bytes
    shared: Mapping[str, str]
    replaced: Sequence[str]


def saved_text(
    target: Path,
    program: Program,
    source: str,
    ops: Mapping[str, Apply],
    helpers: Sequence[str],
    layout: Layout,
    arrays: Arrays,
) -> str:
    """The whole file.

    Raises: UsageError naming the ops that have no NumPy text.
    """
    parts = [
        _head(program, target, arrays.packed),
        _functions(ops, helpers),
        "",
        "",
        _plan_text(source),
        "",
        _tables(program, layout, arrays.inline),
        _loading(target.with_suffix(".npz").name, arrays.packed),
        _step(program, layout, arrays.shared, arrays.replaced),
    ]
    return "\n".join(parts)


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
