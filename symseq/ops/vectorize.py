"""From one example to many: a graph with a leading axis on its marked inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from symseq import lengths
from symseq.errors import ShapeError, UsageError
from symseq.graph import Apply, Variable
from symseq.ops.axes import moveaxis, normal_axis
from symseq.ops.convert import as_tensor
from symseq.ops.indexing import getitem
from symseq.ops.shape import ShapeOf, broadcast_leading, length_of
from symseq.span import deriving
from symseq.traverse import rebuild, sort_nodes

Outputs = TypeVar("Outputs")


def batch_graph(
    outputs: Sequence[Variable], batched: Mapping[Variable, Variable]
) -> list[Variable]:
    """`outputs` for every example: each key of `batched` read as one row of its value.

    Nodes that read no key stay as they are; an output that reads none is repeated.

    Raises: NotBatchableError for an op without a batching rule.
    """
    new, marked = batch_nodes(outputs, batched)
    count = length_of(next(iter(batched.values())), 0) if batched else None
    answer = []
    for output in outputs:
        made = new.get(id(output), output)
        if id(output) not in marked and count is not None:
            made = broadcast_leading(made, count)
        answer.append(made)
    return answer


def batch_nodes(
    outputs: Sequence[Variable], batched: Mapping[Variable, Variable]
) -> tuple[dict[int, Variable], set[int]]:
    """For each old one's id the new variable; the ids of those with a leading axis."""
    new = {id(old): value for old, value in batched.items()}
    marked = set(new)
    for node in sort_nodes(outputs, stop=batched):
        if not any(id(v) in new for v in node.inputs):
            continue
        inputs = [new.get(id(v), v) for v in node.inputs]
        flags = [id(v) in marked for v in node.inputs]
        if not any(flags):
            rebuild(node, inputs, new)
        elif isinstance(node.op, ShapeOf):
            with deriving(node.spans, node.kind):
                new[id(node.outputs[0])] = _shape_of_one(inputs[0])
        else:
            made = _batch_node(node, inputs, flags)
            for old, fresh in zip(node.outputs, made, strict=True):
                new.setdefault(id(old), fresh)
                marked.add(id(old))
    return new, marked


def _shape_of_one(x: Variable) -> Variable:
    """The lengths of one example: the same for all, so without a leading axis."""
    return getitem(ShapeOf()(x), slice(1, None))


def _batch_node(
    node: Apply, inputs: Sequence[Variable], flags: Sequence[bool]
) -> Sequence[Variable]:
    with deriving(node.spans, node.kind):
        made = node.op.batch(inputs, flags)
    for old, fresh in zip(node.outputs, made, strict=True):
        if fresh.ndim != old.ndim + 1:
            raise ShapeError(
                f"a batch of {old.type} must have rank {old.ndim + 1}; "
                f"{node.op} made {fresh.type}"
            ).at(node.spans[0])
        if fresh.owner is not None and fresh.name is None:
            fresh.name = old.name
    return made


def vectorize(
    fn: Callable[..., Outputs], in_axes: int | Sequence[int | None] = 0
) -> Callable[..., Outputs]:
    """`fn` of one example as a function of many, examples along the leading axis.

    ``vectorize(fn)(X)[n]`` is ``fn(X[n])``. `in_axes` says where each argument has its
    examples; None is an argument that all examples share, as captured variables are.

    Raises: NotBatchableError where `fn` uses an op without a batching rule.
    """

    def many(*args: object) -> Outputs:
        arrays = [as_tensor(arg) for arg in args]
        axes = _axes_for(in_axes, arrays)
        batched: dict[Variable, Variable] = {}
        given: list[Variable] = []
        for x, axis in zip(arrays, axes, strict=True):
            if axis is not None:
                rows = moveaxis(x, axis, 0)
                x = Variable(rows.type.with_shape(rows.type.shape[1:]), name=x.name)
                batched[x] = rows
            given.append(x)
        return _batch_like(fn(*given), batched)

    return many


def _axes_for(
    in_axes: int | Sequence[int | None], arrays: Sequence[Variable]
) -> list[int | None]:
    axes = [in_axes] * len(arrays) if isinstance(in_axes, int) else list(in_axes)
    if len(axes) != len(arrays):
        raise UsageError(
            f"vectorize needs one axis per argument; got {len(axes)} for {len(arrays)}"
        )
    if all(axis is None for axis in axes):
        raise UsageError(
            "vectorize needs at least one argument with examples; got none"
        )
    found: list[int | None] = []
    count: lengths.Length = None
    for x, axis in zip(arrays, axes, strict=True):
        if axis is not None:
            axis = normal_axis(axis, x.ndim)
            count = lengths.meet(
                count, x.type.shape[axis], "vectorize: numbers of examples"
            )
        found.append(axis)
    return found


def _batch_like(made: Outputs, batched: Mapping[Variable, Variable]) -> Outputs:
    """What fn returned (a variable, or a tuple or list of them), batched."""
    if isinstance(made, (tuple, list)):
        parts = batch_graph([as_tensor(one) for one in made], batched)
        return type(made)(parts)
    (part,) = batch_graph([as_tensor(made)], batched)
    return part  # type: ignore[return-value]
