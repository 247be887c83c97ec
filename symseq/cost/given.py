"""Lengths that a user gives: by name, or as the shape of an input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeGuard

import numpy as np

from symseq import lengths
from symseq.errors import ShapeError, UsageError
from symseq.graph import BodyOp, SharedVariable, Variable
from symseq.lengths import ONE, Dim, Length, Symbol
from symseq.scan.body import Known
from symseq.traverse import leaves, sort_nodes
from symseq.types import TensorType, is_integer, is_static_one

# {"T": 50, x: (50, 16), "mask": (50, 16), n: 10}: a number for a length by its name, or
# for a vector's, or for an integer scalar by its variable; a shape for an input.
Shapes: TypeAlias = "Mapping[Variable | Dim | str, int | Sequence[int]]"
WHOLE = (int, np.integer)
HINT = "shapes={'T': 50, x: (50, 16)} gives a length by its name and an input's shape"


@dataclass(slots=True)
class Given:
    """What is given, by symbol and by input."""

    sizes: dict[Symbol, int] = field(default_factory=dict)
    types: dict[Variable, TensorType] = field(default_factory=dict)
    held: dict[Variable, int] = field(default_factory=dict)

    def known(self, variable: Variable) -> Known:
        """What is known of a leaf."""
        type_ = self.types.get(variable, variable.type)
        held = variable.held
        if isinstance(held, tuple):
            return Known(self.bound(type_), tuple(map(self.length, held)))
        return Known(self.bound(type_), self.held.get(variable, self.length(held)))

    def bound(self, type_: TensorType) -> TensorType:
        return type_.with_shape([self.length(n) for n in type_.shape])

    def length(self, length: Length) -> Length:
        """A length as a number where its names are given."""
        if not isinstance(length, Dim) or length.size is not None:
            return length
        size = length.evaluate(self.sizes)
        if size is not None and size < 0:
            raise ShapeError(f"a length must be at least 0; {length} is {size}")
        return ONE if size == 1 else length if size is None else size


def read_shapes(shapes: Shapes | None, outputs: Sequence[Variable]) -> Given:
    """`shapes` in terms of the graph's leaves and of the lengths that it names.

    Raises: UsageError for what names nothing; ShapeError for what does not fit.
    """
    given, read = Given(), leaves(outputs)
    named = {symbol.name: symbol for symbol in sorted(_symbols(outputs))}
    for key, value in (shapes or {}).items():
        variable = _input(key, value, read)
        if variable is None:
            symbol = named.get(key) if isinstance(key, str) else key
            _name(
                given, key, symbol.symbol if isinstance(symbol, Dim) else symbol, value
            )
        elif isinstance(value, WHOLE) and variable.ndim == 1:
            _shape(given, variable, (int(value),))
        elif isinstance(value, WHOLE):
            _hold(given, variable, int(value))
        else:
            _shape(given, variable, value)
    return given


def _input(key: object, value: object, leaves: Sequence[Variable]) -> Variable | None:
    """The leaf that a key stands for; None where it names a length."""
    if isinstance(key, Variable):
        return key
    if isinstance(key, str):
        found = [v for v in leaves if v.name == key]
        if found and (not isinstance(value, WHOLE) or found[0].ndim < 2):
            return found[0]
        if not isinstance(value, WHOLE):
            shown = ", ".join(v.name for v in leaves if v.name) or "none has a name"
            raise UsageError(f"no input is named {key!r}; there are: {shown}")
    return None


def _symbols(outputs: Sequence[Variable], stop: Sequence[Variable] = ()) -> set[Symbol]:
    """The names in all lengths of a graph, bodies included."""
    nodes = sort_nodes(outputs, stop)
    every = {*outputs, *stop}.union(*({*n.inputs, *n.outputs} for n in nodes))
    every_length = (length for v in every for length in v.type.shape)
    named = [length for length in every_length if isinstance(length, Dim)]
    found = {s for length in named for monomial, _ in length.terms for s in monomial}
    for node in nodes:
        if isinstance(node.op, BodyOp):
            for inputs, made in node.op.bodies():
                found |= _symbols(made, inputs)
    return found


def _name(given: Given, key: object, symbol: object, value: object) -> None:
    if isinstance(key, str) and symbol is None:
        raise UsageError(f"no length or input is named {key!r}", hint=HINT)
    if not isinstance(symbol, Symbol) or not _is_whole(value):
        raise UsageError(f"shapes takes no {key!r}: {value!r}", hint=HINT)
    name, size = symbol.name, int(value)
    if size < 0:
        raise ShapeError(f"a length must be at least 0; {name} is given as {size}")
    if symbol.size >= 0 and symbol.size != size:
        raise ShapeError(f"{name} has the size {symbol.size}; it is given as {size}")
    if given.sizes.setdefault(symbol, size) != size:
        raise ShapeError(
            f"one length has one number; {name} is given as {given.sizes[symbol]} "
            f"and as {size}"
        )


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, WHOLE) and not isinstance(value, bool)


def _hold(given: Given, variable: Variable, value: int) -> None:
    if variable.ndim or not is_integer(variable.dtype):
        raise UsageError(
            f"a number stands for an integer scalar; {variable!r} is none", hint=HINT
        )
    given.held[variable] = value


def _shape(given: Given, variable: Variable, shape: Sequence[int]) -> None:
    if isinstance(variable, SharedVariable):
        raise UsageError(f"shapes are of inputs; {variable.label} has its value's")
    if len(shape) != variable.ndim:
        raise ShapeError(
            f"{variable.label} has rank {variable.ndim}; its shape is given as "
            f"{tuple(shape)}"
        )
    made: list[Length] = []
    for static, size in zip(variable.type.shape, shape, strict=True):
        number = int(size)
        if isinstance(static, Dim) and static.symbol and static.size is None:
            _name(given, static, static.symbol, number)
        exact = ONE if number == 1 and not is_static_one(static) else number
        made.append(lengths.meet(static, exact, f"lengths of {variable.label}"))
    given.types[variable] = variable.type.with_shape(made)
