"""What a scan computes, step by step in NumPy: the `reference` target's loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from symseq.errors import ShapeError
from symseq.graph import MOST_HELD, Evaluate, Held
from symseq.scan.body import Known
from symseq.types import Array, TensorType, is_integer

if TYPE_CHECKING:
    from symseq.scan.op import Scan


def run_scan(
    op: Scan, evaluate: Evaluate, inputs: Sequence[Array]
) -> tuple[Array, ...]:
    """The outputs of a scan, where `evaluate` runs its body once per step."""
    loop = ReferenceLoop(op, inputs)
    done = 0
    while done < loop.n_steps:
        values = evaluate(op.body.outputs, op.body.inputs, loop.rows(done))
        loop.write(done, values)
        done += 1
        if op.until and values[-1]:
            break
    return loop.outputs(done)


@dataclass(slots=True)
class ReferenceLoop:
    """The buffers of one run: a history per state, a stack per mapped output."""

    op: Scan
    inputs: Sequence[Array]
    n_steps: int
    histories: list[Array]
    stacks: list[Array]

    def __init__(self, op: Scan, inputs: Sequence[Array]) -> None:
        self.op, self.inputs, self.n_steps = op, inputs, int(inputs[0])
        self.histories = [
            np.concatenate([x, np.zeros((self.n_steps, *x.shape[1:]), x.dtype)])
            for x in op.initial_inputs(inputs)
        ]
        types = op.mapped_outputs(op.infer([known_of(x) for x in inputs]))
        self.stacks = [np.zeros([n or 0 for n in t.sizes], t.dtype) for t in types]

    def rows(self, step: int) -> list[Array]:
        """The values of the body's inputs at one step."""
        found = [x[step, ...] for x in self.op.sequence_inputs(self.inputs)]
        for spec, history in zip(self.op.states, self.histories, strict=True):
            found += [history[step + spec.depth + tap, ...] for tap in spec.taps]
        return [*found, *self.op.constant_inputs(self.inputs)]

    def write(self, step: int, values: Sequence[Array]) -> None:
        for k, spec in enumerate(self.op.states):
            self._put(self.histories[k], step + spec.depth, values[k])
        for k, value in enumerate(self.op.mapped_outputs(values)):
            if step == 0 and self.stacks[k].shape[1:] != value.shape:
                self.stacks[k] = np.zeros((self.n_steps, *value.shape), value.dtype)
            self._put(self.stacks[k], step, value)

    def _put(self, stack: Array, row: int, value: Array) -> None:
        if stack.shape[1:] != value.shape:
            raise ShapeError(
                f"every step of {self.op.name} must give one shape; "
                f"got {stack.shape[1:]} and {value.shape}"
            )
        stack[row] = value

    def outputs(self, done: int) -> tuple[Array, ...]:
        histories = [
            history[done : done + spec.depth] if spec.last_only else history
            for spec, history in zip(self.op.states, self.histories, strict=True)
        ]
        count = (np.asarray(done, "int64"),) if self.op.until else ()
        return (*histories, *self.stacks, *count)


def known_of(x: Array) -> Known:
    """What a type rule may know of an array."""
    held: Held = None
    if is_integer(x.dtype.name) and x.ndim <= 1 and x.size <= MOST_HELD:
        held = int(x) if x.ndim == 0 else tuple(map(int, x))
    return Known(TensorType(x.dtype.name, x.shape), held)
