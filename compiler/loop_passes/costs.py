"""What a node of a loop's body costs, and whether it may be moved."""

from __future__ import annotations

from enum import IntEnum

from symseq.graph import Apply, BodyOp, Constant, Variable
from symseq.ops.alloc import Alloc
from symseq.ops.custom import CustomOp, Mapped
from symseq.ops.debug import PrintOp
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.elementwise import Elementwise
from symseq.ops.gradient_ops import Identity
from symseq.ops.join import Join
from symseq.ops.linalg import BatchedDot, Dot
from symseq.ops.rearrange import Unbroadcast
from symseq.ops.reshape import Reshape
from symseq.ops.shape import ShapeOf, SpecifyShape
from symseq.ops.sort import AddAlong, TakeAlong
from symseq.ops.subtensor import INPUT, IncSubtensor, Subtensor
from symseq.ops.take import Gather, Put
from symseq.scan.control import IfElse
from symseq.scan.op import Scan

VIEWS = (DimShuffle, Reshape, SpecifyShape, ShapeOf, Alloc, Identity, Unbroadcast)
INDEXING = (Gather, Put, TakeAlong, AddAlong)

# Elementwise ops that cost less to do again than an array costs to keep.
LIGHT = {
    "abs", "add", "and", "ceil", "clip", "eq", "fill", "floor", "ge", "gt", "invert",
    "isfinite", "isinf", "isnan", "le", "lt", "maximum", "minimum", "mul", "neg", "neq",
    "or", "relu", "rint", "sgn", "sqr", "sub", "switch", "trunc", "xor",
}  # fmt: skip


class Cost(IntEnum):
    """How much a node does."""

    NOTHING = 0  # a view, a length, a value repeated
    CALL = 1  # one pass over its operands: elementwise work, a gather, a copy
    WORK = 2  # a product, a reduction, a draw


def cost_of(node: Apply) -> Cost:
    """What doing the node once costs."""
    op = node.op
    if isinstance(op, VIEWS):
        return Cost.NOTHING
    if isinstance(op, Subtensor):
        return Cost.CALL if _reads_indices(node) else Cost.NOTHING
    if isinstance(op, Elementwise):
        return Cost.NOTHING if op.name == "fill" or is_cast(node) else Cost.CALL
    if isinstance(op, (IncSubtensor, Join, *INDEXING)):
        return Cost.CALL
    return Cost.WORK


def is_cast(node: Apply) -> bool:
    return node.op.name.startswith("cast_")


def is_light(node: Apply) -> bool:
    """Whether the node is elementwise and rather done again than kept."""
    light = node.op.name in LIGHT or is_cast(node)
    return isinstance(node.op, Elementwise) and light


def is_product(node: Apply) -> bool:
    return isinstance(node.op, (Dot, BatchedDot))


def is_bound(node: Apply) -> bool:
    """Whether the node must be done in every step as it stands, or has no other form.

    A branch is lazy; a user's own op may have effects and gains nothing by moving.
    """
    return isinstance(node.op, (IfElse, PrintOp, CustomOp, Mapped))


def can_raise(node: Apply) -> bool:
    """Whether values (not lengths, which are checked anyway) may make it raise."""
    op = node.op
    if isinstance(op, INDEXING) or op.dynamic:
        return True
    if isinstance(op, (Subtensor, IncSubtensor)):
        return _reads_indices(node)
    if isinstance(op, Scan):
        return any(map(can_raise, op.body.nodes))
    return isinstance(op, BodyOp) or is_bound(node)


def _reads_indices(node: Apply) -> bool:
    """Whether an index is a value; bounds of slices clip."""
    assert isinstance(node.op, (Subtensor, IncSubtensor))
    return any(entry == INPUT for entry in node.op.key)


def keeps_size(node: Apply, rows: set[int]) -> bool:
    """Whether the outputs are no larger than one of the operands in `rows` (ids).

    Else a stack of all rows would be larger than those that there are.
    """
    if not isinstance(node.op, Elementwise):
        return True
    output = node.outputs[0].broadcastable
    return any(
        id(v) in rows and not any(a and not b for a, b in _axes(v, output))
        for v in node.inputs
    )


def _axes(v: Variable, output: tuple[bool, ...]) -> zip[tuple[bool, bool]]:
    return zip(v.broadcastable, output, strict=True)


def is_plain_alloc(node: Apply) -> bool:
    """Whether the node repeats one known number, which other passes look for."""
    return isinstance(node.op, Alloc) and isinstance(node.inputs[0], Constant)


def is_zeros(node: Apply) -> bool:
    """Whether the node makes an array of zeros."""
    value = node.inputs[0] if node.inputs else None
    if not isinstance(node.op, Alloc) or value is None:
        return False
    if value.owner is not None and is_cast(value.owner):
        (value,) = value.owner.inputs
    return isinstance(value, Constant) and not value.data.any()


def stacks_little(node: Apply) -> bool:
    """Whether an inner loop done for all steps at once keeps no rows for each."""
    op = node.op
    if not isinstance(op, Scan):
        return True
    return not op.until and not op.mapped and all(s.last_only for s in op.states)
