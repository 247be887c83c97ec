"""Lengths of every value of a plan, from the lengths (and early values) of one call."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

import numpy as np

from symseq.errors import Operand, ShapeError, SymseqError
from symseq.graph import Apply, BodyOp, Constant, Held, Variable
from symseq.lengths import ONE, Length, size_of
from symseq.ops.elementwise import Elementwise
from symseq.scan.body import Known
from symseq.scan.op import Scan
from symseq.span import UNKNOWN
from symseq.types import Array, TensorType, is_integer, is_static_one

from ..lower.scope import Scope, body_constants


class Sizes:
    """Types with numbers for lengths, and early values, by variable id."""

    def __init__(self, arrays: Mapping[int, Array], fixed: Container[int] = ()) -> None:
        self.arrays = arrays  # inputs and shared variables by id
        self.fixed = fixed  # ids of early values that lengths alone decide
        self.types: dict[int, TensorType] = {}
        self.values: dict[int, Array] = {}
        self.outer: dict[int, Variable] = {}  # a loop's constant → the outer variable
        self.trips: dict[int, int] = {}  # steps of each loop, by node id

    def of(self, variable: Variable) -> tuple[int, ...]:
        """The lengths of a variable; -1 where only the run will know."""
        return tuple(-1 if n is None else n for n in self.type(variable).sizes)

    def type(self, variable: Variable) -> TensorType:
        found = self.types.get(id(variable))
        if found is None:
            array = self.arrays.get(id(variable))
            shape = variable.type.shape if array is None else array.shape
            found = self.types[id(variable)] = numbered(variable.type, shape)
        return found

    def value(self, variable: Variable) -> Array | None:
        """An early value, computed when first asked for; None where it is not early."""
        found = self.values.get(id(variable))
        if found is None:
            found = self._evaluate(variable)
            if found is not None:
                self.values[id(variable)] = found
        return found

    def _evaluate(self, variable: Variable) -> Array | None:
        if isinstance(variable, Constant):
            return variable.data
        if id(variable) in self.arrays:
            return np.asarray(self.arrays[id(variable)])
        if id(variable) in self.outer:
            return self.value(self.outer[id(variable)])
        node = variable.owner
        if node is None or isinstance(node.op, BodyOp) or node.op.dynamic:
            return None
        if node.op.name == "shape":
            lengths = self.of(node.inputs[0])
            return None if -1 in lengths else np.array(lengths, "int64")
        inputs = [self.value(v) for v in node.inputs]
        if any(x is None for x in inputs):
            return None
        try:
            outputs = node.op.numpy(*(x for x in inputs if x is not None))
        except SymseqError as error:
            raise self.blame(error, node) from None
        return np.asarray(outputs[variable.index])

    def held(self, variable: Variable) -> Held:
        """The integers that a length-deciding variable holds in this call."""
        if isinstance(variable, Constant):
            return variable.held
        array = self.value(variable)
        if array is None:
            return None
        return int(array) if array.ndim == 0 else tuple(int(n) for n in array)

    def _is_index(self, variable: Variable) -> bool:
        """Whether views are made with this number, once: it is checked here."""
        known = isinstance(variable, Constant) or id(variable) in self.fixed
        return known and variable.ndim == 0 and is_integer(variable.dtype)

    def infer(self, node: Apply) -> None:
        """Enter the types of a node's outputs.

        Raises: ShapeError at the user's line, where lengths do not fit.
        """
        if isinstance(node.op, Elementwise):
            shapes = [self.type(v).shape for v in node.inputs]
            if shapes.count(shapes[0]) == len(shapes):  # as most are: nothing stretches
                (variable,) = node.outputs
                self.types[id(variable)] = numbered(variable.type, shapes[0])
                return
        args = self._args(node)
        try:
            types = node.op.infer(args)
        except SymseqError as error:
            raise self.blame(error, node) from None
        self._made(node, types)

    def _args(self, node: Apply) -> list[Known]:
        deciding = node.op.length_inputs()
        return [
            Known(
                self.type(v),
                self.held(v) if k in deciding or self._is_index(v) else None,
            )
            for k, v in enumerate(node.inputs)
        ]

    def _made(self, node: Apply, types: Sequence[TensorType]) -> None:
        for variable, type_ in zip(node.outputs, types, strict=True):
            self.types[id(variable)] = numbered(variable.type, type_.shape)

    def blame(self, error: SymseqError, node: Apply) -> SymseqError:
        """`error` with the node's line and its operands as they are in this call."""
        rows = tuple(
            Operand(
                v.label, str(self.type(v)), None if isinstance(v, Constant) else v.span
            )
            for v in node.inputs
        )
        return error.at(node.spans[0] if node.spans else UNKNOWN, rows)

    def infer_scope(self, scope: Scope) -> None:
        """Enter the types of everything in a scope, bodies of loops included."""
        for node in scope.unsettled:
            body = scope.bodies.get(id(node))
            if body is None:
                self.infer(node)
            else:
                self._infer_loop(node, body)

    def _infer_loop(self, node: Apply, body: Scope) -> None:
        """The same for a loop: its body is looked at once, for its own steps too."""
        op, args = node.op, self._args(node)
        assert isinstance(op, Scan)
        if isinstance(args[0].held, int):
            self.trips[id(node)] = args[0].held
        try:
            op.check_lengths(args)
            known = op.row_args(args)
        except SymseqError as error:
            raise self.blame(error, node) from None
        for variable, arg in zip(body.inputs, known, strict=True):
            self.types[id(variable)] = numbered(variable.type, arg.type.shape)
        for outer, inner in body_constants(node, body):
            self.outer[id(inner)] = outer
        self.infer_scope(body)
        try:
            types = op.output_types(args, [self.type(v) for v in body.outputs])
        except SymseqError as error:
            raise self.blame(error, node) from None
        self._made(node, types)


def numbered(static: TensorType, shape: Sequence[Length]) -> TensorType:
    """`static` with the numbers of `shape`; an undeclared 1 becomes ONE."""
    return static.with_lengths(
        tuple(
            [_number(length, n) for length, n in zip(static.shape, shape, strict=True)]
        )
    )


def _number(static: Length, actual: Length) -> Length:
    size = size_of(actual)
    if size is None:
        size = size_of(static)  # contents decide, within what the type says
    if size == 1 and not is_static_one(static):
        return ONE
    return size


def check_lengths(nodes: Sequence[Apply], arrays: Mapping[int, Array]) -> None:
    """See that the lengths of a call fit in every one of `nodes`, inputs first.

    Raises: ShapeError, BadIndexError, ... at the user's line.
    """
    sizes = Sizes(arrays)
    for node in nodes:
        sizes.infer(node)


def check_names(pairs: Sequence[tuple[Variable, Array]]) -> None:
    """See that inputs that share a named length have it equal, and sized ones fit.

    Raises: ShapeError naming both arrays.
    """
    seen: dict[object, tuple[int, Variable]] = {}
    for variable, array in pairs:
        for axis, (length, size) in enumerate(
            zip(variable.type.shape, array.shape, strict=True)
        ):
            if length is None:
                continue
            wanted = length if isinstance(length, int) else length.size
            if wanted is not None and wanted != size:
                raise ShapeError(
                    f"axis {axis} of {variable.label} must have length {length}"
                    f"{'' if isinstance(length, int) else f' = {wanted}'}; got {size}"
                ).at(variable.span)
            first = seen.setdefault(length, (size, variable))
            if first[0] != size:
                raise ShapeError(
                    f"{length} must be one length; {first[1].label} has {first[0]} "
                    f"and {variable.label} has {size}"
                ).at(variable.span)
