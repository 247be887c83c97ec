"""What one run of a node takes: operations, and bytes read and written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np

from symseq import lengths
from symseq.graph import Arg, Op
from symseq.lengths import Dim, Length
from symseq.types import TensorType

Amount: TypeAlias = "int | Dim"


@dataclass(frozen=True, slots=True)
class Cost:
    """Operations and bytes, each a number or a polynomial of named lengths.

    ``flops`` are arithmetic operations on elements, of integers too; those that are
    exp, tanh, ... (also among the flops, as one each) are ``transcendental``.
    ``unknown`` counts what depends on lengths that are not known, or is a function of
    the user's: the amounts are then lower bounds.
    """

    flops: Amount = 0
    transcendental: Amount = 0
    read: Amount = 0
    written: Amount = 0
    unknown: int = 0

    @property
    def bytes(self) -> Amount:
        return self.read + self.written

    def __add__(self, other: Cost) -> Cost:
        pairs = zip(_fields(self), _fields(other), strict=True)
        return _cost_of([a + b for a, b in pairs])

    def times(self, count: Length) -> Cost:
        """The cost of `count` runs; of unknown many, the cost of one and a note."""
        if count is None:
            return self + Cost(unknown=1)
        flops, transcendental, read, written, unknown = _fields(self)
        return Cost(flops * count, transcendental * count, read * count,
                    written * count, unknown)  # fmt: skip

    def in_numbers(self) -> Cost:
        """The same with a number for each amount whose names have sizes."""
        sizes = [lengths.size_of(amount) for amount in _fields(self)]
        pairs = zip(_fields(self), sizes, strict=True)
        return _cost_of([amount if n is None else n for amount, n in pairs])

    def cover(self, other: Cost) -> Cost:
        """What is no less than either: of two branches one is run."""
        pairs = zip(_fields(self), _fields(other), strict=True)
        return _cost_of([lengths.cover(a, b) for a, b in pairs])


def _fields(cost: Cost) -> tuple[Any, ...]:
    return (cost.flops, cost.transcendental, cost.read, cost.written, cost.unknown)


def _cost_of(fields: Sequence[Any]) -> Cost:
    return Cost(*fields)


def elements(*types: TensorType) -> Length:
    """How many elements arrays of `types` have together."""
    count: Length = 0
    for type_ in types:
        count = lengths.add(count, lengths.total(type_.shape))
    return count


def nbytes(*types: TensorType) -> Length:
    """How many bytes arrays of `types` take together."""
    count: Length = 0
    for type_ in types:
        width = np.dtype(type_.dtype).itemsize
        count = lengths.add(count, lengths.multiply(width, elements(type_)))
    return count


def work(
    flops: Length,
    read: Iterable[TensorType] = (),
    written: Iterable[TensorType] = (),
    transcendental: Length = 0,
) -> Cost:
    """The cost of `flops` and of moving arrays; what is not known counts as 0."""
    amounts = (flops, transcendental, nbytes(*read), nbytes(*written))
    known = [0 if amount is None else amount for amount in amounts]
    return _cost_of([*known, int(None in amounts)])


def scatter(place: TensorType, read: Sequence[TensorType], replace: bool) -> Cost:
    """Elements of the type `place` set, or added to, in an array that stays."""
    if replace:
        return work(0, read, [place])
    return work(elements(place), [*read, place], [place])


# What one run of an op takes, from its inputs and its outputs' types.
Rule: TypeAlias = Callable[[Any, Sequence[Arg], Sequence[TensorType]], Cost]
Given = TypeVar("Given", bound=Rule)

RULES: dict[type[object], Rule] = {}


def cost_rule(*classes: type[object]) -> Callable[[Given], Given]:
    """Enter the rule of ops of `classes`, and of those derived from them."""

    def add(rule: Given) -> Given:
        RULES.update(dict.fromkeys(classes, rule))
        return rule

    return add


def rule_of(op: Op) -> Rule | None:
    """The rule of the nearest class that has one."""
    return next((RULES[cls] for cls in type(op).__mro__ if cls in RULES), None)


def types_of(args: Sequence[Arg]) -> list[TensorType]:
    return [arg.type for arg in args]


def cost_of_op(op: Op, args: Sequence[Arg], outputs: Sequence[TensorType]) -> Cost:
    """The cost of one run; an op without a rule moves its arrays and says so."""
    rule = rule_of(op)
    if rule is None:
        return work(None, types_of(args), outputs)
    return rule(op, args, outputs)
