"""What the rows that a loop reads are made of, row by row.

Outside the loop: elementwise work over stacks, views that keep the rows apart, stacks
of another loop. Inside that other loop: elementwise work of its step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from symseq.graph import Apply, Constant, Variable
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.keys import INPUT, Key, Range, bounds_of
from symseq.ops.subtensor import Subtensor
from symseq.scan.op import Scan
from symseq.scan.rows import first_rows, history_rows
from symseq.types import is_static_one

from .costs import is_light


@dataclass(frozen=True, slots=True)
class Value:
    """A variable of the graph (``loop`` is None), or of one loop's body."""

    variable: Variable
    loop: Apply | None = None

    @property
    def key(self) -> tuple[int, int]:
        return id(self.loop) if self.loop is not None else 0, id(self.variable)


def is_view(v: Variable) -> bool:
    """Whether row t of v is a view of some row of what its node reads."""
    node = v.owner
    if node is None:
        return False
    if isinstance(node.op, DimShuffle):
        return bool(node.op.order) and node.op.order[0] == 0
    return isinstance(node.op, Subtensor) and _takes_rows(node.op.key)


def _takes_rows(key: Key) -> bool:
    """Whether x[key] has rows of x, cut at places that are known."""
    if not key or not isinstance(key[0], Range):
        return False
    return all(INPUT not in bounds_of(entry) for entry in key[1:])


def has_one_row(v: Variable) -> bool:
    return is_static_one(v.type.shape[0])


@dataclass(slots=True)
class Stacks:
    """What of a loop's body is there outside, by id of the inner variable."""

    mapped: dict[int, Variable] = field(default_factory=dict)
    rows: dict[int, Variable] = field(default_factory=dict)  # sequences, histories
    fixed: dict[int, Variable] = field(default_factory=dict)


def stacks_of(loop: Apply) -> Stacks:
    """The stacks, sequences, kept histories and constants of a loop without `until`."""
    op, made = loop.op, Stacks()
    assert isinstance(op, Scan)
    for inner, stack in zip(
        op.body_mapped, op.mapped_outputs(loop.outputs), strict=True
    ):
        made.mapped.setdefault(id(inner), stack)
    constants = zip(op.body_constants, op.constant_inputs(loop.inputs), strict=True)
    made.fixed = {id(inner): outer for inner, outer in constants}
    n_steps = loop.inputs[0]
    for k, (spec, taps) in enumerate(zip(op.states, op.body_taps, strict=True)):
        places = [(op.body_states[k], 0), *zip(taps, spec.taps, strict=True)]
        for inner, at in places if not spec.last_only else []:
            rows = history_rows(
                loop.outputs[k], spec.depth + at, spec.depth, n_steps, False
            )
            made.rows.setdefault(id(inner), rows)
    pairs = zip(op.body_sequences, op.sequence_inputs(loop.inputs), strict=True)
    for inner, outer in pairs:
        made.rows[id(inner)] = first_rows(outer, n_steps)
    return made


class RowSources:
    """Of what rows are made; the tables of the loops that were met."""

    def __init__(self) -> None:
        self._stacks: dict[Apply, Stacks] = {}

    def stacks(self, loop: Apply) -> Stacks:
        if loop not in self._stacks:
            self._stacks[loop] = stacks_of(loop)
        return self._stacks[loop]

    def operands(self, value: Value) -> Sequence[Value] | None:
        """What the value is computed from, a row at a time; None: it can only be read.

        What is the same in every step is not among them.
        """
        v, loop = value.variable, value.loop
        if loop is not None:
            stack = self.stacks(loop).mapped.get(id(v))
            return self._made_of(v, loop) if stack is None else [Value(stack)]
        node = v.owner
        if node is None:
            return None
        if is_view(v):
            return [Value(node.inputs[0])]
        if isinstance(node.op, Scan):
            inner = stacked_value(v)
            return None if inner is None else self._made_of(inner, node)
        if not is_light(node) or v.ndim == 0 or has_one_row(v):
            return None
        return [Value(x) for x in node.inputs if not has_one_row(x)]

    def _made_of(self, v: Variable, loop: Apply) -> Sequence[Value] | None:
        """What a value of a body is made of, its own stack apart."""
        stacks = self.stacks(loop)
        if isinstance(v, Constant) or id(v) in stacks.fixed:
            return []
        if id(v) in stacks.rows:
            return [Value(stacks.rows[id(v)])]
        node = v.owner
        if node is None or not _is_light_inside(node):
            return None
        return [Value(x, loop) for x in node.inputs]


def _is_light_inside(node: Apply) -> bool:
    if isinstance(node.op, Subtensor):
        return len(node.inputs) == 1
    return is_light(node) or isinstance(node.op, DimShuffle)


def stacked_value(v: Variable) -> Variable | None:
    """The value of the body that v, an output of a loop without `until`, stacks."""
    assert v.owner is not None and isinstance(v.owner.op, Scan)
    op = v.owner.op
    if op.until or v.index < len(op.states):
        return None
    return op.body_mapped[v.index - len(op.states)]
