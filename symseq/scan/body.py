"""The graph inside an op (scan, ifelse): closed, compared by structure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from symseq import lengths
from symseq.errors import DTypeError, ShapeError, SymseqError, UsageError
from symseq.graph import Apply, Arg, Constant, Held, Variable, operands
from symseq.lengths import ONE, Length
from symseq.traverse import sort_nodes
from symseq.types import TensorType, is_integer, is_static_one


@dataclass(frozen=True, eq=False)
class Body:
    """outputs = f(inputs): a graph that reads its inputs and constants, nothing else.

    Two bodies are equal where they have the same ops over the same positions, types
    and constants, so that equal loops merge; names and lines do not count.
    """

    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]

    @cached_property
    def nodes(self) -> tuple[Apply, ...]:
        """The nodes, inputs before users."""
        return tuple(sort_nodes(self.outputs, stop=self.inputs))

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """The structure as one flat tuple: types of inputs, nodes, outputs."""
        place: dict[int, Any] = {id(v): i for i, v in enumerate(self.inputs)}

        def refer(v: Variable) -> Any:
            if id(v) not in place:
                if not isinstance(v, Constant):
                    raise UsageError(f"a body must be closed; it reads {v.label}")
                place[id(v)] = (v.dtype, v.data.shape, v.data.tobytes())
            return place[id(v)]

        rows = []
        for number, node in enumerate(self.nodes):
            rows.append((node.op, *map(refer, node.inputs)))
            for v in node.outputs:
                place.setdefault(id(v), (number, v.index))
        types = tuple((v.type, v.held) for v in self.inputs)
        return types, tuple(rows), tuple(map(refer, self.outputs))

    @cached_property
    def _hash(self) -> int:
        return hash(self.key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Body):
            return NotImplemented
        return self is other or (self._hash == other._hash and self.key == other.key)

    def __repr__(self) -> str:
        return (
            f"Body({len(self.inputs)} → {len(self.outputs)}, {len(self.nodes)} nodes)"
        )

    @cached_property
    def deciding_inputs(self) -> tuple[int, ...]:
        """Positions of the integer inputs whose values decide a length inside."""
        deciding: set[int] = set()
        for node in reversed(self.nodes):
            reads = set(node.op.length_inputs())
            # Of a shape only its operand's lengths matter, which are known anyway.
            if node.op.name != "shape" and any(id(v) in deciding for v in node.outputs):
                reads.update(range(len(node.inputs)))
            deciding.update(id(node.inputs[i]) for i in reads)
        return tuple(
            i
            for i, v in enumerate(self.inputs)
            if id(v) in deciding and v.ndim <= 1 and is_integer(v.dtype)
        )


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a variable: its type and the integers it holds."""

    type: TensorType
    held: Held = None


def infer_body(body: Body, args: Sequence[Arg]) -> dict[Variable, Arg]:
    """What is known of every variable inside, given what is known of the inputs.

    This is how the lengths inside a loop are checked and sized when a plan is bound.

    Raises: ShapeError, DTypeError at the line inside the body.
    """
    known: dict[Variable, Arg] = dict(zip(body.inputs, args, strict=True))
    for node in body.nodes:
        inputs = [known.get(v, v) for v in node.inputs]
        try:
            types = node.op.infer(inputs)
        except SymseqError as error:
            raise error.at(node.spans[0], _shown(node, inputs)) from None
        held = node.op.hold(inputs) or (None,) * len(types)
        for v, type_, holds in zip(node.outputs, types, held, strict=True):
            known.setdefault(v, Known(type_, holds))
    return known


def _shown(node: Apply, args: Sequence[Arg]) -> Any:
    rows = operands(node.inputs)
    return tuple(
        type(row)(row.name, str(arg.type), row.span)
        for row, arg in zip(rows, args, strict=True)
    )


def fit_type(static: TensorType, actual: TensorType, what: str) -> TensorType:
    """`actual` as the type of a body input declared `static`.

    A 1 that was not declared becomes ONE: broadcasting was decided when the body was
    built.

    Raises: ShapeError, DTypeError where it does not fit.
    """
    if static.dtype != actual.dtype:
        raise DTypeError(
            f"{what} must have dtype {static.dtype}; got {actual.dtype}",
            hint="cast it before the loop",
        )
    if static.ndim != actual.ndim:
        raise ShapeError(f"{what} must have rank {static.ndim}; got {actual.ndim}")
    pairs = zip(static.shape, actual.shape, strict=True)
    return static.with_shape([_fit_length(a, b, what) for a, b in pairs])


def _fit_length(static: Length, actual: Length, what: str) -> Length:
    if lengths.size_of(actual) == 1 and not is_static_one(static):
        actual = ONE
    return lengths.meet(static, actual, f"lengths of {what}")
