"""A scan over many examples at once: its body batched, the examples along axis 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from symseq.errors import NotBatchableError
from symseq.graph import Variable
from symseq.ops.axes import swapaxes
from symseq.ops.shape import broadcast_leading, leading, length_of
from symseq.ops.vectorize import batch_nodes
from symseq.scan.body import Body

if TYPE_CHECKING:
    from symseq.scan.op import Scan


def batch_scan(
    op: Scan, inputs: Sequence[Variable], batched: Sequence[bool]
) -> Sequence[Variable]:
    """The outputs of the loop for every example, the examples along axis 0.

    Raises: NotBatchableError where examples would differ in their number of steps.
    """
    if batched[0] or op.until:
        raise NotBatchableError(
            f"{op.name} needs one number of steps for all examples; "
            "got one that differs from example to example"
        )
    wide = Wide(op, inputs, batched)
    made = replace(op, body=wide.body()).make(*wide.outer_inputs())
    return [
        swapaxes(v, 0, 1) if flag else broadcast_leading(v, wide.count)
        for v, flag in zip(made, wide.flags, strict=True)
    ]


class Wide:
    """What differs from example to example in a loop, and its batched body."""

    def __init__(
        self, op: Scan, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> None:
        self.op, self.inputs, self.batched = op, inputs, batched
        self.count = leading(inputs, batched)
        self.length = inputs[list(batched).index(True)].type.shape[0]
        self.states = list(op.initial_inputs(batched))
        self.new, self.marked = self._spread()

    def _spread(self) -> tuple[dict[int, Variable], set[int]]:
        """Batch the body until no further state becomes batched by its new value."""
        self.rows = self._rows()
        while True:
            new, marked = batch_nodes(self.op.body.outputs, self.rows)
            more = [id(v) in marked for v in self.op.body_states]
            states = [a or b for a, b in zip(self.states, more, strict=True)]
            if states == self.states:
                return new, marked
            self.states = states
            self.rows = self._rows()

    def _rows(self) -> dict[Variable, Variable]:
        """A variable with a leading axis for each batched input of the body."""
        op = self.op
        flags = [*op.sequence_inputs(self.batched)]
        for taps, flag in zip(op.body_taps, self.states, strict=True):
            flags += [flag] * len(taps)
        flags += op.constant_inputs(self.batched)
        return {
            v: Variable(v.type.with_shape([self.length, *v.type.shape]), name=v.name)
            for v, flag in zip(op.body.inputs, flags, strict=True)
            if flag
        }

    def body(self) -> Body:
        results = [self.new.get(id(v), v) for v in self.op.body.outputs]
        for k, is_batched in enumerate(self.states):
            if is_batched and id(self.op.body_states[k]) not in self.marked:
                count = length_of(next(iter(self.rows.values())), 0)
                results[k] = broadcast_leading(results[k], count)
        inputs = [self.rows.get(v, v) for v in self.op.body.inputs]
        return Body(tuple(inputs), tuple(results))

    @property
    def flags(self) -> list[bool]:
        """Which outputs of the batched loop have examples along axis 1."""
        return [*self.states, *(id(v) in self.marked for v in self.op.body_mapped)]

    def outer_inputs(self) -> list[Variable]:
        op = self.op
        flags = op.sequence_inputs(self.batched)
        sequences = [
            swapaxes(v, 0, 1) if flag else v
            for v, flag in zip(op.sequence_inputs(self.inputs), flags, strict=True)
        ]
        flags = op.initial_inputs(self.batched)
        starts = [
            self._start(v, flag, state)
            for v, flag, state in zip(
                op.initial_inputs(self.inputs), flags, self.states, strict=True
            )
        ]
        constants = op.constant_inputs(self.inputs)
        return [self.inputs[0], *sequences, *starts, *constants]

    def _start(self, initial: Variable, batched: bool, state: bool) -> Variable:
        if not state:
            return initial
        examples = initial if batched else broadcast_leading(initial, self.count)
        return swapaxes(examples, 0, 1)
