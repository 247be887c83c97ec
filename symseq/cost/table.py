"""The table: a rule for each kind of op that has no body.

A plan may do better: it fuses, keeps rows in the cache and writes in place.
"""

from __future__ import annotations

from collections.abc import Sequence

from symseq import lengths
from symseq.cost.work import (
    Cost,
    cost_of_op,
    cost_rule,
    elements,
    scatter,
    types_of,
    work,
)
from symseq.graph import Arg, Op
from symseq.lengths import Length
from symseq.ops.alloc import Alloc
from symseq.ops.arange import ARange
from symseq.ops.argmax import ArgExtremum
from symseq.ops.cumulative import Cumulative, Recurrence, Shift
from symseq.ops.custom import CustomOp, Mapped
from symseq.ops.custom_gradient import CustomGradient
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.elementwise import Elementwise
from symseq.ops.gradient_ops import Identity
from symseq.ops.join import Join, Split
from symseq.ops.keys import region
from symseq.ops.linalg import BatchedDot, Dot
from symseq.ops.nonzero import Nonzero
from symseq.ops.rearrange import RepeatedIndex, Unbroadcast
from symseq.ops.reduce import Reduction
from symseq.ops.reshape import Reshape
from symseq.ops.shape import ShapeOf, SpecifyShape
from symseq.ops.softmax import Normalized
from symseq.ops.sort import AddAlong, ArgSort, Sort, TakeAlong
from symseq.ops.subtensor import IncSubtensor, Subtensor
from symseq.ops.take import Gather, Put, gathered
from symseq.random.bits import Bits, FoldIn
from symseq.scan.body import Known
from symseq.types import TensorType

# Elementwise ops that take several times as long as a sum does.
TRANSCENDENTAL = frozenset({
    "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "pow", "tanh", "sigmoid",
    "sigmoid_minus", "softplus", "sin", "cos", "tan", "arcsin", "arccos", "arctan",
    "arctan2", "sinh", "cosh", "arcsinh", "arccosh", "arctanh", "erf", "erfc", "xlogx",
    "xlogy0",
})  # fmt: skip
# SplitMix64: a finaliser has 3 shifts, 3 exclusive ors, 2 products.
MIX = 8

Types = Sequence[TensorType]


def moves(args: Sequence[Arg], outputs: Types, flops: Length = 0) -> Cost:
    """All inputs are read, all outputs written."""
    return work(flops, types_of(args), outputs)


@cost_rule(Elementwise)
def _elementwise(op: Elementwise, args: Sequence[Arg], outputs: Types) -> Cost:
    """One operation an element; casts only move."""
    if op.name == "fill":  # of x only the lengths are read
        return work(0, types_of(args)[1:], outputs)
    if op.name.startswith("cast_"):
        return moves(args, outputs)
    n = elements(*outputs)
    hard = n if op.name in TRANSCENDENTAL else 0
    return work(n, types_of(args), outputs, hard)


@cost_rule(
    DimShuffle, Reshape, Subtensor, Split, ShapeOf, SpecifyShape, Unbroadcast,
    Identity, CustomGradient,
)  # fmt: skip
def _view(op: Op, args: Sequence[Arg], outputs: Types) -> Cost:
    """Views and identities move nothing."""
    return Cost()


@cost_rule(Dot, BatchedDot)
def _dot(op: Op, args: Sequence[Arg], outputs: Types) -> Cost:
    """2 m n k: a product and a sum for each element of what is summed."""
    summed = args[0].type.shape[-1]
    n = lengths.multiply(2, lengths.multiply(elements(*outputs), summed))
    return moves(args, outputs, n)


@cost_rule(Reduction, ArgExtremum, Cumulative)
def _reduction(op: Op, args: Sequence[Arg], outputs: Types) -> Cost:
    """One operation for each element that is read."""
    return moves(args, outputs, elements(args[0].type))


@cost_rule(Recurrence)
def _recurrence(op: Op, args: Sequence[Arg], outputs: Types) -> Cost:
    """A product and a sum an element."""
    return moves(args, outputs, lengths.multiply(2, elements(*outputs)))


@cost_rule(Normalized)
def _normalized(op: Op, args: Sequence[Arg], outputs: Types) -> Cost:
    """The largest, a difference, exp, a sum, and a quotient (or a difference)."""
    n = elements(*outputs)
    return work(lengths.multiply(5, n), types_of(args), outputs, n)


@cost_rule(Alloc)
def _alloc(op: Alloc, args: Sequence[Arg], outputs: Types) -> Cost:
    """The value is read, not the lengths."""
    return moves(args[:1], outputs)


@cost_rule(Join, Shift, ARange, Nonzero, RepeatedIndex)
def _moved(op: Op, args: Sequence[Arg], outputs: Types) -> Cost:
    return moves(args, outputs)


@cost_rule(Gather)
def _gather(op: Gather, args: Sequence[Arg], outputs: Types) -> Cost:
    """The indices and the elements that they name."""
    return work(0, [*types_of(args)[1:], *outputs], outputs)


@cost_rule(TakeAlong)
def _take_along(op: TakeAlong, args: Sequence[Arg], outputs: Types) -> Cost:
    return work(0, [args[1].type, *outputs], outputs)


@cost_rule(Put)
def _put(op: Put, args: Sequence[Arg], outputs: Types) -> Cost:
    """As in place: the values, the indices and the elements that they name."""
    x, y, *ids = types_of(args)
    return scatter(gathered(op, x, ids, op.axis), [y, *ids], op.replace)


@cost_rule(IncSubtensor)
def _inc_subtensor(op: IncSubtensor, args: Sequence[Arg], outputs: Types) -> Cost:
    x, y, *indices = args
    return scatter(region(op.key, x.type, indices), [y.type], op.replace)


@cost_rule(AddAlong)
def _add_along(op: AddAlong, args: Sequence[Arg], outputs: Types) -> Cost:
    """Zeros, then a sum for each element that is spread."""
    _, places, g = types_of(args)
    return work(0, (), outputs) + scatter(g, [places, g], replace=False)


@cost_rule(Sort, ArgSort)
def _sort(op: Sort, args: Sequence[Arg], outputs: Types) -> Cost:
    """n ⌈log2 k⌉ comparisons of rows of k; unknown where k is no number yet."""
    size = lengths.size_of(args[0].type.shape[op.axis])
    rounds = None if size is None else max(size - 1, 0).bit_length()
    return moves(args, outputs, lengths.multiply(elements(*outputs), rounds))


@cost_rule(FoldIn)
def _fold_in(op: FoldIn, args: Sequence[Arg], outputs: Types) -> Cost:
    """Both finalisers, a product and a sum an element."""
    n = lengths.multiply(2 * MIX + 2, elements(*outputs))
    return moves(args, outputs, n)


@cost_rule(Bits)
def _bits(op: Bits, args: Sequence[Arg], outputs: Types) -> Cost:
    """Both finalisers, a product and two sums an element."""
    n = lengths.multiply(2 * MIX + 3, elements(*outputs))
    return moves(args[:1], outputs, n)


@cost_rule(CustomOp)
def _custom(op: CustomOp, args: Sequence[Arg], outputs: Types) -> Cost:
    """What a user's function does is not known."""
    return moves(args, outputs, None)


@cost_rule(Mapped)
def _mapped(op: Mapped, args: Sequence[Arg], outputs: Types) -> Cost:
    """The cost of one example, as many times as there are."""
    pairs = list(zip(types_of(args), op.batched, strict=True))
    rows = [t.with_shape(t.shape[1:]) if batched else t for t, batched in pairs]
    count = next(t.shape[0] for t, batched in pairs if batched)
    made = [t.with_shape(t.shape[1:]) for t in outputs]
    return cost_of_op(op.op, [Known(row) for row in rows], made).times(count)
