"""A model is a tree: modules hold shared variables and other modules as attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from symseq.errors import UsageError
from symseq.graph import SharedVariable
from symseq.lengths import Dim, size_of
from symseq.span import group, here
from symseq.types import TensorType

from . import checkpoints
from .init import Initializer


def size(length: int | Dim) -> int:
    """A length as a number. Raises: UsageError for what is none, or has no size."""
    number = size_of(length)
    if number is not None and (not isinstance(number, (int, np.integer)) or number < 0):
        raise UsageError(
            f"a parameter's length is an int of at least 0; got {length!r}"
        )
    if number is None:
        raise UsageError(
            f"a parameter's length must be known; got {length}",
            hint="give the name a size: H, = dims(H=128)",
        )
    return number


def parameter(
    initial: Initializer,
    *shape: int | Dim,
    rng: np.random.Generator,
    name: str | None = None,
) -> SharedVariable:
    """A shared variable of floatX whose lengths keep their names.

    Raises: UsageError for a length that is none, or what is no generator.

    >>> from symseq.lengths import dims
    >>> from symseq.models.init import zeros
    >>> D, H = dims(D=2, H=3)
    >>> parameter(zeros, D, 4 * H, rng=np.random.default_rng(0), name="W")
    W: float32[D, 4H]
    """
    if not isinstance(rng, np.random.Generator):
        raise UsageError(
            f"parameters are drawn by a NumPy generator; got {type(rng).__name__}",
            hint="pass rng=np.random.default_rng(0)",
        ).at(here())
    value = np.ascontiguousarray(initial(rng, [size(length) for length in shape]))
    return SharedVariable(TensorType(value.dtype.name, shape), value, name)


# What writes a module's equations, and so opens a group for pictures.
CALLS = ("__call__", "run")
_numbers = count(1)
_around: ContextVar[Module | None] = ContextVar("around", default=None)


class Module:
    """A part of a model. Its parameters are the shared variables among its attributes.

    Nothing is registered: `parameters` looks at the attributes when asked, at those of
    modules below, and into lists, tuples and dicts of them. To call a module twice is
    to use the same parameters twice. What a call writes is a group of the graph, named
    by the attribute that holds the module in the one around, or else by its class.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in CALLS:
            if name in vars(cls):
                setattr(cls, name, _in_group(vars(cls)[name]))

    def parameters(self) -> dict[str, SharedVariable]:
        """Every parameter by its path, such as "lstm.cell.U", in order of definition.

        A variable that stands at two places (tied weights) has its first path.
        """
        found: dict[int, tuple[str, SharedVariable]] = {}
        for path, variable in _walk(self, ""):
            found.setdefault(id(variable), (path, variable))
        return dict(found.values())

    def groups(self) -> dict[str, list[str]]:
        """The parameters' paths by the module that holds them, for pictures."""
        grouped: dict[str, list[str]] = {}
        for path in self.parameters():
            grouped.setdefault(path.rpartition(".")[0], []).append(path)
        return grouped

    def count(self) -> int:
        """How many numbers the model learns."""
        return sum(variable.storage.size for variable in self.parameters().values())

    def summary(self) -> str:
        """One line per parameter: path, type, how many numbers."""
        rows = [
            (path, str(variable.type), f"{variable.storage.size:,}")
            for path, variable in self.parameters().items()
        ]
        wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [f"{a:{wide[0]}}  {b:{wide[1]}}  {n:>{wide[2]}}" for a, b, n in rows]
        return "\n".join([*lines, f"{self.count():,} parameters"])

    def save(self, path: str | Path, **notes: Any) -> None:
        """Write all parameters to a safetensors file, whole or not at all."""
        arrays = {name: v.storage for name, v in self.parameters().items()}
        checkpoints.write(path, arrays, **notes)

    def load(self, path: str | Path) -> dict[str, Any]:
        """Read what `save` wrote and return its notes; on failure change nothing.

        Raises: CheckpointError where the file is damaged or is another model's.
        """
        arrays, notes = checkpoints.read(path)
        checkpoints.restore(self.parameters(), arrays, path)
        return notes


def _in_group(method: Callable[..., Any]) -> Callable[..., Any]:
    """`method` with a group open around what it writes, unless its own is open."""

    @wraps(method)
    def grouped(self: Module, *args: Any, **named: Any) -> Any:
        around = _around.get()
        if around is self:
            return method(self, *args, **named)
        token = _around.set(self)
        try:
            with group(_label(self, around), next(_numbers)):
                return method(self, *args, **named)
        finally:
            _around.reset(token)

    return grouped


def _label(module: Module, around: Module | None) -> str:
    """The attribute of `around` that holds the module, or the module's class."""
    for path, part in parts(around, "") if around is not None else ():
        if part is module:
            return path
    return type(module).__name__


def _walk(value: object, path: str) -> Iterator[tuple[str, SharedVariable]]:
    for where, part in parts(value, path):
        if isinstance(part, SharedVariable):
            yield where, part


def parts(
    value: object, path: str, above: tuple[object, ...] = ()
) -> Iterator[tuple[str, SharedVariable | Module]]:
    """Modules and parameters in and below a value by their paths, outermost first."""
    if isinstance(value, SharedVariable):
        yield path, value
        return
    if any(value is one for one in above):  # a module may know the one that holds it
        return
    inside: Mapping[Any, object] = {}
    if isinstance(value, Module):
        if path:
            yield path, value
        inside = vars(value)
    elif isinstance(value, (list, tuple)):
        inside = dict(enumerate(value))
    elif isinstance(value, dict):
        inside = value
    for name, part in inside.items():
        below = f"{path}.{name}" if path else str(name)
        yield from parts(part, below, (*above, value))
