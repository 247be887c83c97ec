"""From a step that may read anything to a closed body: what it captures is found."""

from __future__ import annotations

from collections.abc import Sequence

from symseq.errors import UsageError
from symseq.graph import Constant, SharedVariable, Variable, operands
from symseq.ops.dimshuffle import DimShuffle
from symseq.scan.steps import enclosing_steps
from symseq.span import here
from symseq.traverse import depends_on, leaves, replace, sort_nodes


def close(
    inner: Sequence[Variable], outputs: Sequence[Variable]
) -> tuple[list[Variable], list[Variable], list[Variable]]:
    """(outputs over fresh variables, those, the outer ones that they stand for).

    Only what depends on `inner` stays inside, and literals; every other value that the
    step reads is computed once, outside, and handed in as a constant of the loop.
    """
    captured = find_captured(inner, outputs)
    fresh = [Variable(v.type, name=v.name, held=v.held) for v in captured]
    closed = replace(outputs, dict(zip(captured, fresh, strict=True)))
    return closed, fresh, captured


def find_captured(
    inner: Sequence[Variable], outputs: Sequence[Variable]
) -> list[Variable]:
    """The values from outside that the step reads, in order of their first use."""
    dependent = depends_on(outputs, inner)
    found: dict[int, Variable] = {}
    nodes = sort_nodes(outputs, stop=inner)
    used = [
        v for node in nodes if _any_in(node.outputs, dependent) for v in node.inputs
    ]
    for v in [*used, *outputs]:
        if id(v) not in dependent and not is_literal(v):
            found.setdefault(id(v), v)
    return list(found.values())


def is_literal(v: Variable) -> bool:
    """A constant, also with axes put in or of another dtype: the 1 of 1 - m."""
    while v.owner is not None and not v.name:
        if not isinstance(v.owner.op, DimShuffle) and v.owner.op.name[:5] != "cast_":
            return False
        (v,) = v.owner.inputs
    return isinstance(v, Constant)


def _any_in(variables: Sequence[Variable], ids: set[int]) -> bool:
    return any(id(v) in ids for v in variables)


def refuse_captured(
    inner: Sequence[Variable],
    outputs: Sequence[Variable],
    non_sequences: Sequence[Variable],
) -> None:
    """Under strict=True, refuse shared variables that the step was not given.

    As in Theano, other variables of the outside are found and handed in.

    Raises: UsageError at the call of scan.
    """
    allowed = [*inner, *non_sequences, *enclosing_steps()]
    known = {id(v) for v in allowed}
    for v in leaves(outputs, stop=allowed):
        stream = isinstance(v, SharedVariable) and v.default_update is not None
        if isinstance(v, SharedVariable) and id(v) not in known and not stream:
            raise UsageError(
                f"under strict=True a step reads only shared variables that it is "
                f"given; it captures {v.label}",
                hint="add it to non_sequences",
            ).at(here(), operands([v]))
