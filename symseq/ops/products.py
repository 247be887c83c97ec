"""Products as users write them: dot for any rank, matmul, outer, tensordot."""

from __future__ import annotations

from collections.abc import Sequence

from symseq import lengths
from symseq.errors import ShapeError
from symseq.graph import Variable
from symseq.ops.alloc import Alloc
from symseq.ops.axes import normal_axis
from symseq.ops.convert import as_tensor, common_dtype
from symseq.ops.dimshuffle import Axis, dimshuffle, pad_left
from symseq.ops.linalg import BatchedDot, Dot, check_factors, outer_product
from symseq.ops.reshape import Reshape, flatten, product
from symseq.ops.shape import lengths_of
from symseq.types import is_static_one


def factors(a: object, b: object) -> tuple[Variable, Variable]:
    """Both as variables of one dtype; bools count as int8."""
    dtype = common_dtype([a, b])
    dtype = "int8" if dtype == "bool" else dtype
    return as_tensor(a, dtype), as_tensor(b, dtype)


def dot(a: object, b: object) -> Variable:
    """The sum of products over a's last axis and b's last but one (its only one).

    A scalar on one side multiplies.

    Raises: ShapeError where the inner lengths differ.
    """
    left, right = factors(a, b)
    if left.ndim == 0 or right.ndim == 0:
        return left * right
    if left.ndim <= 2 and right.ndim <= 2:
        return Dot()(left, right)
    return tensordot(left, right, [[left.ndim - 1], [max(right.ndim - 2, 0)]])


def tensordot(
    a: object, b: object, axes: int | Sequence[int | Sequence[int]] = 2
) -> Variable:
    """The sum of products over pairs of axes; an int pairs a's last with b's first.

    Raises: ShapeError where the paired lengths differ.
    """
    left, right = factors(a, b)
    ours, theirs = _pairs(axes, left.ndim, right.ndim)
    kept_a = [axis for axis in range(left.ndim) if axis not in ours]
    kept_b = [axis for axis in range(right.ndim) if axis not in theirs]
    for i, j in zip(ours, theirs, strict=True):
        n, m = left.type.shape[i], right.type.shape[j]
        check_factors("tensordot", left.type, right.type, n, m)
    if not ours:
        behind: list[Axis] = ["x"] * right.ndim
        return dimshuffle(left, [*range(left.ndim), *behind]) * right
    flat = Dot()(
        _merged(left, [kept_a, ours]),
        _merged(right, [theirs, kept_b]),
    )
    rows = [lengths_of(left)[axis] for axis in kept_a]
    columns = [lengths_of(right)[axis] for axis in kept_b]
    if flat.ndim == len(rows) + len(columns):
        return flat
    return Reshape(len(rows) + len(columns))(flat, *rows, *columns)


def _pairs(
    axes: int | Sequence[int | Sequence[int]], left: int, right: int
) -> tuple[list[int], list[int]]:
    """The axes to sum over, of the first and of the second array."""
    if isinstance(axes, int):
        if not 0 <= axes <= min(left, right):
            raise ShapeError(
                f"tensordot needs 0 to {min(left, right)} common axes; got {axes}"
            )
        return list(range(left - axes, left)), list(range(axes))
    one, other = axes
    ours = [normal_axis(axis, left) for axis in _as_list(one)]
    theirs = [normal_axis(axis, right) for axis in _as_list(other)]
    if len(ours) != len(theirs):
        raise ShapeError(
            f"tensordot needs as many axes of both; got {len(ours)} and {len(theirs)}"
        )
    return ours, theirs


def _as_list(axes: int | Sequence[int]) -> list[int]:
    return [axes] if isinstance(axes, int) else list(axes)


def _merged(x: Variable, groups: Sequence[Sequence[int]]) -> Variable:
    """x with its axes in `groups`, each merged into one axis; empty ones left out."""
    moved = dimshuffle(x, [axis for group in groups for axis in group])
    filled = [group for group in groups if group]
    if all(len(group) == 1 for group in filled):
        return moved
    each = lengths_of(x)
    sizes = [product([each[axis] for axis in group]) for group in filled]
    return Reshape(len(sizes))(moved, *sizes)


def outer(a: object, b: object) -> Variable:
    """y[i, j] = a[i] b[j], the arrays flattened."""
    left, right = factors(a, b)
    return outer_product(flatten(left), flatten(right))


def matmul(a: object, b: object) -> Variable:
    """a @ b as NumPy has it: matrices in the last two axes, the axes before broadcast.

    A static 1 broadcasts. A vector is a row on the left, a column on the right.

    Raises: ShapeError for a scalar, or where lengths differ.
    """
    left, right = factors(a, b)
    if left.ndim == 0 or right.ndim == 0:
        raise ShapeError("matmul takes no scalars; got one", hint="use *")
    if left.ndim <= 2 and right.ndim <= 2:
        return Dot()(left, right)
    if right.ndim <= 2:
        axes = [[left.ndim - 1], [max(right.ndim - 2, 0)]]
        return tensordot(left, right, axes)
    row = left.ndim == 1
    made = _stacked(pad_left(left, 2), right)
    return dimshuffle(
        made, [a for a in range(made.ndim) if not row or a != made.ndim - 2]
    )


def _stacked(left: Variable, right: Variable) -> Variable:
    """Products of matrices over broadcast leading axes."""
    check_factors(
        "matmul", left.type, right.type, left.type.shape[-1], right.type.shape[-2]
    )
    rank = max(left.ndim, right.ndim)
    left, right = pad_left(left, rank), pad_left(right, rank)
    lead = _common_lengths(left, right)
    rows, inner = lengths_of(left)[-2:]
    columns = lengths_of(right)[-1]
    count = product(lead)
    made = BatchedDot()(
        Reshape(3)(_spread(left, lead), count, rows, inner),
        Reshape(3)(_spread(right, lead), count, inner, columns),
    )
    return Reshape(rank)(made, *lead, rows, columns)


def _common_lengths(left: Variable, right: Variable) -> list[Variable]:
    """The broadcast lengths of the axes before the matrices."""
    found = []
    pairs = zip(lengths_of(left), lengths_of(right), strict=True)
    for axis, (a, b) in enumerate(list(pairs)[:-2]):
        n, m = left.type.shape[axis], right.type.shape[axis]
        lengths.broadcast(n, m)
        found.append(b if is_static_one(n) else a)
    return found


def _spread(x: Variable, lead: Sequence[Variable]) -> Variable:
    """x with its static 1s in front stretched to `lead`."""
    if not any(map(is_static_one, x.type.shape[:-2])):
        return x
    return Alloc(x.ndim)(x, *lead, *lengths_of(x)[-2:])


def batched_dot(a: object, b: object) -> Variable:
    """y[n] = a[n] · b[n], where a[n] and b[n] are scalars, vectors, matrices or more.

    Raises: ShapeError for scalars, or where lengths differ.
    """
    left, right = factors(a, b)
    if left.ndim == 0 or right.ndim == 0:
        raise ShapeError("batched_dot needs a leading axis on both; got a scalar")
    axes = [[left.ndim - 1], [max(right.ndim - 2, 1)]]
    if left.ndim == 1 or right.ndim == 1:
        rank = max(left.ndim, right.ndim)
        return pad_right(left, rank) * pad_right(right, rank)
    return batched_tensordot(left, right, axes)


def pad_right(x: Variable, rank: int) -> Variable:
    """x with axes of length 1 behind, up to `rank`."""
    new: list[Axis] = ["x"] * (rank - x.ndim)
    return dimshuffle(x, [*range(x.ndim), *new])


def batched_tensordot(
    a: object, b: object, axes: int | Sequence[int | Sequence[int]] = 2
) -> Variable:
    """``tensordot`` of a[n] and b[n] for every n; axes count with the leading one."""
    left, right = factors(a, b)
    if isinstance(axes, int):
        ours = list(range(left.ndim - axes, left.ndim))
        theirs = list(range(1, 1 + axes))
    else:
        ours, theirs = _pairs(axes, left.ndim, right.ndim)
    if 0 in ours or 0 in theirs:
        raise ShapeError(
            f"batched_tensordot cannot sum over the batch axis; got {axes}"
        )
    return paired(left, right, [0], [0], ours, theirs)


def paired(
    left: Variable,
    right: Variable,
    batch_a: Sequence[int],
    batch_b: Sequence[int],
    ours: Sequence[int],
    theirs: Sequence[int],
) -> Variable:
    """Axes batch_a/batch_b go together, ours/theirs are summed, others multiply out.

    The answer's axes: the batch's, then left's others, then right's others.
    """
    rows = [a for a in range(left.ndim) if a not in (*batch_a, *ours)]
    columns = [a for a in range(right.ndim) if a not in (*batch_b, *theirs)]
    for i, j in zip(ours, theirs, strict=True):
        n, m = left.type.shape[i], right.type.shape[j]
        check_factors("tensordot", left.type, right.type, n, m)
    ours_lengths, their_lengths = lengths_of(left), lengths_of(right)
    made = BatchedDot()(
        _cube(left, [batch_a, rows, ours]), _cube(right, [batch_b, theirs, columns])
    )
    shape = [ours_lengths[axis] for axis in (*batch_a, *rows)]
    shape += [their_lengths[axis] for axis in columns]
    if len(batch_a) == len(rows) == len(columns) == 1:
        return made
    return Reshape(len(shape))(made, *shape)


def _cube(x: Variable, groups: Sequence[Sequence[int]]) -> Variable:
    """x with its axes in three groups, each merged into one axis (1 where empty)."""
    order: list[Axis] = []
    for group in groups:
        order += group or ["x"]
    moved = dimshuffle(x, order)
    if len(order) == 3:
        return moved
    each = lengths_of(x)
    sizes = [product([each[axis] for axis in group]) for group in groups]
    return Reshape(3)(moved, *sizes)
