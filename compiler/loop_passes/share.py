"""A loop reads every sequence once, stacks every value once, keeps every state once.

scan(a, b)(x, x), stacks (y, y), states h = k from one start   →   scan(a)(x), y, h
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as replace_fields

from symseq.graph import Apply, Variable
from symseq.scan.body import Body
from symseq.scan.op import Scan
from symseq.scan.rows import final_rows
from symseq.span import deriving
from symseq.traverse import replace

from .parts import Parts, State, stand_for, take_apart
from .walk import over_loops

Mapping = dict[Variable, Variable]


def share_equals(outputs: Sequence[Variable]) -> list[Variable]:
    """`outputs` over loops without equal sequences, stacks and states."""
    return over_loops(outputs, share_in_one)


def share_in_one(node: Apply) -> Sequence[Variable] | None:
    """What stands for the outputs of one loop; None: no two parts are equal."""
    parts = take_apart(node)
    mapping = _share_sequences(parts)
    twins = _share_states(parts, mapping)
    places = _share_mapped(parts)
    if not mapping and not twins and len(parts.mapped) == len(places):
        return None
    made = parts.put_together(mapping).outputs
    old = node.outputs
    found: list[Variable] = []
    kept = [k for k in range(len(old)) if k not in twins]
    at = {k: n for n, k in enumerate(kept)}
    first, states = len(parts.op.states), len(parts.states)
    for k in range(first):
        found.append(_state_output(parts, old[k], made[at[twins.get(k, k)]]))
    found += [made[states + place] for place in places]
    return [*found, *made[states + len(parts.mapped) :]]


def _share_sequences(parts: Parts) -> Mapping:
    """Drop sequences that are read already: their rows → the rows of the first."""
    seen: dict[object, Variable] = {}
    mapping: Mapping = {}
    kept = []
    for outer, inner in parts.sequences:
        first = seen.setdefault((id(outer), inner.type), inner)
        if first is inner:
            kept.append((outer, inner))
        else:
            mapping[inner] = first
    parts.sequences = kept
    return mapping


def _share_mapped(parts: Parts) -> list[int]:
    """Drop stacks of values that are stacked already; per output its place now."""
    place = {v: n for n, v in enumerate(dict.fromkeys(parts.mapped))}
    places = [place[v] for v in parts.mapped]
    parts.mapped = list(place)
    return places


def _share_states(parts: Parts, mapping: Mapping) -> dict[int, int]:
    """Drop states that start and go on as others do: their places → the others'."""
    groups: dict[object, list[int]] = {}
    for k, state in enumerate(parts.states):
        key = (id(state.initial), state.spec.depth, state.new.type)
        groups.setdefault(key, []).append(k)
    pairs = {k: group[0] for group in groups.values() for k in group[1:]}
    while pairs:
        trial = dict(mapping)
        for k, other in pairs.items():
            trial.update(_same_taps(parts.states[k], parts.states[other]))
        differ = {
            k: other for k, other in pairs.items() if not _go_on(parts, k, other, trial)
        }
        if not differ:
            break
        pairs = {k: other for k, other in pairs.items() if k not in differ}
    if pairs:
        _merge_states(parts, pairs, mapping)
    return pairs


def _same_taps(state: State, other: State) -> Mapping:
    """The taps of `state` → those of `other`, where it has them."""
    known = dict(zip(other.spec.taps, other.taps, strict=True))
    pairs = zip(state.spec.taps, state.taps, strict=True)
    return {v: known[tap] for tap, v in pairs if tap in known}


def _go_on(parts: Parts, k: int, other: int, trial: Mapping) -> bool:
    """Whether two states get one new value, if their taps hold one."""
    state, first = parts.states[k], parts.states[other]
    same_rows = state.spec.last_only == first.spec.last_only or parts.until is None
    if not same_rows or set(state.spec.taps) - set(first.spec.taps):
        return False
    inputs = tuple(parts.body_inputs)
    one, two = replace([state.new, first.new], trial)
    return one is two or Body(inputs, (one,)) == Body(inputs, (two,))


def _merge_states(parts: Parts, pairs: dict[int, int], mapping: Mapping) -> None:
    for k, other in pairs.items():
        state, first = parts.states[k], parts.states[other]
        mapping.update(_same_taps(state, first))
        both = state.spec.last_only and first.spec.last_only
        first.spec = replace_fields(first.spec, last_only=both)
    parts.states = [s for k, s in enumerate(parts.states) if k not in pairs]


def _state_output(parts: Parts, old: Variable, made: Variable) -> Variable:
    """The output of a state, of which its twin may keep more rows."""
    spec = parts.op.states[old.index]
    assert made.owner is not None and isinstance(made.owner.op, Scan)
    if spec.last_only and not made.owner.op.states[made.index].last_only:
        with deriving(parts.node.spans, parts.node.kind):
            made = final_rows(made, spec.depth, None)
    return stand_for(old, made)
