"""Loops whose gradient is taken, with checkpoints: time for memory.

    h = scan(step);  g = gradient of it   →   the same with checkpoint_every=k

The gradient's loop is built anew from the loop in segments, of which only the starts
are kept. It runs before all other passes, on the graph as it was built.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace as replace_fields

from symseq.graph import Apply, Variable
from symseq.scan.gradient import TAKEN, Taken
from symseq.scan.segments import in_segments
from symseq.traverse import rebuild, sort_nodes

from ..autodiff.reverse import differentiate


def checkpoint_loops(outputs: Sequence[Variable], every: int) -> list[Variable]:
    """`outputs` with checkpoints every so many steps in loops whose gradient is taken.

    Loops with `until`, with a truncated gradient or with checkpoints of their own, and
    those whose gradient's gradient is taken, stay as they are.
    """
    nodes = sort_nodes(outputs)
    taken = {node: TAKEN[node] for node in nodes if node in TAKEN}
    again = {one.op for one in taken.values()}
    chosen = {
        node: one
        for node, one in taken.items()
        if _may_change(one) and node.op not in again
    }
    if not chosen:
        return list(outputs)
    return Checkpoints(chosen, every).rebuilt(nodes, outputs)


def _may_change(taken: Taken) -> bool:
    op = taken.op
    return not op.until and op.truncate < 0 and op.checkpoint_every is None


class Checkpoints:
    """The graph under way: old variables to new ones."""

    def __init__(self, chosen: dict[Apply, Taken], every: int) -> None:
        self.chosen, self.every = chosen, every
        self.forward = {one.outputs[0].owner: one for one in chosen.values()}
        self.new: dict[int, Variable] = {}
        self.segments: dict[int, tuple[list[Variable], list[Variable]]] = {}
        self.alive: list[Variable] = []

    def rebuilt(
        self, nodes: Sequence[Apply], outputs: Sequence[Variable]
    ) -> list[Variable]:
        for node in nodes:
            if node in self.forward:
                self._segment(self.forward[node])
            elif node in self.chosen:
                self._differentiate(self.chosen[node])
            else:
                self._rebuild(node)
        return [self.new.get(id(v), v) for v in outputs]

    def _rebuild(self, node: Apply) -> None:
        """The node over new inputs, where it has any and nothing stands for it."""
        replaced = all(id(v) in self.new for v in node.outputs)
        if not replaced and any(id(v) in self.new for v in node.inputs):
            rebuild(node, [self.new.get(id(v), v) for v in node.inputs], self.new)

    def _segment(self, taken: Taken) -> None:
        """Stand the loop in segments for the loop, over variables for its inputs."""
        inputs = [Variable(v.type, name=v.name, held=v.held) for v in taken.inputs]
        op = replace_fields(taken.op, checkpoint_every=self.every)
        made = in_segments(op, inputs)
        self.segments[id(taken.outputs[0])] = inputs, made
        for old, inner in zip(taken.inputs, inputs, strict=True):
            self.new[id(inner)] = self.new.get(id(old), old)
        self._place(made)
        for old, segment in zip(taken.outputs, made, strict=True):
            self.new[id(old)] = self.new[id(segment)]

    def _place(self, variables: Iterable[Variable]) -> None:
        """Build over the real inputs what was made over variables."""
        variables = list(variables)
        self.alive += variables
        for node in sort_nodes(variables):
            self._rebuild(node)

    def _differentiate(self, taken: Taken) -> None:
        """The cotangents of the loop's inputs, from those of its segments."""
        if id(taken.outputs[0]) not in self.segments:
            self._segment(taken)  # only the gradient is wanted
        inputs, made = self.segments[id(taken.outputs[0])]
        # As they are: of which rows they are zero shows in how they were made.
        given = [None if g is None else self.new.get(id(g), g) for g in taken.given]
        floats = [v for v in inputs if v.type.is_float]
        found = dict(zip(floats, differentiate(made, given, floats), strict=True))
        self._place(g for g in found.values() if g is not None)
        for inner, reference in zip(inputs, taken.results, strict=True):
            result = None if reference is None else reference()
            gradient = found.get(inner)
            if result is not None and gradient is not None:
                self.new[id(result)] = self.new.get(id(gradient), gradient)
