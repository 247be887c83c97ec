"""Loops without what nobody reads: outputs, states, sequences, constants, taps.

    h, s = scan(step)(x, m, W);  use(h)   →   h = scan(step')(x, W);  use(h)

Constants of a loop that are plain constants move into its body, and one variable
handed in twice is handed in once, so that the rewrites see them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_fields

from symseq.graph import Apply, Constant, Variable
from symseq.scan.body import Body
from symseq.scan.op import Scan
from symseq.span import Origin
from symseq.traverse import rebuild, remember, replace, sort_nodes
from symseq.types import TensorType

MOST_INLINED = 64


def drop_unused(outputs: Sequence[Variable]) -> list[Variable]:
    """The outputs over loops trimmed to what is read, bodies of loops included."""
    current = list(outputs)
    while True:
        used = {id(v) for v in current}
        nodes = sort_nodes(current)
        for node in nodes:
            used.update(id(v) for v in node.inputs)
        new: dict[int, Variable] = {}
        for node in nodes:
            inputs = [new.get(id(v), v) for v in node.inputs]
            if isinstance(node.op, Scan) and trim(node, inputs, used, new):
                continue
            if any(id(v) in new for v in node.inputs):
                made = rebuild(node, inputs, new)
                for old, fresh in zip(node.outputs, made.outputs, strict=True):
                    remember(old, fresh)
        if not new:
            return current
        current = [new.get(id(v), v) for v in current]


@dataclass(slots=True)
class Kept:
    """What stays of a loop, by position."""

    states: list[int]
    mapped: list[int]
    needed: set[int]  # ids of the body's variables that are computed


def trim(
    node: Apply, inputs: Sequence[Variable], used: set[int], new: dict[int, Variable]
) -> bool:
    """Enter the outputs of the trimmed loop into `new`; False: nothing to trim."""
    op = node.op
    assert isinstance(op, Scan)
    inner = drop_unused(op.body.outputs)
    kept = what_stays(node, inner, used)
    roles = _trimmed(op, inputs, inner, kept)
    if roles is None:
        return False
    trimmed, kept_inputs = roles
    made = trimmed.make_node(kept_inputs, Origin(node.spans, node.kind)).outputs
    first = len(op.states)
    places = [*kept.states, *(first + k for k in kept.mapped)]
    if op.until:
        places.append(len(node.outputs) - 1)
    for place, variable in zip(places, made, strict=True):
        variable.name = node.outputs[place].name
        remember(node.outputs[place], variable)
        new[id(node.outputs[place])] = variable
    return True


def what_stays(node: Apply, inner: Sequence[Variable], used: set[int]) -> Kept:
    """The outputs that are read, and the states that they are computed from."""
    op = node.op
    assert isinstance(op, Scan)
    first = len(op.states)
    states = {k for k in range(first) if id(node.outputs[k]) in used}
    mapped = [k for k in range(op.mapped) if id(node.outputs[first + k]) in used]
    while True:
        roots = [inner[k] for k in sorted(states)] + [inner[first + k] for k in mapped]
        if op.until:
            roots.append(inner[-1])
        needed = {id(v) for v in roots}
        for body_node in sort_nodes(roots, stop=op.body.inputs):
            needed.update(id(v) for v in body_node.inputs)
        grown = states | {
            k
            for k, taps in enumerate(op.body_taps)
            if any(id(v) in needed for v in taps)
        }
        if grown == states:
            return Kept(sorted(states), mapped, needed)
        states = grown


def _trimmed(
    op: Scan, inputs: Sequence[Variable], inner: Sequence[Variable], kept: Kept
) -> tuple[Scan, list[Variable]] | None:
    """The op and its inputs without what is not kept; None where all is."""
    sequences = [
        (outer, v)
        for outer, v in zip(op.sequence_inputs(inputs), op.body_sequences, strict=True)
        if id(v) in kept.needed
    ]
    states, taps = [], []
    for k in kept.states:
        read = [v for v in op.body_taps[k] if id(v) in kept.needed]
        shown = zip(op.states[k].taps, op.body_taps[k], strict=True)
        numbers = tuple(tap for tap, v in shown if id(v) in kept.needed)
        states.append(replace_fields(op.states[k], taps=numbers))
        taps += read
    constants, mapping = _constants(op, inputs, kept)
    body_inputs = (*(v for _, v in sequences), *taps, *(v for _, v in constants))
    first = len(op.states)
    outputs = [inner[k] for k in kept.states] + [inner[first + k] for k in kept.mapped]
    if op.until:
        outputs.append(inner[-1])
    same = all(a is b for a, b in zip(outputs, op.body.outputs, strict=False))
    if same and len(outputs) == len(op.body.outputs) and body_inputs == op.body.inputs:
        return None
    outputs = replace(outputs, mapping)
    made = replace_fields(
        op,
        body=Body(body_inputs, tuple(outputs)),
        sequences=len(sequences),
        states=tuple(states),
        mapped=len(kept.mapped),
        constants=len(constants),
    )
    initials = [op.initial_inputs(inputs)[k] for k in kept.states]
    outer_sequences = [outer for outer, _ in sequences]
    outer_constants = [outer for outer, _ in constants]
    return made, [inputs[0], *outer_sequences, *initials, *outer_constants]


def _constants(
    op: Scan, inputs: Sequence[Variable], kept: Kept
) -> tuple[list[tuple[Variable, Variable]], dict[Variable, Variable]]:
    """The constants that stay, and inner variables replaced by others or by values."""
    stay: dict[tuple[int, TensorType], tuple[Variable, Variable]] = {}
    mapping: dict[Variable, Variable] = {}
    pairs = zip(op.constant_inputs(inputs), op.body_constants, strict=True)
    for outer, inner in pairs:
        if id(inner) not in kept.needed:
            continue
        value = known_value(outer)
        if value is not None and value.type == inner.type:
            mapping[inner] = value
            continue
        first = stay.setdefault((id(outer), inner.type), (outer, inner))
        if first[1] is not inner:
            mapping[inner] = first[1]
    return list(stay.values()), mapping


def known_value(outer: Variable) -> Constant | None:
    """The small constant that a loop's constant is, if it is one."""
    small = isinstance(outer, Constant) and outer.data.size <= MOST_INLINED
    return outer if small and isinstance(outer, Constant) else None
