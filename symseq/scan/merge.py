"""Scans that share inner variables become one: a loop and the one that saves for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symseq.graph import Apply, Variable
from symseq.scan.body import Body
from symseq.scan.op import Scan
from symseq.scan.rows import final_rows
from symseq.span import Origin, deriving
from symseq.traverse import rebuild, remember, sort_nodes

New = dict[int, Variable]


def merge_scans(outputs: Sequence[Variable]) -> Sequence[Variable]:
    """scan(f → a), scan(f → b) over the same inputs → scan(f → a, b), bodies included.

    The same `outputs` object where nothing merges. Merged are loops whose bodies read
    the very same variables: so a loop and the one that saves its residuals.
    """
    merged = _merge_once(outputs)
    while merged is not outputs:
        outputs, merged = merged, _merge_once(merged)
    return outputs


def _merge_once(outputs: Sequence[Variable]) -> Sequence[Variable]:
    nodes = sort_nodes(outputs)
    groups: dict[object, list[Apply]] = {}
    for node in nodes:
        if isinstance(node.op, Scan):
            groups.setdefault(_identity(node, node.op), []).append(node)
    new: New = {}
    for node in nodes:
        if id(node.outputs[0]) in new:
            continue
        inputs = [new.get(id(v), v) for v in node.inputs]
        if isinstance(node.op, Scan):
            group = groups[_identity(node, node.op)]
            op = _inside(_union(group) if len(group) > 1 else node.op)
            if op is not node.op:
                _enter(group, op, inputs, new)
                continue
        if any(id(v) in new for v in node.inputs):
            rebuild(node, inputs, new)
    if not new:
        return outputs
    return [new.get(id(v), v) for v in outputs]


def _identity(node: Apply, op: Scan) -> object:
    """What nodes must share to be one loop."""
    inner = [*op.body.inputs, *op.body_states]
    if op.body_until is not None:
        inner.append(op.body_until)
    states = tuple((spec.depth, spec.taps) for spec in op.states)
    return tuple(map(id, node.inputs)), tuple(map(id, inner)), states, op.until


def _scan(node: Apply) -> Scan:
    assert isinstance(node.op, Scan)
    return node.op


def _union(group: Sequence[Apply]) -> Scan:
    """One loop with the outputs of all."""
    ops = [_scan(node) for node in group]
    first = ops[0]
    mapped = tuple(dict.fromkeys(v for op in ops for v in op.body_mapped))
    condition = (first.body_until,) if first.body_until is not None else ()
    states = tuple(
        replace(specs[0], last_only=all(spec.last_only for spec in specs))
        for specs in zip(*(op.states for op in ops), strict=True)
    )
    body = Body(first.body.inputs, (*first.body_states, *mapped, *condition))
    return replace(first, body=body, states=states, mapped=len(mapped))


def _inside(op: Scan) -> Scan:
    """The same loop with the scans of its body merged."""
    merged = merge_scans(op.body.outputs)
    if merged is op.body.outputs:
        return op
    return replace(op, body=Body(op.body.inputs, tuple(merged)))


def _enter(
    group: Sequence[Apply], op: Scan, inputs: Sequence[Variable], new: New
) -> None:
    """Make the merged node and say where each old output is found there."""
    spans = tuple(dict.fromkeys(span for node in group for span in node.spans))
    made = op.make_node(inputs, Origin(spans, group[0].kind))
    # Bodies keep the order of their outputs, so those of the union tell the places.
    union = _union(group) if len(group) > 1 else _scan(group[0])
    stacks = dict(zip(union.body_mapped, op.mapped_outputs(made.outputs), strict=True))
    for node in group:
        old = _scan(node)
        for k, spec in enumerate(old.states):
            whole = made.outputs[k]
            if spec.last_only and not op.states[k].last_only:
                with deriving(spans, "merged"):
                    done = op.steps_done(made.outputs)
                    whole = final_rows(made.outputs[k], op.states[k].depth, done)
                remember(node.outputs[k], whole)
            new[id(node.outputs[k])] = whole
        tops = old.mapped_outputs(node.outputs)
        for top, inner in zip(tops, old.body_mapped, strict=True):
            new[id(top)] = stacks[inner]
        if old.until:
            new[id(node.outputs[-1])] = made.outputs[-1]
        for before in node.outputs:
            after = new[id(before)]
            after.name = after.name or before.name
