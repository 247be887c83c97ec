"""The gradient of one step of a scan: the body of the loop that runs backwards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from symseq.graph import Differentiate, Variable
from symseq.ops.create import zeros_like
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.math import add
from symseq.scan.roles import Roles, StateSpec
from symseq.types import TensorType

if TYPE_CHECKING:
    from symseq.scan.op import Scan

Maybe = Variable | None


@dataclass(frozen=True, slots=True)
class BackStep:
    """The body of the backward loop, before it is cut free of the forward body."""

    windows: dict[int, tuple[Variable, ...]]  # per state: adjoints of the rows before
    direct: dict[int, Variable]  # per output: a row of its cotangent
    totals: dict[int, Variable]  # per constant: the sum so far
    new_windows: dict[int, tuple[Variable, ...]]
    new_totals: dict[int, Variable]
    rows: dict[int, Variable]  # per sequence: the cotangent of its row

    @property
    def carried(self) -> list[Variable]:
        windows = [w for window in self.windows.values() for w in window]
        return [*windows, *self.totals.values()]

    @property
    def results(self) -> list[Variable]:
        windows = [w for window in self.new_windows.values() for w in window]
        return [*windows, *self.new_totals.values(), *self.rows.values()]


def back_step(
    op: Scan,
    given: Sequence[Maybe],
    inputs: Sequence[Variable],
    differentiate: Differentiate,
) -> BackStep:
    """The gradient of one step, over fresh variables for what later steps give.

    ``inputs``: the loop's, whose names it takes.
    """
    active = active_states(op, given)
    while True:
        step, idle = _try_step(op, given, active, inputs, differentiate)
        if not idle:
            return step
        active = [k for k in active if k not in idle]


def active_states(op: Scan, given: Sequence[Maybe]) -> list[int]:
    """The states whose value at some step may reach the cost, through floats."""
    count = len(op.states)
    reached = {
        id(v) for v, g in zip(op.body.outputs, given, strict=True) if g is not None
    }
    active = {k for k in range(count) if given[k] is not None}
    while True:
        for node in reversed(op.body.nodes):
            if any(id(v) in reached and v.type.is_float for v in node.outputs):
                reached.update(id(v) for v in node.inputs if v.type.is_float)
        more = {
            k
            for k, taps in enumerate(op.body_taps)
            if k not in active and any(id(tap) in reached for tap in taps)
        }
        if not more:
            return sorted(active)
        active |= more
        reached.update(id(op.body_states[k]) for k in more)


def _try_step(
    op: Scan,
    given: Sequence[Maybe],
    active: Sequence[int],
    inputs: Sequence[Variable],
    differentiate: Differentiate,
) -> tuple[BackStep, list[int]]:
    """The step for these states, and those of them that turn out to receive nothing."""
    windows = {
        k: tuple(
            Variable(row_type(op, k), name=output_name(op, k))
            for _ in range(op.states[k].depth)
        )
        for k in active
    }
    direct = {
        k: Variable(v.type, name=f"{output_name(op, k)}_out")
        for k, v in enumerate(op.body.outputs)
        if given[k] is not None and not (k < len(op.states) and op.states[k].last_only)
    }
    received: list[Maybe] = [direct.get(k) for k in range(len(op.body.outputs))]
    for k in active:
        before = received[k]
        received[k] = windows[k][-1] if before is None else windows[k][-1] + before
    wrt = [v for v in op.body.inputs if v.type.is_float]
    found = dict(zip(wrt, differentiate(op.body.outputs, received, wrt), strict=True))
    taps = op.taps_of([found.get(v) for v in op.body.inputs])
    idle = [k for k in active if given[k] is None and all(g is None for g in taps[k])]
    new_windows = {k: new_window(op.states[k], windows[k], taps[k]) for k in active}
    constants = {
        k: g for k, v in enumerate(op.body_constants) if (g := found.get(v)) is not None
    }
    totals = {
        k: Variable(v.type, name=adjoint_name(v, _source(outer)) or "dk")
        for k, (v, outer) in enumerate(
            zip(op.body_constants, op.constant_inputs(inputs), strict=True)
        )
        if k in constants
    }
    step = BackStep(
        windows,
        direct,
        totals,
        new_windows,
        {k: totals[k] + g for k, g in constants.items()},
        {
            k: g
            for k, v in enumerate(op.body_sequences)
            if (g := found.get(v)) is not None
        },
    )
    name_results(op, step, op.sequence_inputs(inputs))
    return step, idle


def adjoint_name(*variables: Variable) -> str | None:
    """dh of h or h[t-1]: what the adjoint is called of the first that has a name."""
    stem = first_name(*variables)
    return f"d{stem.rpartition('.')[2]}" if stem else None


def _source(variable: Variable) -> Variable:
    """b of a b that axes were put into: what a bias is outside of a step."""
    node = variable.owner
    while not variable.name and node is not None and isinstance(node.op, DimShuffle):
        (variable,) = node.inputs
        node = variable.owner
    return variable


def first_name(*variables: Variable) -> str | None:
    """h of h or h[t-1], of the first that has a name."""
    found = (re.match(r"[\w.]+", v.name or "") for v in variables)
    return next((word[0] for word in found if word), None)


def row_name(op: Roles, k: int) -> str | None:
    """What a row of state k is called in the step: its new value, or its taps."""
    return first_name(op.body_states[k], *op.body_taps[k])


def output_name(op: Scan, k: int) -> str:
    """What the adjoint of the body's output k is called, a state's or another's."""
    is_state = k < len(op.states)
    named = adjoint_name(op.body.outputs[k], *(op.body_taps[k] if is_state else ()))
    return named or ("dh" if is_state else "dy")


def name_results(op: Scan, step: BackStep, sequences: Sequence[Variable]) -> None:
    """Names for what a step makes: what printouts and pictures call it."""
    for k, window in step.new_windows.items():
        for made in window:
            give_name(made, output_name(op, k))
    for k, total in step.new_totals.items():
        give_name(total, step.totals[k].name)
    for k, row in step.rows.items():
        give_name(row, adjoint_name(op.body_sequences[k], sequences[k]) or "dx")


def give_name(variable: Variable, name: str | None) -> None:
    if variable.name is None and variable.owner is not None:
        variable.name = name


def row_type(op: Scan, k: int) -> TensorType:
    """The type of a row of state k."""
    return (op.body_taps[k] or (op.body_states[k],))[0].type


def new_window(
    spec: StateSpec, window: Sequence[Variable], taps: Sequence[Maybe]
) -> tuple[Variable, ...]:
    """Adjoints of rows t, t + 1, ... from those of t + 1, ... and the taps'."""
    by_row = {spec.depth + tap: g for tap, g in zip(spec.taps, taps, strict=True)}
    made = []
    for row in range(spec.depth):
        parts = [window[row - 1] if row else None, by_row.get(row)]
        kept = [part for part in parts if part is not None]
        whole = add(*kept) if len(kept) == 2 else (kept or [zeros_like(window[row])])[0]
        made.append(whole)
    return tuple(made)
