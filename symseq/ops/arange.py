"""Evenly spaced integers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from symseq.errors import BadIndexError
from symseq.graph import MOST_HELD, Arg, Held, Op, Variable, known_length, no_gradient
from symseq.lengths import Length, size_of
from symseq.operators import METHODS
from symseq.ops.convert import as_tensor, common_dtype, constant
from symseq.ops.registry import Case, register
from symseq.ops.rounding import floor_div
from symseq.ops.sizes import as_length, refuse_batched
from symseq.types import Array, TensorType, is_float


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(ARange(), (np.array(0), np.array(4), np.array(1)))
    yield Case(ARange(), (np.array(5), np.array(-2), np.array(-2)))
    yield Case(ARange(), (np.array(3), np.array(1), np.array(1)))


@register("arange", cases=_cases)
@dataclass(frozen=True)
class ARange(Op):
    """y = start, start + step, ... before stop: int64, from three int64 scalars."""

    name = "arange"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        return (TensorType("int64", (_count(*map(known_length, args)),)),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.arange(*[int(bound) for bound in inputs], dtype=np.int64),)

    vjp = no_gradient

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        refuse_batched(self, batched, 0)
        return (self(*inputs),)

    def hold(self, args: Sequence[Arg]) -> tuple[Held, ...] | None:
        start, stop, step = (arg.held for arg in args)
        if (
            isinstance(start, int)
            and isinstance(stop, int)
            and isinstance(step, int)
            and step
            and len(range(start, stop, step)) <= MOST_HELD
        ):
            return (tuple(range(start, stop, step)),)
        return None

    def length_inputs(self) -> tuple[int, ...]:
        return (0, 1, 2)


def _count(start: Length, stop: Length, step: Length) -> Length:
    if step == 0:
        raise BadIndexError("arange's step must not be 0; got 0")
    sizes = [size_of(bound) for bound in (start, stop, step)]
    if start == 0 and step == 1 and stop is not None and (sizes[1] or 0) >= 0:
        return stop if sizes[1] is not None or is_name(stop) else None
    if None in sizes:
        return None
    return len(range(*[size for size in sizes if size is not None]))


def is_name(length: Length) -> bool:
    """Whether a named length is a sum of products, so surely not negative."""
    terms = () if length is None or isinstance(length, int) else length.terms
    return all(coefficient > 0 for _, coefficient in terms)


def arange(
    start: object, stop: object = None, step: object = 1, dtype: object = None
) -> Variable:
    """start, start + step, ... before stop; ``arange(n)`` starts at 0.

    Integers give int64; floats give the dtype in which the operands meet.
    """
    if stop is None:
        start, stop = 0, start
    kind = common_dtype([start, stop, step])
    if is_float(kind):
        made = _float_range(start, stop, step, kind)
    else:
        made = ARange()(*[as_length(x, "arange's bound") for x in (start, stop, step)])
    answer: Variable = made if dtype is None else METHODS["astype"](made, dtype)
    return answer


def _float_range(start: object, stop: object, step: object, dtype: str) -> Variable:
    # Counted in float64, as NumPy does: ceil((stop - start) / step).
    first, last, by = (as_tensor(x).astype("float64") for x in (start, stop, step))
    count = (-floor_div(first - last, by)).astype("int64")
    zero, one = constant(0, "int64"), constant(1, "int64")
    steps = ARange()(zero, count, one).astype("float64")
    answer: Variable = METHODS["astype"](first + steps * by, dtype)
    return answer
