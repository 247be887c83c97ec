"""A loop taken apart, to be put together again with other parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_fields
from itertools import accumulate, pairwise

from symseq import lengths
from symseq.graph import Apply, Variable, known_length
from symseq.lengths import size_of
from symseq.ops.join import Join
from symseq.ops.keys import Key, Range
from symseq.ops.shape import specify_shape
from symseq.scan.body import Body
from symseq.scan.op import Scan
from symseq.scan.roles import StateSpec
from symseq.span import Origin
from symseq.traverse import remember, replace, sort_nodes
from symseq.types import is_static_one


@dataclass(slots=True)
class State:
    """A state: its initial rows outside, its taps and its new value inside."""

    spec: StateSpec
    initial: Variable
    taps: tuple[Variable, ...]
    new: Variable


@dataclass(slots=True)
class Parts:
    """The parts of a scan node; sequences and constants are (outer, inner) pairs."""

    node: Apply
    op: Scan
    n_steps: Variable
    sequences: list[tuple[Variable, Variable]]
    states: list[State]
    mapped: list[Variable]
    constants: list[tuple[Variable, Variable]]
    until: Variable | None

    @property
    def outputs(self) -> list[Variable]:
        """The body's outputs, in order."""
        until = [] if self.until is None else [self.until]
        return [*(state.new for state in self.states), *self.mapped, *until]

    @property
    def body_inputs(self) -> list[Variable]:
        taps = [tap for state in self.states for tap in state.taps]
        rows = [inner for _, inner in self.sequences]
        return [*rows, *taps, *(inner for _, inner in self.constants)]

    @property
    def nodes(self) -> list[Apply]:
        """The body's nodes, inputs before users."""
        return sort_nodes(self.outputs, stop=self.body_inputs)

    @property
    def surely_runs(self) -> bool:
        """Whether at least one step is done in every call."""
        size = size_of(known_length(self.n_steps))
        return size is not None and size >= 1

    @property
    def is_tight(self) -> bool:
        """Whether the user trades time for memory: nothing may be stacked."""
        return self.op.checkpoint_every is not None

    def put_together(self, mapping: Mapping[Variable, Variable]) -> Apply:
        """The node anew, its body with the keys of `mapping` read as their values."""
        outputs = replace(self.outputs, mapping) if mapping else self.outputs
        op = replace_fields(
            self.op,
            body=Body(tuple(self.body_inputs), tuple(outputs)),
            sequences=len(self.sequences),
            states=tuple(state.spec for state in self.states),
            mapped=len(self.mapped),
            constants=len(self.constants),
        )
        inputs = [
            self.n_steps,
            *(outer for outer, _ in self.sequences),
            *(state.initial for state in self.states),
            *(outer for outer, _ in self.constants),
        ]
        return op.make_node(inputs, Origin(self.node.spans, self.node.kind))


def take_apart(node: Apply) -> Parts:
    """The parts of a scan node."""
    op = node.op
    assert isinstance(op, Scan)
    states = zip(
        op.states,
        op.initial_inputs(node.inputs),
        op.body_taps,
        op.body_states,
        strict=True,
    )
    rows = zip(op.sequence_inputs(node.inputs), op.body_sequences, strict=True)
    fixed = zip(op.constant_inputs(node.inputs), op.body_constants, strict=True)
    return Parts(
        node,
        op,
        node.inputs[0],
        list(rows),
        [State(*parts) for parts in states],
        list(op.body_mapped),
        list(fixed),
        op.body_until,
    )


def stand_for(old: Variable, new: Variable) -> Variable:
    """`new` as what replaces `old`: with its name, and the 1s that `old` declares."""
    missing = [
        is_static_one(a) and not is_static_one(b)
        for a, b in zip(old.type.shape, new.type.shape, strict=True)
    ]
    if any(missing):
        new = specify_shape(new, [1 if one else None for one in missing])
    if new.owner is not None:
        remember(old, new)
        new.name = new.name or old.name
    return new


def pieces(variable: Variable) -> list[tuple[Variable, Key]]:
    """The parts of a join, each with its place there, if all their lengths are known.

    Of what is no join there are none.
    """
    node = variable.owner
    if node is None or not isinstance(node.op, Join):
        return []
    axis = node.op.axis
    sizes = [size_of(v.type.shape[axis]) for v in node.inputs]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return []
    full: Key = (Range(),) * axis
    ends = pairwise(accumulate(known, initial=0))
    keys = [(*full, Range(start, stop)) for start, stop in ends]
    return list(zip(node.inputs, keys, strict=True))


def elements(variables: Sequence[Variable], unknown: int = 16) -> int:
    """About how many elements there are in all; an unknown length counts as 16."""
    count = 0
    for v in variables:
        sizes = [unknown if n is None else n for n in map(size_of, v.type.shape)]
        size = lengths.total(sizes)
        assert isinstance(size, int)
        count += size
    return count


def held_per_step(parts: Parts) -> int:
    """About how many elements the loop has in memory for each of its steps."""
    rows = [inner for _, inner in parts.sequences]
    kept = [state.new for state in parts.states if not state.spec.last_only]
    return elements([*rows, *kept, *parts.mapped])
