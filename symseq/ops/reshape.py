"""Reshape: the same elements in the same order over other lengths; flatten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from symseq import lengths
from symseq.errors import ShapeError
from symseq.graph import Arg, Held, Op, Variable, known_length
from symseq.lengths import Dim, Length, size_of
from symseq.ops.convert import as_tensor, constant
from symseq.ops.math import maximum
from symseq.ops.registry import Case, register
from symseq.ops.rounding import floor_div
from symseq.ops.shape import lengths_of
from symseq.ops.sizes import as_lengths, refuse_batched
from symseq.types import Array, TensorType


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    x = rng.normal(size=(2, 3, 2))
    yield Case(Reshape(2), (x, np.array(4), np.array(3)))
    yield Case(Reshape(2), (x, np.array(2), np.array(-1)))
    yield Case(Reshape(0), (rng.normal(size=(1, 1)),))


@register("reshape", cases=_cases)
@dataclass(frozen=True)
class Reshape(Op):
    """y holds x's elements, row by row, over the given lengths; one may be -1."""

    ndim: int
    name = "reshape"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        x, *given = args
        wanted = list(map(known_length, given))
        return (x.type.with_shape(_new_lengths(x.type, wanted)),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        x, *given = inputs
        return (x.reshape([int(length) for length in given]),)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        x, *given = inputs
        (g,) = cotangents
        assert g is not None
        return (Reshape(x.ndim)(g, *lengths_of(x)), *[None] * len(given))

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        refuse_batched(self, batched, 1)
        x, *given = inputs
        each = lengths_of(x)
        fixed = _without_free(each[1:], given)
        return (Reshape(self.ndim + 1)(x, each[0], *fixed),)

    def hold(self, args: Sequence[Arg]) -> tuple[Held, ...] | None:
        held, rank = args[0].held, self.ndim
        if held is None or rank > 1:
            return None
        if not isinstance(held, tuple):
            return (held if rank == 0 else (held,),)
        return (held,) if rank == 1 else (held[0] if len(held) == 1 else None,)

    def length_inputs(self) -> tuple[int, ...]:
        return tuple(range(1, self.ndim + 1))


def _new_lengths(x: TensorType, wanted: Sequence[Length]) -> tuple[Length, ...]:
    """The lengths after a reshape; a free one (-1, or one unknown) is worked out."""
    free = [k for k, length in enumerate(wanted) if length == -1]
    sizes = [size_of(length) for length in wanted]
    if len(free) > 1 or any(size is not None and size < -1 for size in sizes):
        raise ShapeError(
            "reshape takes lengths of at least 0, one of them may be -1; "
            f"got {_show(wanted)}"
        )
    open_ = free or [k for k, length in enumerate(wanted) if length is None]
    rest = lengths.total([n for k, n in enumerate(wanted) if k not in open_])
    whole = lengths.total(x.shape)
    answer: list[Length] = [None if k in open_ else n for k, n in enumerate(wanted)]
    if not open_:
        if lengths.differ(whole, rest):
            raise _wrong_total(x, wanted)
    elif len(open_) == 1:
        answer[open_[0]] = divide(whole, rest)
        if (
            free
            and answer[open_[0]] is None
            and None
            not in (
                size_of(whole),
                size_of(rest),
            )
        ):
            raise _wrong_total(x, wanted)
    return tuple(answer)


def _wrong_total(x: TensorType, wanted: Sequence[Length]) -> ShapeError:
    return ShapeError(
        "reshape keeps the number of elements; got "
        f"({', '.join(map(lengths.show, x.shape))}) and {_show(wanted)}",
        hint="-1 for one of the lengths works it out from the others",
    )


def _show(wanted: Sequence[Length]) -> str:
    return f"({', '.join(map(lengths.show, wanted))})"


def divide(whole: Length, part: Length) -> Length:
    """whole / part where that is known to be a length, else None.

    >>> T, H = lengths.dims("T H")
    >>> divide(4 * T * H, 2 * H), divide(12, 4), divide(T + H, H)
    (2T, 3, None)
    """
    if whole is None or part is None:
        return None
    if isinstance(whole, int) and isinstance(part, int):
        return whole // part if part and whole % part == 0 else None
    return _cancel(whole, part) or _cancel(_sized(whole), _sized(part))


def _sized(length: int | Dim) -> int | Dim:
    """The length with every name that has a size replaced by it."""
    if isinstance(length, int):
        return length
    answer: int | Dim = 0
    for monomial, coefficient in length.terms:
        term: int | Dim = coefficient
        for symbol in monomial:
            named = Dim((((symbol,), 1),))
            term = term * (symbol.size if symbol.size >= 0 else named)
        answer = answer + term
    return answer


def _cancel(whole: int | Dim, part: int | Dim) -> Length:
    """Polynomial division by one term."""
    if isinstance(whole, int) and isinstance(part, int):
        return divide(whole, part)
    divisor = part.terms if isinstance(part, Dim) else (((), part),)
    terms = whole.terms if isinstance(whole, Dim) else (((), whole),)
    if len(divisor) != 1 or divisor[0][1] == 0:
        return 1 if whole == part else None
    (names, factor) = divisor[0]
    answer: int | Dim = 0
    for monomial, coefficient in terms:
        left = list(monomial)
        if coefficient % factor or any(names.count(s) > left.count(s) for s in names):
            return None
        for symbol in names:
            left.remove(symbol)
        answer = answer + Dim(((tuple(left), 1),)) * (coefficient // factor)
    return answer


def _without_free(
    old: Sequence[Variable], given: Sequence[Variable]
) -> Sequence[Variable]:
    """`given` with -1 worked out, so that a batch of no examples reshapes too."""
    free = [k for k, length in enumerate(given) if length.held == -1]
    if not free:
        return given
    rest = product([length for k, length in enumerate(given) if k not in free])
    size = floor_div(product(old), maximum(rest, constant(1, "int64")))
    return [size if k in free else length for k, length in enumerate(given)]


def product(scalars: Sequence[Variable]) -> Variable:
    """The product of integer scalars as int64; 1 of none."""
    one: Variable = constant(1, "int64")
    return reduce(lambda a, b: a * b, scalars, one)


def reshape(x: object, newshape: object, ndim: int | None = None) -> Variable:
    """x's elements over new lengths; one of them may be -1.

    Args: newshape: ints, integer scalars (``x.shape[0] * 2``), or an integer vector.
    Raises: ShapeError where the number of elements would change.
    """
    given = as_lengths(newshape, ndim)
    if ndim is not None and len(given) != ndim:
        raise ShapeError(
            f"reshape to rank {ndim} needs as many lengths; got {len(given)}"
        )
    return Reshape(len(given))(as_tensor(x), *given)


def flatten(x: object, outdim: int = 1, *, ndim: int | None = None) -> Variable:
    """x with its last axes joined, so that `outdim` axes are left.

    Raises: ShapeError for an `outdim` below 1 or above x's rank.
    """
    x, left = as_tensor(x), outdim if ndim is None else ndim
    if x.ndim == 0 and left == 1:
        return reshape(x, (1,))
    if not 1 <= left <= x.ndim:
        raise ShapeError(f"flatten leaves 1 to {x.ndim} axes of {x.type}; got {left}")
    if left == x.ndim:
        return x
    each = lengths_of(x)
    return Reshape(left)(x, *each[: left - 1], product(each[left - 1 :]))
