"""Σ_t of a value over the steps of a loop, from stacks of what it is made of.

    Σ_t dot(a_t.T, b_t) → dot(A.T, B), the steps and the rows as one axis
    Σ_t a_t ⊗ b_t → dot(A.T, B)        Σ_t sum(b_t) → sum(B)
    Σ_t scatter(y_t at ids_t) → one scatter of Y at ids

A rule gets the node of a value and gives the sum, or None where the op has no short
form; then the stack of the value itself is summed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from symseq.graph import Apply, Constant, Op, Variable
from symseq.ops import math
from symseq.ops.alloc import Alloc
from symseq.ops.cast import cast
from symseq.ops.compare import gt, switch
from symseq.ops.dimshuffle import Axis, DimShuffle, dimshuffle
from symseq.ops.linalg import BatchedDot, Dot
from symseq.ops.products import paired, tensordot
from symseq.ops.reduce import Sum
from symseq.ops.reshape import Reshape
from symseq.ops.shape import SpecifyShape, lengths_of
from symseq.ops.subtensor import INPUT, IncSubtensor
from symseq.ops.take import Put, PutRows
from symseq.span import deriving

from .costs import is_zeros
from .levels import Level, Levels
from .outside import KIND
from .parts import Parts

Rule = Callable[["Sums", Apply], Variable | None]
MOST_NESTED = 100
RULES: dict[type[Op] | Op, Rule] = {}
ADD, SUB, NEG, MUL = (f.op for f in (math.add, math.sub, math.neg, math.mul))


def sums(*ops: type[Op] | Op) -> Callable[[Rule], Rule]:
    """Declare the rule for nodes of these ops."""

    def enter(rule: Rule) -> Rule:
        RULES.update(dict.fromkeys(ops, rule))
        return rule

    return enter


@dataclass(slots=True)
class Sums:
    """Sums under way. Stacks and fixed values are read as placeholders, so that a sum
    can be weighed before the stacks are there."""

    parts: Parts
    levels: Levels
    stacks: dict[Variable, Variable] = field(default_factory=dict)
    fixed: dict[Variable, Variable] = field(default_factory=dict)
    products: int = 0  # sums that are one product or one scatter
    depth: int = 0

    def is_fixed(self, v: Variable) -> bool:
        return self.levels[v] is Level.FIXED

    def stack(self, v: Variable) -> Variable:
        """A variable for the stack of v."""
        if v not in self.stacks:
            length = self.parts.n_steps.held
            rows = None if isinstance(length, tuple) else length
            type_ = v.type.with_shape([rows, *v.type.shape])
            self.stacks[v] = Variable(type_, name=v.name)
        return self.stacks[v]

    def value(self, v: Variable) -> Variable:
        """A variable for a fixed value."""
        if isinstance(v, Constant):
            return v
        if v not in self.fixed:
            self.fixed[v] = Variable(v.type, name=v.name, held=v.held)
        return self.fixed[v]

    def total(self, v: Variable) -> Variable | None:
        """Σ_t v_t; None where v is the same in every step."""
        if self.is_fixed(v):
            return None
        node = v.owner
        if node is None or id(v) in self.levels.inputs or self.depth > MOST_NESTED:
            return self.whole(v, ())
        rule = RULES.get(type(node.op)) or RULES.get(node.op)
        self.depth += 1
        with deriving(node.spans, KIND):
            found = rule(self, node) if rule is not None else None
        self.depth -= 1
        return self.whole(v, ()) if found is None else found

    def whole(self, v: Variable, axes: tuple[int, ...]) -> Variable:
        """The sum of v's stack over the steps and over `axes` of v."""
        made = Sum((0, *(axis + 1 for axis in axes)))(self.stack(v))
        return made if made.dtype == v.dtype else cast(made, v.dtype)

    def unless_empty(self, value: Variable) -> Variable:
        """`value`, which without steps is 0 whatever fixed factors hold."""
        if self.parts.surely_runs:
            return value
        return switch(gt(self.parts.n_steps, 0), value, 0)

    def added(self, before: Variable, node: Apply) -> Variable | None:
        """`before` with all that the node adds to its first operand in all steps."""
        with deriving(node.spans, KIND):
            if isinstance(node.op, Put):
                return _put(self, node, before)
            if isinstance(node.op, IncSubtensor):
                return _inc(self, node, before)
        return None


@sums(Dot)
def sum_of_products(sums: Sums, node: Apply) -> Variable | None:
    """Σ_t a_t · b_t → one product over the steps and the inner axis."""
    a, b = node.inputs
    if sums.is_fixed(a) or sums.is_fixed(b):
        first = sums.value(a) if sums.is_fixed(a) else sums.total(a)
        second = sums.value(b) if sums.is_fixed(b) else sums.total(b)
        assert first is not None and second is not None
        return sums.unless_empty(Dot()(first, second))
    sums.products += 1
    return Dot()(_columns(sums, a), _merged(sums.stack(b)))


def _columns(sums: Sums, a: Variable) -> Variable:
    """a_t, [m, k] or [k], for all t side by side: [m, t·k] or [t·k]."""
    if a.ndim == 1:
        return _merged(sums.stack(a))
    return dimshuffle(_merged(_transposed(sums, a)), (1, 0))


def _transposed(sums: Sums, a: Variable) -> Variable:
    """The stack of a_t.T: where a_t is a transpose, that of what it transposes."""
    node = a.owner
    if node is not None and node.op == DimShuffle((1, 0)):
        return sums.stack(node.inputs[0])
    return dimshuffle(sums.stack(a), (0, 2, 1))


def _merged(x: Variable) -> Variable:
    """x with its first two axes as one."""
    first, second, *rest = lengths_of(x)
    return Reshape(x.ndim - 1)(x, first * second, *rest)


@sums(BatchedDot)
def sum_of_batched_products(sums: Sums, node: Apply) -> Variable | None:
    """Σ_t a_t[n] · b_t[n] → products over the steps and the inner axis."""
    a, b = node.inputs
    if sums.is_fixed(a) or sums.is_fixed(b):
        return None
    sums.products += 1
    left = dimshuffle(sums.stack(a), (1, 2, 0, 3))
    right = dimshuffle(sums.stack(b), (1, 0, 2, 3))
    count, rows, steps, inner = lengths_of(left)
    columns = lengths_of(right)[3]
    left = Reshape(3)(left, count, rows, steps * inner)
    return BatchedDot()(left, Reshape(3)(right, count, steps * inner, columns))


@sums(MUL)
def sum_of_outer_products(sums: Sums, node: Apply) -> Variable | None:
    """Σ_t a_t[:, None] * b_t[None, :] → one product over the steps.

    Axes that both have stay as they are: Σ_t a_t[s, n, 1] b_t[1, n, d] is a product for
    every n.
    """
    a, b = node.inputs
    if sums.is_fixed(a) or sums.is_fixed(b):
        return None
    kinds = list(zip(a.broadcastable, b.broadcastable, strict=True))
    rows, columns, both = (
        [axis for axis, kind in enumerate(kinds) if kind == wanted]
        for wanted in ((False, True), (True, False), (False, False))
    )
    if not rows or not columns or (True, True) in kinds:
        return None
    sums.products += 1
    left = _kept(sums, a, [*both, *rows])
    right = _kept(sums, b, [*both, *columns])
    shared = list(range(1, len(both) + 1))
    if both:
        made = paired(left, right, shared, shared, [0], [0])
    else:
        made = tensordot(left, right, [[0], [0]])
    order = [*both, *rows, *columns]
    return dimshuffle(made, [order.index(axis) for axis in range(a.ndim)])


def _kept(sums: Sums, v: Variable, axes: list[int]) -> Variable:
    """The stack of v with the steps first, then these of v's axes only."""
    return dimshuffle(sums.stack(v), [0, *(axis + 1 for axis in axes)])


@sums(Sum)
def sum_of_sums(sums: Sums, node: Apply) -> Variable | None:
    """Σ_t sum(x_t) → sum(X) over the steps too."""
    (x,), op = node.inputs, node.op
    assert isinstance(op, Sum)
    if not x.type.is_float:
        return None
    return sums.whole(x, op.axes)


@sums(DimShuffle, SpecifyShape, Alloc, Reshape)
def sum_of_views(sums: Sums, node: Apply) -> Variable | None:
    """Σ_t view(x_t) → view(Σ_t x_t)."""
    x, *lengths = node.inputs
    inner = sums.total(x)
    if inner is None or not all(map(sums.is_fixed, lengths)):
        return None
    return node.op(inner, *map(sums.value, lengths))


@sums(ADD, SUB)
def sum_of_terms(sums: Sums, node: Apply) -> Variable | None:
    """Σ_t (a_t + b_t) → Σ_t a_t + Σ_t b_t."""
    a, b = map(sums.total, node.inputs)
    return None if a is None or b is None else node.op(a, b)


@sums(NEG)
def sum_of_negatives(sums: Sums, node: Apply) -> Variable | None:
    """Σ_t −a_t → −Σ_t a_t."""
    inner = sums.total(node.inputs[0])
    return None if inner is None else node.op(inner)


@sums(Put, PutRows)
def sum_of_scatters(sums: Sums, node: Apply) -> Variable | None:
    """Σ_t (zeros with y_t added at ids_t) → zeros with Y added at all ids."""
    zeros = node.inputs[0]
    if not _into_zeros(node) or not sums.is_fixed(zeros):
        return None
    return _put(sums, node, sums.value(zeros))


@sums(IncSubtensor)
def sum_of_parts(sums: Sums, node: Apply) -> Variable | None:
    """Σ_t (zeros with y_t added to a part) → zeros with Σ_t y_t added there."""
    zeros = node.inputs[0]
    if not _into_zeros(node) or not sums.is_fixed(zeros):
        return None
    return _inc(sums, node, sums.value(zeros))


def _into_zeros(node: Apply) -> bool:
    made = node.inputs[0].owner
    return made is not None and is_zeros(made)


def _put(sums: Sums, node: Apply, before: Variable) -> Variable | None:
    op, (_, y, *ids) = node.op, node.inputs
    assert isinstance(op, Put)
    if op.replace:
        return None
    if all(map(sums.is_fixed, ids)):
        values = sums.total(y)
        if values is None:
            return None
        return op(before, values, *map(sums.value, ids))
    sums.products += 1
    places = [_spread(sums, one) for one in ids]
    values = _spread(sums, y)
    # The steps' axis stands in front of the ids': behind the axes before them.
    axes = list(range(1, op.axis + 1))
    rest = list(range(op.axis + 1, values.ndim))
    return op(before, dimshuffle(values, [*axes, 0, *rest]), *places)


def _inc(sums: Sums, node: Apply, before: Variable) -> Variable | None:
    op, (_, y, *indices) = node.op, node.inputs
    assert isinstance(op, IncSubtensor)
    if op.replace and not _into_zeros(node):
        return None
    if all(map(sums.is_fixed, indices)):
        values = sums.total(y)
        if values is None:
            return None
        return IncSubtensor(op.key)(before, values, *map(sums.value, indices))
    if op.key == (INPUT,):
        sums.products += 1
        return PutRows(0)(before, _spread(sums, y), sums.stack(indices[0]))
    return None


def _spread(sums: Sums, v: Variable) -> Variable:
    """The stack of v, or what is the same in every step with an axis of length 1."""
    if not sums.is_fixed(v):
        return sums.stack(v)
    new: list[Axis] = ["x", *range(v.ndim)]
    return dimshuffle(sums.value(v), new)
