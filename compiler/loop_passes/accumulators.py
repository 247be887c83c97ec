"""States that only add up: acc_t = acc_{t-1} + f_t + g_t, read after the last step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from symseq.graph import Apply, Variable
from symseq.ops import math
from symseq.ops.dimshuffle import DimShuffle, dimshuffle
from symseq.ops.indexing import getitem
from symseq.ops.subtensor import IncSubtensor
from symseq.ops.take import Put
from symseq.span import deriving

from .costs import is_zeros
from .outside import KIND
from .parts import Parts, State, elements
from .sums import Sums

ADD, SUB = math.add.op, math.sub.op


@dataclass(slots=True)
class Accumulator:
    """A state and the nodes, each of which adds something to it, in order."""

    place: int  # among the states
    state: State
    chain: list[Apply] = field(default_factory=list)

    def final(self, sums: Sums) -> Variable | None:
        """The rows that the state leaves, as a sum over stacks; None: no such form."""
        (tap,) = self.state.taps
        spans = self.chain[-1].spans if self.chain else sums.parts.node.spans
        with deriving(spans, KIND):
            value = getitem(self.state.initial, 0)
        for node in self.chain:
            with deriving(node.spans, KIND):
                made = self._step(sums, node, tap, value)
                if node is self.chain[0] and node.op is ADD:
                    made = self._without_zeros(made)
            if made is None:
                return None
            value, tap = made, node.outputs[0]
        with deriving(spans, KIND):
            return dimshuffle(value, ["x", *range(value.ndim)])

    def _without_zeros(self, first: Variable | None) -> Variable | None:
        """zeros + x → x, where the state starts as zeros."""
        if first is None or first.owner is None:
            return first
        made = self.state.initial.owner
        while made is not None and isinstance(made.op, DimShuffle):
            made = made.inputs[0].owner
        added = first.owner.inputs[1]
        same = added.broadcastable == first.broadcastable
        return added if same and made is not None and is_zeros(made) else first

    @staticmethod
    def _step(
        sums: Sums, node: Apply, tap: Variable, value: Variable
    ) -> Variable | None:
        if node.op is ADD or node.op is SUB:
            (term,) = [v for v in node.inputs if v is not tap]
            total = sums.total(term)
            return None if total is None else node.op(value, total)
        return sums.added(value, node)


def find_accumulators(parts: Parts) -> list[Accumulator]:
    """The states that can be sums, as far as the form of their new value says."""
    readers = readers_of(parts.nodes)
    outputs = parts.outputs
    read_out = {id(v): 0 for v in outputs}
    for v in outputs:
        read_out[id(v)] += 1
    found = []
    for place, state in enumerate(parts.states):
        spec = state.spec
        if not spec.last_only or spec.depth != 1 or len(state.taps) != 1:
            continue
        made = Accumulator(place, state)
        if _follow(made, readers, read_out):
            found.append(made)
    return found


def next_states(parts: Parts) -> list[Variable]:
    """The new values of the states that are no mere sums."""
    summing = {accumulator.place for accumulator in find_accumulators(parts)}
    states = enumerate(parts.states)
    return [state.new for place, state in states if place not in summing]


def largest_state(parts: Parts) -> int:
    """About how many elements a row of the largest state has that is no mere sum."""
    return max((elements([v]) for v in next_states(parts)), default=0)


def readers_of(nodes: Sequence[Apply]) -> dict[int, list[Apply]]:
    """For each variable's id the nodes that read it, one entry per reading."""
    table: dict[int, list[Apply]] = {}
    for node in nodes:
        for v in node.inputs:
            table.setdefault(id(v), []).append(node)
    return table


def _follow(
    made: Accumulator, readers: dict[int, list[Apply]], read_out: dict[int, int]
) -> bool:
    """Walk from the tap to the new value; whether nothing else reads in between."""
    v, new = made.state.taps[0], made.state.new
    while v is not new:
        reading = readers.get(id(v), [])
        if len(reading) != 1 or read_out.get(id(v)):
            return False
        (node,) = reading
        if not _adds_to(node, v):
            return False
        made.chain.append(node)
        v = node.outputs[0]
    return bool(made.chain) and not readers.get(id(new)) and read_out[id(new)] == 1


def _adds_to(node: Apply, v: Variable) -> bool:
    """Whether the node adds something to v, all of which keeps its place."""
    if node.outputs[0].broadcastable != v.broadcastable:
        return False
    first = node.inputs[0] is v
    if isinstance(node.op, (Put, IncSubtensor)):
        return first and not node.op.replace
    return node.op is ADD or (node.op is SUB and first)
