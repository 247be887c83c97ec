"""A cost that reads the last row of a loop starts the gradient's loop; it adds no row.

d_t = d_{t-1}' + g_t, of g only row 0 is not 0   →   d starts as start + g_0
"""

from __future__ import annotations

from collections.abc import Sequence

from symseq.graph import Apply, Variable
from symseq.ops import math
from symseq.ops.alloc import alloc
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.indexing import getitem
from symseq.ops.math import add, minimum
from symseq.ops.shape import lengths_of
from symseq.ops.subtensor import IncSubtensor
from symseq.scan.rows import mirrored_rows
from symseq.span import deriving

from .accumulators import readers_of
from .costs import is_zeros
from .parts import Parts, State, take_apart
from .walk import over_loops

ADD = math.add.op


def start_from_first_row(outputs: Sequence[Variable]) -> list[Variable]:
    """`outputs` over loops that do not add zeros in every step but the first."""
    return over_loops(outputs, _start_in_one)


def _start_in_one(node: Apply) -> Sequence[Variable] | None:
    parts = take_apart(node)
    given = [(outer, inner, first_row(outer)) for outer, inner in parts.sequences]
    if all(row is None for _, _, row in given):
        return None
    readers = readers_of(parts.nodes)
    mapping: dict[Variable, Variable] = {}
    for outer, inner, row in given:
        state = None if row is None else _state_that_adds(parts, inner, readers)
        if row is None or state is None:
            continue
        (tap,) = state.taps
        (total,) = (n.outputs[0] for n in readers[id(inner)])
        with deriving(node.spans, node.kind):
            state.initial = add(state.initial, _lifted(*row, parts.n_steps))
        mapping[total] = tap
        parts.sequences.remove((outer, inner))
    return parts.put_together(mapping).outputs if mapping else None


def first_row(sequence: Variable) -> tuple[Variable, Variable] | None:
    """Of a sequence with only zeros behind its first row: that row, such zeros."""
    rows, node = mirrored_rows(sequence), sequence.owner
    if rows is None or not rows.is_full or node is None:
        return None
    made = node.inputs[0].owner
    if made is None or made.op not in (IncSubtensor((-1,)), IncSubtensor((-1,), True)):
        return None
    zeros, row = made.inputs
    empty = zeros.owner is not None and is_zeros(zeros.owner)
    return (row, zeros) if empty else None


def _state_that_adds(
    parts: Parts, row: Variable, readers: dict[int, list[Apply]]
) -> State | None:
    """The state of which every step reads nothing but its sum with `row`."""
    outputs = {id(v) for v in parts.outputs}
    reading = readers.get(id(row), [])
    if len(reading) != 1 or reading[0].op is not ADD or id(row) in outputs:
        return None
    for state in parts.states:
        if state.spec.depth == 1 and state.spec.last_only and len(state.taps) == 1:
            (tap,) = state.taps
            alone = readers.get(id(tap)) == reading and id(tap) not in outputs
            if alone and tap.broadcastable == row.broadcastable:
                return state
    return None


def _lifted(row: Variable, zeros: Variable, n_steps: Variable) -> Variable:
    """[row], which without steps cannot be taken, as before."""
    lead = dimshuffle(row, ["x", *range(row.ndim)])
    held = n_steps.held
    if isinstance(held, int) and held > 0:
        return lead
    checked = getitem(alloc(lead, minimum(n_steps, 1), *lengths_of(zeros)[1:]), -1)
    return dimshuffle(checked, ["x", *range(row.ndim)])
