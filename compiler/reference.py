"""The `reference` target: every op by its NumPy meaning, in order, with no rewrite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from symseq.errors import MissingInputError, SymseqError
from symseq.graph import (
    MOST_HELD,
    Apply,
    BodyOp,
    Constant,
    Held,
    SharedVariable,
    Variable,
    operands,
)
from symseq.traverse import sort_nodes
from symseq.types import Array, TensorType, concrete, is_integer

from .watch import Watch


@dataclass(frozen=True, slots=True)
class Actual:
    """What a type rule sees when called: numbers for lengths, and known integers."""

    type: TensorType
    held: Held


def actual(static: TensorType, array: Array) -> Actual:
    """The argument of a type rule for an array of a variable of type `static`."""
    return Actual(concrete(static, array.shape), integers(array))


def integers(array: Array) -> Held:
    """The integers of a scalar or a short vector, which may decide lengths."""
    if not is_integer(array.dtype.name) or array.ndim > 1 or array.size > MOST_HELD:
        return None
    return int(array) if array.ndim == 0 else tuple(map(int, array))


@dataclass(slots=True)
class Evaluator:
    """Evaluates graphs, and keeps the order of each graph's nodes for the next time.

    A function keeps one, so that a loop's body is sorted once. ``watch`` sees every
    node; ``path`` holds the ops with bodies around it and how often each body has run.
    """

    watch: Watch | None = None
    orders: dict[tuple[Variable, ...], list[Apply]] = field(default_factory=dict)
    path: list[tuple[str, int]] = field(default_factory=list)

    def __call__(
        self,
        outputs: Sequence[Variable],
        inputs: Sequence[Variable],
        values: Sequence[Array],
    ) -> list[Array]:
        """The values of `outputs`; they may be views of `values` or shared storage.

        Raises: MissingInputError for a leaf without a value; what the type rules
            and the ops raise, at the user's line.
        """
        if self.path:
            name, step = self.path[-1]
            self.path[-1] = name, step + 1
        table = {id(v): np.asarray(a) for v, a in zip(inputs, values, strict=True)}
        with np.errstate(all="ignore"):
            for node in self.order(outputs, inputs):
                arguments = [value_of(v, table) for v in node.inputs]
                results = self.apply(node, arguments)
                self.see(node, arguments, results)
                for variable, made in zip(node.outputs, results, strict=True):
                    table.setdefault(id(variable), made)
        return [value_of(v, table) for v in outputs]

    def order(
        self, outputs: Sequence[Variable], inputs: Sequence[Variable]
    ) -> list[Apply]:
        key = (*outputs, *inputs)
        if key not in self.orders:
            self.orders[key] = sort_nodes(outputs, stop=inputs)
        return self.orders[key]

    def apply(self, node: Apply, arguments: Sequence[Array]) -> tuple[Array, ...]:
        """The outputs of one node, checked against its type rule."""
        args = [actual(v.type, a) for v, a in zip(node.inputs, arguments, strict=True)]
        try:
            types = node.op.infer(args)
            if isinstance(node.op, BodyOp):
                made = self.enter(node.op, arguments)
            else:
                made = node.op.numpy(*arguments)
        except SymseqError as error:
            raise error.at(node.spans[0], operands(node.inputs)) from None
        except Exception as error:
            error.add_note(f"at {node.spans[0]}  {node.spans[0].text}")
            raise
        arrays = tuple(map(np.asarray, made))
        for type_, array in zip(types, arrays, strict=True):
            check(node, type_, array)
        return arrays

    def enter(self, op: BodyOp, arguments: Sequence[Array]) -> tuple[Array, ...]:
        """The outputs of an op with bodies, which it evaluates by calling back."""
        self.path.append((op.name, -1))
        try:
            return op.evaluate_body(self, *arguments)
        finally:
            self.path.pop()

    def see(
        self, node: Apply, arguments: Sequence[Array], results: Sequence[Array]
    ) -> None:
        """A node has run: a watch is told."""
        watch = self.watch
        if watch is None:
            return
        entry = watch.entry(node, tuple(name for name, _ in self.path))
        if isinstance(node.op, BodyOp):
            watch.begin()  # its nodes have been seen one by one
        watch.see(entry, self.path, arguments, results)


def evaluate(
    outputs: Sequence[Variable],
    inputs: Sequence[Variable],
    values: Sequence[Array],
) -> list[Array]:
    """The values of `outputs` where `inputs` have `values`: every target's oracle."""
    return Evaluator()(outputs, inputs, values)


def value_of(variable: Variable, table: dict[int, Array]) -> Array:
    """What a variable is worth: computed, given, fixed or shared."""
    found = table.get(id(variable))
    if found is not None:
        return found
    if isinstance(variable, Constant):
        return variable.data
    if isinstance(variable, SharedVariable):
        return variable.storage
    raise MissingInputError(
        f"the graph reads {variable!r}, which has no value",
        hint="give it among the inputs",
    ).at(variable.span)


def check(node: Apply, type_: TensorType, array: Array) -> None:
    """An op must make what its type rule says: dtype, rank and known lengths."""
    fits = array.dtype.name == type_.dtype and array.ndim == type_.ndim
    fits = fits and all(
        known is None or known == length
        for known, length in zip(type_.sizes, array.shape, strict=True)
    )
    assert fits, (
        f"{node.op} promised {type_} and made {array.dtype}{list(array.shape)}, "
        f"at {node.spans[0]} {node.spans[0].text}"
    )
