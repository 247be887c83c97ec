"""Histories of which only the last rows are read shrink to these.

    h = history(scan);  use(h[1:][-1])   →   h = last_row(scan);  use(h[-1])

Without steps `outputs[-1]` raises as before, and what `reduce` returns is the initial
value: of the last rows only those of steps that were done count as outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields

from symseq.graph import Apply, Constant, Variable, known_length
from symseq.lengths import size_of
from symseq.ops import math
from symseq.ops.indexing import getitem
from symseq.ops.math import maximum, sub
from symseq.ops.subtensor import INPUT, Range, Subtensor
from symseq.scan.op import Scan
from symseq.span import deriving
from symseq.traverse import clients, remember, sort_nodes

from .walk import anew, inside


def keep_last_rows(outputs: Sequence[Variable]) -> list[Variable]:
    """`outputs` over loops that keep what is read of their states, bodies included."""
    return Shrink(list(outputs)).result()


@dataclass(slots=True)
class Plan:
    """How the readers of one history read its last rows."""

    depth: int
    tails: list[Apply] = field(default_factory=list)  # h[depth:]
    ends: list[Apply] = field(default_factory=list)  # h[done + depth - 1]


class Shrink:
    """One graph: its histories, who reads them, and the graph without their rows."""

    def __init__(self, outputs: list[Variable]) -> None:
        self.outputs = outputs
        self.clients = clients(outputs)
        self.shown = {id(v) for v in outputs}
        self.new: dict[int, Variable] = {}
        self.replaced: dict[int, Variable] = {}  # a node to replace → its history

    def result(self) -> list[Variable]:
        for node in sort_nodes(self.outputs):
            self._visit(node)
        return [self.new.get(id(v), v) for v in self.outputs]

    def _visit(self, node: Apply) -> None:
        if id(node) in self.replaced:
            self._shorten(node, self.replaced[id(node)])
            return
        op = inside(node.op, keep_last_rows)
        if isinstance(op, Scan):
            op = self._shrunk(node, op)
        inputs = [self.new.get(id(v), v) for v in node.inputs]
        pairs = zip(inputs, node.inputs, strict=True)
        if op is node.op and all(a is b for a, b in pairs):
            return
        made = anew(node, op, inputs)
        self.new.update(
            (id(old), v) for old, v in zip(node.outputs, made.outputs, strict=True)
        )

    def _shrunk(self, node: Apply, op: Scan) -> Scan:
        """The loop, keeping the last rows of states where nothing else is read."""
        states = list(op.states)
        for k, spec in enumerate(states):
            plan = None if spec.last_only else self._plan(node, k)
            if plan is not None:
                states[k] = replace_fields(spec, last_only=True)
                for reader in (*plan.tails, *plan.ends):
                    self.replaced[id(reader)] = node.outputs[k]
        if states == list(op.states):
            return op
        return replace_fields(op, states=tuple(states))

    def _plan(self, node: Apply, k: int) -> Plan | None:
        """How history k is read; None where more than its last rows are."""
        history = node.outputs[k]
        op = node.op
        assert isinstance(op, Scan)
        if id(history) in self.shown:
            return None
        plan = Plan(op.states[k].depth)
        done = op.steps_done(node.outputs)
        for reader in self.clients.get(id(history), []):
            if not isinstance(reader.op, Subtensor) or reader.inputs[0] is not history:
                return None
            if _is_last(reader.op, plan.depth):
                continue
            if done is None and self._is_tail(reader, plan.depth):
                plan.tails.append(reader)
            elif done is not None and _is_end(reader, done, plan.depth):
                plan.ends.append(reader)
            else:
                return None
        return plan

    def _is_tail(self, node: Apply, depth: int) -> bool:
        """Whether node is h[depth:], of which only the last rows are read."""
        assert isinstance(node.op, Subtensor)
        outputs = node.outputs[0]
        if node.op.key != (Range(depth),) or id(outputs) in self.shown:
            return False
        return all(
            isinstance(reader.op, Subtensor)
            and reader.inputs[0] is outputs
            and _is_last(reader.op, depth)
            for reader in self.clients.get(id(outputs), [])
        )

    def _shorten(self, node: Apply, history: Variable) -> None:
        """What stands for a reader of the whole history, from its last rows."""
        loop, last = history.owner, self.new[id(history)]
        assert loop is not None and isinstance(loop.op, Scan)
        assert isinstance(node.op, Subtensor)
        depth = loop.op.states[history.index].depth
        with deriving(node.spans, node.kind):
            if node.op.key[0] == INPUT:
                rest = [self.new.get(id(v), v) for v in node.inputs[2:]]
                made = Subtensor((-1, *node.op.key[1:]))(last, *rest)
                remember(node.outputs[0], made)
            else:
                n_steps = self.new.get(id(loop.inputs[0]), loop.inputs[0])
                made = self._tail(last, depth, n_steps)
        made.name = node.outputs[0].name
        self.new[id(node.outputs[0])] = made

    @staticmethod
    def _tail(last: Variable, depth: int, n_steps: Variable) -> Variable:
        """The rows of `last` that steps have made: at most n_steps of them."""
        size = size_of(known_length(n_steps))
        if size is not None and size >= depth:
            return last
        return getitem(last, slice(maximum(sub(depth, n_steps), 0), None))


def _is_last(op: Subtensor, depth: int) -> bool:
    """Whether x[op.key] reads only the last `depth` rows of x, counted from the end."""
    first = op.key[0] if op.key else Range()
    if isinstance(first, Range):
        start, stop = first.start, first.stop
        ends = stop is None or (isinstance(stop, int) and stop < 0)
        begins = isinstance(start, int) and -depth <= start < 0
        return begins and ends and first.step in (None, 1)
    return isinstance(first, int) and -depth <= first < 0


def _is_end(node: Apply, done: Variable, depth: int) -> bool:
    """Whether node is h[done + depth - 1], the last row of an until-scan."""
    if not isinstance(node.op, Subtensor) or node.op.key[0] != INPUT:
        return False
    index = node.inputs[1]
    if index is done:
        return depth == 1
    made = index.owner
    if made is None or made.op is not math.add.op:
        return False
    other = [v for v in made.inputs if v is not done]
    return (
        len(other) == 1
        and isinstance(other[0], Constant)
        and other[0].held == depth - 1
    )
