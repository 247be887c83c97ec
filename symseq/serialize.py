"""Graphs pickle flat: a topological list of nodes, ops by their registered names.

Depth costs no recursion, and lines carry their text. Inputs and shared variables keep
their identity within one pickle; nodes do within one `Flat`, so what belongs together
goes into one: ``pickle.dumps(flatten([cost, *gradients]))``, then `rebuild`.

Importing this module teaches `pickle` and `copy` about variables, nodes and bodies.
"""

from __future__ import annotations

import copyreg
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeAlias

from symseq.graph import Apply, Constant, Held, Op, SharedVariable, Variable
from symseq.lengths import ONE, Dim
from symseq.ops.registry import REGISTRY
from symseq.scan import cases
from symseq.scan.body import Body
from symseq.span import Origin, Span
from symseq.traverse import sort_nodes
from symseq.types import Array, TensorType

REGISTERED = (cases,)  # loops and branches pickle by the names that this enters
# A leaf's place in the list of leaves, or (node, output).
Ref: TypeAlias = "int | tuple[int, int]"
# A registered name, or a class; then the parameters, None for a row of the table.
OpText: TypeAlias = "tuple[str | type[Op], dict[str, Any] | None]"


@dataclass(frozen=True, slots=True)
class Row:
    """One node: its op, where its inputs come from, its lines, its outputs."""

    op: OpText
    inputs: tuple[Ref, ...]
    spans: tuple[Span, ...]
    kind: str
    types: tuple[TensorType, ...]
    names: tuple[str | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Flat:
    """A graph as data: its leaves, its nodes in order, the values that are wanted."""

    leaves: tuple[Variable, ...]
    rows: tuple[Row, ...]
    outputs: tuple[Ref, ...]


def flatten(variables: Sequence[Variable]) -> Flat:
    """The graph that makes `variables`, as data that pickles at any depth."""
    places: dict[int, Ref] = {}
    leaves: list[Variable] = []

    def place(variable: Variable) -> Ref:
        if id(variable) not in places:
            places[id(variable)] = len(leaves)
            leaves.append(variable)
        return places[id(variable)]

    rows = []
    for number, node in enumerate(sort_nodes(variables)):
        inputs = tuple(map(place, node.inputs))
        places.update((id(v), (number, v.index)) for v in node.outputs)
        rows.append(
            Row(
                op_text(node.op),
                inputs,
                tuple(span.with_text() for span in node.spans),
                node.kind,
                tuple(v.type for v in node.outputs),
                tuple(v.name for v in node.outputs),
            )
        )
    outputs = tuple(map(place, variables))
    return Flat(tuple(leaves), tuple(rows), outputs)


def rebuild(flat: Flat) -> list[Variable]:
    """The variables that were given to `flatten`, over the leaves of `flat`."""
    nodes: list[Apply] = []

    def at(ref: Ref) -> Variable:
        if isinstance(ref, int):
            return flat.leaves[ref]
        return nodes[ref[0]].outputs[ref[1]]

    for row in flat.rows:
        origin = Origin(row.spans, row.kind)
        node = Apply(op_of(row.op), [at(ref) for ref in row.inputs], origin, row.types)
        for variable, name in zip(node.outputs, row.names, strict=True):
            variable.name = name
        nodes.append(node)
    return [at(ref) for ref in flat.outputs]


def dumps(variables: Sequence[Variable]) -> bytes:
    """A list of variables as bytes; what they share stays shared."""
    return pickle.dumps(flatten(variables))


def loads(data: bytes) -> list[Variable]:
    """The variables of `dumps`. As with all pickles: only from whom you trust."""
    flat = pickle.loads(data)
    assert isinstance(flat, Flat)
    return rebuild(flat)


def op_text(op: Op) -> OpText:
    """An op by its registered name where it has one, and its parameters."""
    entry = REGISTRY.get(op.name)
    if entry is not None and entry.what is op:
        return op.name, None
    cls = type(op)
    if not is_dataclass(op):
        return cls, dict(vars(op))
    parameters = {f.name: getattr(op, f.name) for f in fields(op) if f.init}
    return registered_name(cls) or cls, parameters


def op_of(text: OpText) -> Op:
    """The op that `op_text` described."""
    what, parameters = text
    found = REGISTRY[what].what if isinstance(what, str) else what
    if isinstance(found, type):
        return found(**(parameters or {}))
    return found


def registered_name(cls: type[Op]) -> str | None:
    """The name that a class of ops was registered under."""
    for name, entry in REGISTRY.items():
        if entry.what is cls:
            return name
    return None


def _leaf(type_: TensorType, name: str | None, held: Held, span: Span) -> Variable:
    return _at(Variable(type_, name=name, held=held), span)


def _constant(data: Array, name: str | None, held: Held, span: Span) -> Variable:
    made = Constant(data, name)
    made.held = held
    return _at(made, span)


def _shared(type_: TensorType, value: Array, name: str | None, span: Span) -> Variable:
    return _at(SharedVariable(type_, value, name), span)


def _at(variable: Variable, span: Span) -> Variable:
    variable._span = span
    return variable


def _one(flat: Flat) -> Variable:
    (variable,) = rebuild(flat)
    return variable


def _reduce_variable(variable: Variable) -> tuple[Any, ...]:
    if variable.owner is not None:
        return _one, (flatten([variable]),)
    span = variable.span.with_text()
    return _leaf, (variable.type, variable.name, variable.held, span)


def _reduce_constant(constant: Constant) -> tuple[Any, ...]:
    span = constant.span.with_text()
    return _constant, (constant.data, constant.name, constant.held, span)


def _reduce_shared(variable: SharedVariable) -> tuple[Any, ...]:
    """The value goes along; the default update follows, as it reads the variable."""
    span = variable.span.with_text()
    made = (variable.type, variable.storage, variable.name, span)
    update = variable.default_update
    if update is None:
        return _shared, made
    return _shared, made, (None, {"default_update": update})


def _node(flat: Flat) -> Apply:
    owner = rebuild(flat)[0].owner
    assert owner is not None
    return owner


def _reduce_node(node: Apply) -> tuple[Any, ...]:
    return _node, (flatten(node.outputs),)


def _body(flat: Flat, inputs: int) -> Body:
    variables = rebuild(flat)
    return Body(tuple(variables[:inputs]), tuple(variables[inputs:]))


def _reduce_body(body: Body) -> tuple[Any, ...]:
    return _body, (flatten([*body.inputs, *body.outputs]), len(body.inputs))


def _same_one() -> Dim:
    return ONE


def _reduce_dim(dim: Dim) -> tuple[Any, ...]:
    """Without its hash, which another process computes anew."""
    return (_same_one, ()) if dim is ONE else (Dim, (dim.terms,))


copyreg.pickle(Variable, _reduce_variable)
copyreg.pickle(Constant, _reduce_constant)
copyreg.pickle(SharedVariable, _reduce_shared)
copyreg.pickle(Apply, _reduce_node)
copyreg.pickle(Body, _reduce_body)
copyreg.pickle(Dim, _reduce_dim)
