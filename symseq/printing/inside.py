"""What printouts and pictures show of an op with a body: who feeds what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from symseq.errors import UsageError
from symseq.graph import Apply, BodyOp, Variable
from symseq.scan.control import IfElse
from symseq.scan.op import Scan

BRANCHES = ("then", "else")


@dataclass(frozen=True, slots=True)
class Port:
    """One input of a body; ``tap`` and ``state`` say which row of which state it is."""

    role: str  # 'sequence', 'state', 'constant' or 'input'
    inner: Variable
    outer: Variable | None
    tap: int = 0
    state: int = -1

    @property
    def saved(self) -> tuple[str, int] | None:
        """(h, -1) of the rows h[t-1] of a state that a gradient's loop reads again."""
        found = re.fullmatch(r"(\w+)\[t([+-]\d+)\]", self.inner.name or "")
        return (found[1], int(found[2])) if found and self.role == "sequence" else None


@dataclass(frozen=True, slots=True)
class Result:
    """One output of a body and the node's output that it makes.

    ``initial``: of a state, its rows before the first step.
    """

    role: str  # 'state', 'output', 'until'
    inner: Variable
    outer: Variable | None
    state: int = -1
    initial: Variable | None = None


@dataclass(frozen=True, slots=True)
class Inside:
    """One body of a node; ``trips`` is how often it runs, where it is a loop."""

    title: str
    ports: tuple[Port, ...]
    results: tuple[Result, ...]
    trips: Variable | None = None

    @property
    def inputs(self) -> list[Variable]:
        return [port.inner for port in self.ports]

    @property
    def outputs(self) -> list[Variable]:
        return [result.inner for result in self.results]


def insides(node: Apply) -> tuple[Inside, ...]:
    """The bodies of a node: one for a scan, none for a plain op."""
    if isinstance(node.op, Scan):
        return (_loop(node, node.op),)
    if not isinstance(node.op, BodyOp):
        return ()
    bodies = node.op.bodies()
    names = BRANCHES if isinstance(node.op, IfElse) else range(len(bodies))
    return tuple(
        _branch(node, f"{node.op}: {name}" if len(bodies) > 1 else str(node.op), *body)
        for name, body in zip(names, bodies, strict=True)
    )


def _loop(node: Apply, op: Scan) -> Inside:
    ports = [
        Port("sequence", inner, outer)
        for inner, outer in zip(
            op.body_sequences, op.sequence_inputs(node.inputs), strict=True
        )
    ]
    initial = op.initial_inputs(node.inputs)
    for k, (spec, taps) in enumerate(zip(op.states, op.body_taps, strict=True)):
        ports += [
            Port("state", inner, initial[k], tap, k)
            for tap, inner in zip(spec.taps, taps, strict=True)
        ]
    ports += [
        Port("constant", inner, outer)
        for inner, outer in zip(
            op.body_constants, op.constant_inputs(node.inputs), strict=True
        )
    ]
    return Inside(op.name, tuple(ports), _results(node, op), node.inputs[0])


def _results(node: Apply, op: Scan) -> tuple[Result, ...]:
    first, made = op.initial_inputs(node.inputs), op.history_outputs(node.outputs)
    states = enumerate(zip(op.body_states, made, first, strict=True))
    found = [Result("state", i, outer, k, start) for k, (i, outer, start) in states]
    mapped = zip(op.body_mapped, op.mapped_outputs(node.outputs), strict=True)
    found += [Result("output", inner, outer) for inner, outer in mapped]
    if op.body_until is not None:
        found.append(Result("until", op.body_until, op.steps_done(node.outputs)))
    return tuple(found)


def _branch(
    node: Apply,
    title: str,
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
) -> Inside:
    """A body of another op: its inputs are the node's last ones, where they fit."""
    skipped = len(node.inputs) - len(inputs)
    outer = node.inputs[skipped:] if skipped >= 0 else (None,) * len(inputs)
    results: Sequence[Variable | None] = node.outputs
    if len(results) != len(outputs):
        results = (None,) * len(outputs)
    return Inside(
        title,
        tuple(Port("input", i, o) for i, o in zip(inputs, outer, strict=True)),
        tuple(Result("output", i, o) for i, o in zip(outputs, results, strict=True)),
    )


def variables_of(what: object) -> list[Variable]:
    """The variables to show: one, several, or the `outputs` of a function or a model.

    Raises: UsageError for anything else.
    """
    if isinstance(what, Variable):
        return [what]
    if isinstance(what, dict):
        what = list(what.values())
    if isinstance(what, (list, tuple)):
        return [variable for one in what for variable in variables_of(one)]
    for attribute in ("outputs", "variables"):
        found = getattr(what, attribute, None)
        if isinstance(found, (Variable, dict, list, tuple)):
            return variables_of(found)
    is_model = callable(getattr(what, "parameters", None))
    raise UsageError(
        "only variables, lists of them, and objects with outputs can be shown; "
        f"got {type(what).__name__}",
        hint="call the model on its inputs: y = model(x)" if is_model else "",
    )
