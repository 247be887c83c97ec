"""Who is who in a scan: slices of its inputs, its outputs and its body's variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from symseq.graph import Variable
from symseq.scan.body import Body

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class StateSpec:
    """One state: `depth` initial rows, the `taps` (all < 0) that the body reads.

    Step t reads row t + depth + tap of the history and writes row t + depth.
    ``last_only``: the output is the last `depth` rows, not the history.
    """

    depth: int = 1
    taps: tuple[int, ...] = (-1,)
    last_only: bool = False


@dataclass(frozen=True)
class Roles:
    """The body of a loop and what its inputs and outputs are.

    Inputs: n_steps, sequences, initial states (each [depth, ...]), constants.
    Body inputs: a row per sequence, a row per tap of each state, constants.
    Body outputs: a new row per state, a row per mapped output, the until condition.
    Outputs: a history per state (n_steps + depth rows, or the last depth rows), a stack
    per mapped output (n_steps rows), with `until` the number of steps done.
    """

    body: Body
    sequences: int
    states: tuple[StateSpec, ...]
    mapped: int
    constants: int
    until: bool = False

    # Of the node's inputs.
    def sequence_inputs(self, inputs: Sequence[Item]) -> tuple[Item, ...]:
        return tuple(inputs[1 : 1 + self.sequences])

    def initial_inputs(self, inputs: Sequence[Item]) -> tuple[Item, ...]:
        first = 1 + self.sequences
        return tuple(inputs[first : first + len(self.states)])

    def constant_inputs(self, inputs: Sequence[Item]) -> tuple[Item, ...]:
        return tuple(inputs[1 + self.sequences + len(self.states) :])

    # Of the node's outputs.
    def history_outputs(self, outputs: Sequence[Item]) -> tuple[Item, ...]:
        return tuple(outputs[: len(self.states)])

    def mapped_outputs(self, outputs: Sequence[Item]) -> tuple[Item, ...]:
        return tuple(outputs[len(self.states) : len(self.states) + self.mapped])

    def steps_done(self, outputs: Sequence[Item]) -> Item | None:
        """The count of an until-scan, None for others."""
        return outputs[-1] if self.until else None

    # Of anything that goes with the body's inputs: variables, rows, types.
    def sequences_of(self, items: Sequence[Item]) -> tuple[Item, ...]:
        return tuple(items[: self.sequences])

    def taps_of(self, items: Sequence[Item]) -> tuple[tuple[Item, ...], ...]:
        """Per state, its taps in the order of ``spec.taps``."""
        found, at = [], self.sequences
        for spec in self.states:
            found.append(tuple(items[at : at + len(spec.taps)]))
            at += len(spec.taps)
        return tuple(found)

    def constants_of(self, items: Sequence[Item]) -> tuple[Item, ...]:
        return tuple(items[self.tap_count + self.sequences :])

    @property
    def tap_count(self) -> int:
        return sum(len(spec.taps) for spec in self.states)

    # Of the body.
    @cached_property
    def body_sequences(self) -> tuple[Variable, ...]:
        return self.sequences_of(self.body.inputs)

    @cached_property
    def body_taps(self) -> tuple[tuple[Variable, ...], ...]:
        return self.taps_of(self.body.inputs)

    @cached_property
    def body_constants(self) -> tuple[Variable, ...]:
        return self.constants_of(self.body.inputs)

    @property
    def body_states(self) -> tuple[Variable, ...]:
        """The new value of each state."""
        return self.body.outputs[: len(self.states)]

    @property
    def body_mapped(self) -> tuple[Variable, ...]:
        return self.mapped_outputs(self.body.outputs)

    @property
    def body_until(self) -> Variable | None:
        return self.body.outputs[-1] if self.until else None
