"""Rows of a loop: whose they are, at which step, and which way the loop runs."""

from __future__ import annotations

from symseq.graph import Variable
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.reshape import Reshape
from symseq.ops.shape import SpecifyShape
from symseq.ops.subtensor import Range, Subtensor
from symseq.printing.inside import Inside, Port
from symseq.printing.pprint import plain_name
from symseq.scan.op import Scan


def reversed_source(variable: Variable) -> Variable | None:
    """x of x[::-1]."""
    node = variable.owner
    if node is None or not isinstance(node.op, Subtensor):
        return None
    return node.inputs[0] if node.op.key == (Range(None, None, -1),) else None


def runs_backwards(body: Inside) -> bool:
    """Whether every sequence of a loop is read from its end."""
    outer = [p.outer for p in body.ports if p.role == "sequence" and p.outer]
    moving = [v for v in outer if not counts_steps(v)]
    return bool(moving) and all(reversed_source(v) is not None for v in moving)


def counts_steps(variable: Variable) -> bool:
    return variable.owner is not None and variable.owner.op.name == "arange"


def loop_name(v: Variable) -> str:
    """What is behind views of a row's source, where that has a name."""
    while not v.name and v.owner is not None:
        if isinstance(v.owner.op, (Subtensor, Reshape, SpecifyShape, DimShuffle)):
            v = v.owner.inputs[0]
        else:
            break
    return v.name or ""


def saved_tap(port: Port, outer: Variable) -> tuple[Variable, int, str] | None:
    """(rows, k, h) for the rows h[t + k] of a state that a gradient's loop reads."""
    if port.saved is None or loop_name(outer):
        return None
    name, time = port.saved
    return outer, time, name


def first_rows(body: Inside) -> dict[int, tuple[Variable, int, str]]:
    """(x, k, name) for a row that is x[t + k]: several views of x are its taps.

    So is a view of a loop's history, which begins with the rows before the first step.
    The name is what the step calls the last of them, where x has none.
    """
    views: dict[int, list[tuple[Variable, Variable, int]]] = {}
    named: set[int] = set()  # ids of rows that the user has named
    for port in body.ports:
        if port.role != "sequence" or port.outer is None:
            continue
        node = (reversed_source(port.outer) or port.outer).owner
        if node is None or not isinstance(node.op, Subtensor) or len(node.inputs) > 1:
            continue
        (first, *others) = node.op.key
        if others or not isinstance(first, Range) or first.step is not None:
            continue
        if isinstance(first.start, (int, type(None))):
            x = node.inputs[0]
            if node.outputs[0].name:
                named.add(id(port.inner))
            views.setdefault(id(x), []).append((port.inner, x, first.start or 0))
    found: dict[int, tuple[Variable, int, str]] = {}
    for group in views.values():
        newest, _, last = max(group, key=lambda view: view[-1])
        for inner, x, start in group:
            depth = 0 if id(inner) in named else history_depth(x)
            if depth or len(group) > 1:
                tap = start - (depth or last)
                found[id(inner)] = (x, tap, plain_name(newest.name))
    return found


def history_depth(v: Variable) -> int:
    """How many rows of a loop's history are from before its first step; else 0."""
    node = v.owner
    if node is None or not isinstance(node.op, Scan):
        return 0
    states = node.op.states
    return states[v.index].depth if v.index < len(states) else 0
