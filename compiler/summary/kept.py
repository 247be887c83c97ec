"""What the forward pass keeps for the backward pass, as the gradient is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symseq.cost.work import Amount, nbytes
from symseq.graph import Apply, Variable
from symseq.groups import group_of, labels
from symseq.ops.alloc import Alloc
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.reshape import Reshape
from symseq.ops.shape import ShapeOf, SpecifyShape
from symseq.ops.subtensor import Subtensor
from symseq.scan.op import Scan
from symseq.traverse import depends_on, sort_nodes
from symseq.types import TensorType

from ..autodiff.reverse import differentiate

VIEWS = (DimShuffle, Reshape, Subtensor, SpecifyShape)


@dataclass(frozen=True, slots=True)
class Kept:
    """One array that is kept, the group that made it, and what it takes."""

    variable: Variable
    group: tuple[str, ...]

    def bytes(self, types: dict[Variable, TensorType]) -> Amount | None:
        return nbytes(types.get(self.variable, self.variable.type))


@dataclass(frozen=True, slots=True)
class Backward:
    """The gradients of `outputs`; ``given`` are the cotangents that they start from."""

    outputs: tuple[Variable, ...]
    given: tuple[Variable, ...]
    results: tuple[Variable, ...]

    def kept(self) -> list[Kept]:
        """What nodes that read a cotangent read of those that do not, each once."""
        forward = {id(node) for node in sort_nodes(self.outputs)}
        found: dict[object, Kept] = {}
        for v in self._read(forward):
            found.setdefault(_buffer(v), Kept(v, _made_in(v)))
        return list(found.values())

    def _read(self, forward: set[int]) -> Iterator[Variable]:
        late = depends_on(self.results, self.given)
        nodes = sort_nodes(self.results)
        starts = [node for node in nodes if any(id(v) in late for v in node.outputs)]
        stack = [v for node in starts for v in _values(node) if id(v) not in late]
        seen: set[int] = set()
        while stack:
            v = stack.pop()
            if id(v) in seen or v.owner is None or v.held is not None:
                continue
            seen.add(id(v))
            if isinstance(v.owner.op, VIEWS):
                stack.append(v.owner.inputs[0])
            elif id(v.owner) in forward or isinstance(v.owner.op, Scan):
                yield v  # a loop that only the gradient reads runs forward, and saves
            else:
                stack += _values(v.owner)


def backward(outputs: Sequence[Variable], wrt: Sequence[Variable]) -> Backward:
    """The gradients of the floats among `outputs`, for any cotangents."""
    floats = tuple(v for v in outputs if v.type.is_float)
    given = tuple(Variable(v.type) for v in floats)
    found = differentiate(floats, given, list(wrt)) if floats and wrt else []
    return Backward(floats, given, tuple(g for g in found if g is not None))


def is_view_of_leaf(v: Variable) -> bool:
    """Whether a variable is an input or a parameter, seen in another way."""
    while v.owner is not None and isinstance(v.owner.op, VIEWS):
        v = v.owner.inputs[0]
    return v.owner is None


def _values(node: Apply) -> Sequence[Variable]:
    """The inputs of which more than the lengths is read."""
    if isinstance(node.op, ShapeOf):
        return ()
    if node.op.name == "fill":
        return node.inputs[1:]
    return node.inputs[:1] if isinstance(node.op, Alloc) else node.inputs


def _buffer(v: Variable) -> object:
    """What tells arrays apart: loops over the same rows are one loop in a plan."""
    node = v.owner
    if node is None or not isinstance(node.op, Scan):
        return id(v)
    return (*map(id, node.inputs), id(node.op.body.outputs[v.index]))


def _made_in(v: Variable) -> tuple[str, ...]:
    """The group of the line that computes it, for a loop's rows that in the body."""
    node = v.owner
    if node is not None and isinstance(node.op, Scan):
        node = node.op.body.outputs[v.index].owner or node
    return labels(group_of(node)) if node is not None else ()
