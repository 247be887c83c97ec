"""What a call will need, from the lengths of its inputs, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from sys import getsizeof

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.types import Array

from ..program import Kind, Loop, Program, Value
from .bind import Sizes
from .buffers import Buffers
from .kernels import is_kept

MOST_ROWS = 60  # of a printed table: the largest buffers

# A loop and the names of what each of its steps unpacks.
Table = tuple[Loop, Sequence[str]]

# Bytes of a row of views, and of one place in it.
TUPLE, SLOT = getsizeof(()), getsizeof((None,)) - getsizeof(())


@dataclass(frozen=True, slots=True)
class Buffer:
    """A part of the arena: who lies there, from which step to which, and whose line."""

    names: tuple[str, ...]
    nbytes: int
    born: int
    dies: int
    line: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """Bytes of one call: the arena's buffers, inputs, outputs and shared variables.

    ``views`` are the Python objects that `bind` makes of a loop's rows, for each step:
    about as many bytes as they take.
    """

    buffers: tuple[Buffer, ...]
    arena: int
    inputs: int
    outputs: int
    shared: int
    views: int

    @property
    def peak(self) -> int:
        """All of them: outputs are fresh arrays beside the arena."""
        return self.arena + self.inputs + self.outputs + self.shared + self.views

    def __str__(self) -> str:
        kinds = ("arena", "inputs", "outputs", "shared", "views")
        parts = ", ".join(f"{kind} {getattr(self, kind):,}" for kind in kinds)
        lines = [f"peak: {self.peak:,} bytes ({parts})"]
        lines.append(f"{'bytes':>14} {'born':>6} {'dies':>6}  buffer")
        ordered = sorted(self.buffers, key=lambda b: (-b.nbytes, b.born))
        for b in ordered[:MOST_ROWS]:
            shown = ", ".join(b.names[:3]) + (", ..." if len(b.names) > 3 else "")
            lines.append(f"{b.nbytes:14,} {b.born:6} {b.dies:6}  {shown:32} {b.line}")
        if len(ordered) > MOST_ROWS:
            lines.append(f"and {len(ordered) - MOST_ROWS} smaller ones")
        return "\n".join(line.rstrip() for line in lines)


def stand_ins(
    inputs: Sequence[Value],
    given: Sequence[object],
    named: Mapping[str, object],
) -> dict[int, Array]:
    """Arrays of the given lengths without memory, by id of the input's variable.

    A tuple or list is an array's lengths; an array stands for itself, and a number for
    an input of rank 0.

    Raises: UsageError where an input is missing, unknown or of another rank.
    """
    if len(given) > len(inputs):
        raise UsageError(f"the plan has {len(inputs)} inputs; got {len(given)} shapes")
    rest, made = dict(named), {}
    for k, value in enumerate(inputs):
        label = value.variable.name or value.name
        if k < len(given):
            if label in rest:
                raise UsageError(
                    f"input {label} is given twice: by position {given[k]!r} and by "
                    f"name {rest[label]!r}",
                    hint="give each input's shape once",
                )
            shape = given[k]
        elif label in rest:
            shape = rest.pop(label)
        elif value.variable.ndim == 0:
            shape = ()
        else:
            raise UsageError(
                f"report needs the shape of input {label}",
                hint=f"report({label}=(...), ...)",
            )
        made[id(value.variable)] = _stand_in(value.variable, shape)
    if rest:
        raise UsageError(f"the plan has no input named {next(iter(rest))!r}")
    return made


def _stand_in(variable: Variable, shape: object) -> Array:
    if isinstance(shape, (tuple, list)):
        array = np.broadcast_to(np.zeros((), variable.dtype), _lengths(variable, shape))
    elif isinstance(shape, (int, float, complex, np.generic, np.ndarray)):
        array = np.asarray(shape, variable.dtype)
    else:
        raise _no_shape(variable, shape)
    if array.ndim != variable.ndim:
        raise UsageError(
            f"input {variable.label} has rank {variable.ndim}; got the shape {shape!r}"
        )
    return array


def _lengths(variable: Variable, shape: Sequence[object]) -> tuple[int, ...]:
    """Raises: UsageError for what is no whole number from 0 on."""
    found = [int(n) for n in shape if isinstance(n, (int, np.integer)) and n >= 0]
    if len(found) != len(shape):
        raise _no_shape(variable, shape)
    return tuple(found)


def _no_shape(variable: Variable, shape: object) -> UsageError:
    example = ", ".join(["4"] * variable.ndim) + ("," if variable.ndim == 1 else "")
    return UsageError(
        f"the shape of input {variable.label} must be {variable.ndim} whole numbers "
        f"from 0 on; got {shape!r}",
        hint=f"a tuple such as ({example}), by position or as name=({example})",
    )


def forecast(
    program: Program, memory: Buffers, tables: Sequence[Table], sizes: Sizes
) -> Forecast:
    """The table of a plan's buffers, and the sums of their bytes."""
    needed = memory.needed(sizes)
    names: dict[int, list[Value]] = {}
    for value in program.values:
        storage = memory.lifetimes.of(value) if value.kind is Kind.BUFFER else None
        if storage is not None:
            names.setdefault(id(storage), []).append(value)
    buffers = [
        Buffer(
            tuple(value.name for value in names[id(storage)]),
            nbytes,
            storage.born,
            storage.dies,
            _line(storage.owner),
        )
        for storage, nbytes in zip(memory.layout.storages, needed, strict=True)
    ]
    shared = [v for v in program.values if v.kind is Kind.SHARED]
    return Forecast(
        tuple(buffers),
        memory.nbytes(needed),
        sum(_nbytes(v, sizes) for v in program.inputs),
        sum(_nbytes(v, sizes) for v in program.outputs),
        sum(_nbytes(v, sizes) for v in shared),
        _views(program, tables, sizes),
    )


def _views(program: Program, tables: Sequence[Table], sizes: Sizes) -> int:
    """The bytes of all tables of views that a binding keeps."""
    ranks = {value.name: value.variable.ndim for value in program.values}
    total = 0
    for loop, names in tables:
        trips = [sizes.trips[id(around.node)] for around in (loop, *_around(loop))]
        if is_kept(trips[0], len(names), nested=len(trips) > 1):
            views = [_view(ranks[name]) for name in names if name in ranks]
            total += prod(trips) * (TUPLE + SLOT * len(names) + sum(views))
    return total


@cache
def _view(rank: int) -> int:
    """The bytes of a view, without the array that it looks into."""
    return getsizeof(np.empty((1,) * rank)[...])


def _around(loop: Loop) -> Iterator[Loop]:
    while loop.within is not None:
        loop = loop.within
        yield loop


def _line(value: Value) -> str:
    span = value.variable.span
    return str(span) if span is not None and span.line else ""


def _nbytes(value: Value, sizes: Sizes) -> int:
    return prod(sizes.of(value.variable)) * np.dtype(value.dtype).itemsize
