"""Walks over a graph, none of them recursive: any depth is fine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from symseq import lengths
from symseq.graph import Apply, Constant, SharedVariable, Variable
from symseq.span import Origin


def sort_nodes(
    outputs: Iterable[Variable], stop: Iterable[Variable] = ()
) -> list[Apply]:
    """The nodes that `outputs` need, inputs before users; nothing behind `stop`."""
    stopped = {id(variable) for variable in stop}
    done: set[int] = set()
    ordered: list[Apply] = []
    stack: list[tuple[Apply, bool]] = []

    def push(variables: Iterable[Variable]) -> None:
        for v in variables:
            if v.owner is not None and id(v) not in stopped and id(v.owner) not in done:
                stack.append((v.owner, False))

    push(reversed(list(outputs)))
    while stack:
        node, expanded = stack.pop()
        if id(node) in done:
            continue
        if expanded:
            done.add(id(node))
            ordered.append(node)
        else:
            stack.append((node, True))
            push(reversed(node.inputs))
    return ordered


def leaves(
    outputs: Iterable[Variable], stop: Iterable[Variable] = ()
) -> list[Variable]:
    """The variables without an owner (and those of `stop`) that `outputs` read."""
    outputs, stop = list(outputs), list(stop)
    stopped = {id(variable) for variable in stop}
    found: dict[int, Variable] = {}
    nodes = sort_nodes(outputs, stop)
    for variable in [v for node in nodes for v in node.inputs] + outputs:
        if variable.owner is None or id(variable) in stopped:
            found.setdefault(id(variable), variable)
    return list(found.values())


def shared_variables(outputs: Iterable[Variable]) -> list[SharedVariable]:
    """The shared variables that `outputs` read, in order of their first use."""
    return [v for v in leaves(outputs) if isinstance(v, SharedVariable)]


def free_inputs(
    outputs: Iterable[Variable], stop: Iterable[Variable] = ()
) -> list[Variable]:
    """The leaves that a caller must provide: neither constant nor shared."""
    return [
        v
        for v in leaves(outputs, stop)
        if not isinstance(v, (Constant, SharedVariable))
    ]


def depends_on(outputs: Iterable[Variable], sources: Iterable[Variable]) -> set[int]:
    """The ids of all variables, `sources` included, that read one of `sources`."""
    reached = {id(variable) for variable in sources}
    for node in sort_nodes(outputs, stop=()):
        if any(id(v) in reached for v in node.inputs):
            reached.update(id(v) for v in node.outputs)
    return reached


def replace(
    outputs: Sequence[Variable], mapping: Mapping[Variable, Variable]
) -> list[Variable]:
    """`outputs` rebuilt with each key of `mapping` read as its value.

    What reads no key is shared with the old graph; rebuilt nodes keep their lines and
    their outputs' names, and their types are inferred anew.
    """
    new = {id(old): value for old, value in mapping.items()}
    for node in sort_nodes(outputs, stop=mapping):
        if all(id(v) in new for v in node.outputs):
            continue
        if any(id(v) in new for v in node.inputs):
            inputs = [new.get(id(v), v) for v in node.inputs]
            rebuild(node, inputs, new)
    return [new.get(id(v), v) for v in outputs]


def rebuild(node: Apply, inputs: Sequence[Variable], new: dict[int, Variable]) -> Apply:
    """The node over other inputs; enters its outputs into `new` unless there."""
    made = node.op.make_node(inputs, Origin(node.spans, node.kind))
    for old, fresh in zip(node.outputs, made.outputs, strict=True):
        fresh.name = old.name
        new.setdefault(id(old), fresh)
    return made


def remember(old: Variable, new: Variable) -> None:
    """Let `new`, just built to stand for `old`, know the lengths that `old` knew."""
    pairs = zip(old.type.shape, new.type.shape, strict=True)
    known = [b if lengths.differ(a, b) else lengths.meet(b, a) for a, b in pairs]
    new.type = new.type.with_shape(known)
    if new.held is None:
        new.held = old.held


def clone(
    outputs: Sequence[Variable], inputs: Sequence[Variable]
) -> tuple[list[Variable], list[Variable]]:
    """A copy of the graph between `inputs` and `outputs`, over fresh inputs."""
    fresh = [Variable(v.type, name=v.name, held=v.held) for v in inputs]
    return replace(outputs, dict(zip(inputs, fresh, strict=True))), fresh


def clients(outputs: Iterable[Variable]) -> dict[int, list[Apply]]:
    """For each variable's id the nodes that read it."""
    table: dict[int, list[Apply]] = {}
    for node in sort_nodes(outputs):
        for variable in dict.fromkeys(node.inputs):
            table.setdefault(id(variable), []).append(node)
    return table
