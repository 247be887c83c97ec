"""What the values of a loop's body depend on."""

from __future__ import annotations

from enum import IntEnum

from symseq.graph import Apply, Variable
from symseq.ops.shape import ShapeOf

from .costs import can_raise, is_bound
from .parts import Parts


class Level(IntEnum):
    """What a value reads, and so where it may be computed."""

    FIXED = 0  # constants of the loop, lengths of rows: before the loop, once
    ROWS = 1  # rows of sequences: before the loop, for all steps at once
    STATE = 2  # a state, or something that must be done step by step


class Levels:
    """The level of every value of a body.

    What may raise counts as fixed only where a step is surely done: without steps it
    must not be computed.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.nodes = parts.nodes
        self.inputs = {id(v) for v in parts.body_inputs}
        self.of: dict[int, Level] = {}
        self.of.update((id(v), Level.ROWS) for _, v in parts.sequences)
        taps = [tap for state in parts.states for tap in state.taps]
        self.of.update((id(v), Level.STATE) for v in taps)
        self.careful = not parts.surely_runs
        for node in self.nodes:
            level = self._level(node)
            self.of.update((id(v), level) for v in node.outputs)

    def __getitem__(self, variable: Variable) -> Level:
        return self.of.get(id(variable), Level.FIXED)

    def _level(self, node: Apply) -> Level:
        if isinstance(node.op, ShapeOf) and id(node.inputs[0]) in self.inputs:
            return Level.FIXED
        level = max((self[v] for v in node.inputs), default=Level.FIXED)
        if is_bound(node):
            return Level.STATE
        if level is Level.FIXED and self.careful and can_raise(node):
            return Level.STATE
        return level
