"""In which groups of the user's the nodes of a graph are, and its parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from symseq.graph import Apply, SharedVariable, Variable
from symseq.printing.inside import insides
from symseq.span import Group, shared_groups
from symseq.traverse import sort_nodes

Path = tuple[Group, ...]


def group_of(node: Apply) -> Path:
    """The groups that all lines of a node are in, outermost first."""
    return shared_groups(node.spans) if node.spans else ()


def labels(path: Path) -> tuple[str, ...]:
    """A path without the numbers of calls: what a user named."""
    return tuple(group.label for group in path)


def common(paths: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The longest start that all paths have."""
    first, *others = paths
    size = 0
    while size < len(first) and all(p[: size + 1] == first[: size + 1] for p in others):
        size += 1
    return first[:size]


def shared_in_groups(
    outputs: Iterable[Variable],
) -> dict[SharedVariable, tuple[str, ...]]:
    """For each shared variable the innermost group with all nodes that read it.

    Loops count as what is in them: a weight of a cell belongs to the cell.
    """
    readers: dict[SharedVariable, list[tuple[str, ...]]] = {}
    outputs = list(outputs)
    for v, node in _reads(outputs, {}):
        readers.setdefault(v, []).append(() if node is None else labels(group_of(node)))
    return {v: common(paths) for v, paths in readers.items()}


def _reads(
    outputs: Iterable[Variable], outside: Mapping[Variable, Variable]
) -> Iterator[tuple[SharedVariable, Apply | None]]:
    """(shared variable, node that reads it); ``outside``: what ports stand for."""
    outputs = list(outputs)
    for node in sort_nodes(outputs, stop=outside):
        bodies = insides(node)
        for inside in bodies:
            ports = {
                port.inner: outside.get(port.outer, port.outer)
                for port in inside.ports
                if port.outer is not None
            }
            stop = {**dict.fromkeys(inside.inputs), **ports}
            yield from _reads(inside.outputs, {k: v or k for k, v in stop.items()})
        for v in () if bodies else node.inputs:
            found = outside.get(v, v)
            if isinstance(found, SharedVariable):
                yield found, node
    for v in outputs:
        found = outside.get(v, v)
        if isinstance(found, SharedVariable):
            yield found, None
