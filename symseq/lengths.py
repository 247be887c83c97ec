"""Lengths of axes: an int, a named `Dim` (a polynomial of names), or None (unknown)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TypeAlias

from symseq.errors import ShapeError, UsageError


@dataclass(frozen=True, slots=True, order=True)
class Symbol:
    """One name in a polynomial; ``size`` is -1 where it is known only when called."""

    name: str
    size: int = -1


Monomial: TypeAlias = tuple[Symbol, ...]
Length: TypeAlias = "int | Dim | None"


class Dim:
    """A named length, or a sum of products of them in one normal form.

    >>> B, T, H = dims("B T", H=128)
    >>> 4 * H, T + T - B, (H * 4).size
    (4H, 2T - B, 512)
    """

    # The sum of coefficient * product(monomial), sorted, without zero coefficients.
    terms: tuple[tuple[Monomial, int], ...]

    def __init__(self, terms: tuple[tuple[Monomial, int], ...]) -> None:
        self.terms = terms
        self._hash = hash(terms)

    @cached_property
    def size(self) -> int | None:
        """The number that the polynomial stands for, if every name has a size."""
        if any(symbol.size < 0 for monomial, _ in self.terms for symbol in monomial):
            return None
        return sum(c * prod(symbol.size for symbol in m) for m, c in self.terms)

    @property
    def symbol(self) -> Symbol | None:
        """The name, where the polynomial is just one name."""
        if (
            len(self.terms) == 1
            and self.terms[0][1] == 1
            and len(self.terms[0][0]) == 1
        ):
            return self.terms[0][0][0]
        return None

    def evaluate(self, sizes: Mapping[Symbol, int]) -> int | None:
        """The number under `sizes`, or None where a name is missing there."""
        total = 0
        for monomial, coefficient in self.terms:
            for symbol in monomial:
                size = symbol.size if symbol.size >= 0 else sizes.get(symbol)
                if size is None:
                    return None
                coefficient *= size
            total += coefficient
        return total

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dim) and self.terms == other.terms

    def __hash__(self) -> int:
        return self._hash

    def __add__(self, other: int | Dim) -> int | Dim:
        return _collect([*self.terms, *_terms(other)])

    def __mul__(self, other: int | Dim) -> int | Dim:
        return _collect(
            (tuple(sorted(m + n)), a * b)
            for m, a in self.terms
            for n, b in _terms(other)
        )

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> int | Dim:
        return self * -1

    def __sub__(self, other: int | Dim) -> int | Dim:
        return self + other * -1

    def __rsub__(self, other: int | Dim) -> int | Dim:
        return -self + other

    def __repr__(self) -> str:
        first, *rest = sorted(self.terms, key=lambda term: (not term[0], term[1] < 0))
        text = _term(first[0], first[1])
        for monomial, coefficient in rest:
            sign = "-" if coefficient < 0 else "+"
            text += f" {sign} {_term(monomial, abs(coefficient))}"
        return text


def _term(monomial: Monomial, coefficient: int) -> str:
    names = "*".join(symbol.name for symbol in monomial)
    if not names:
        return str(coefficient)
    return {1: names, -1: f"-{names}"}.get(coefficient, f"{coefficient}{names}")


def _terms(length: int | Dim) -> tuple[tuple[Monomial, int], ...]:
    return length.terms if isinstance(length, Dim) else (((), length),)


def _collect(terms: Iterable[tuple[Monomial, int]]) -> int | Dim:
    total: dict[Monomial, int] = {}
    for monomial, coefficient in terms:
        total[monomial] = total.get(monomial, 0) + coefficient
    kept = tuple(sorted((m, c) for m, c in total.items() if c))
    if all(not monomial for monomial, _ in kept):
        return kept[0][1] if kept else 0
    return Dim(kept)


def dim(name: str, size: int | None = None) -> Dim:
    """A named length; `size` where it is known before a call."""
    if not name or not name.replace("_", "").isalnum():
        raise UsageError(f"a dim's name must be a word; got {name!r}")
    if size is not None and size < 0:
        raise UsageError(f"a dim's size must be at least 0; got {name}={size}")
    return Dim(((((Symbol(name, -1 if size is None else int(size))),), 1),))


def dims(names: str = "", **sized: int) -> tuple[Dim, ...]:
    """Named lengths: ``B, T, H = dims("B T", H=128)``."""
    unsized = [dim(name) for name in names.replace(",", " ").split()]
    return (*unsized, *(dim(name, size) for name, size in sized.items()))


# A length that happens to be 1 in this call, not declared 1: it does not broadcast.
ONE = Dim((((Symbol("1", 1),), 1),))


def size_of(length: Length) -> int | None:
    """The number that a length is known to be, or None."""
    return length.size if isinstance(length, Dim) else length


def add(a: Length, b: Length) -> Length:
    return None if a is None or b is None else a + b


def subtract(a: Length, b: Length) -> Length:
    return None if a is None or b is None else a - b


def multiply(a: Length, b: Length) -> Length:
    if a == 0 or b == 0:
        return 0
    return None if a is None or b is None else a * b


def total(lengths: Iterable[Length]) -> Length:
    """The product of all lengths: how many elements."""
    answer: Length = 1
    for length in lengths:
        answer = multiply(answer, length)
    return answer


def differ(a: Length, b: Length) -> bool:
    """Whether two lengths can be seen to be unequal before any call."""
    if a is None or b is None or a == b:
        return False
    size, other = size_of(a), size_of(b)
    if size is not None and other is not None:
        return size != other
    if isinstance(a - b, int):
        return True
    if a is ONE or b is ONE:
        return False  # a number of this call, which a free name may stand for
    both = [n.symbol for n in (a, b) if isinstance(n, Dim)]
    return len(both) == 2 and None not in both


def meet(a: Length, b: Length, what: str = "lengths") -> Length:
    """The one length of two axes that must be equal; the better known of the two.

    Raises: ShapeError where they can be seen to differ.
    """
    if differ(a, b):
        raise ShapeError(f"{what} must be equal; got {show(a)} and {show(b)}")
    if a is None or b is None:
        return b if a is None else a
    if a is ONE or b is ONE:
        other = b if a is ONE else a
        return ONE if size_of(other) is None else other
    if size_of(a) is None and size_of(b) is not None:
        return b
    return b if isinstance(b, Dim) and not isinstance(a, Dim) and b.size == a else a


def join(a: Length, b: Length) -> Length:
    """The length that covers both: itself where they agree, else unknown."""
    if a == b:
        return a
    size = size_of(a)
    if size is not None and size == size_of(b):
        return a if isinstance(a, Dim) else b
    return None


def with_sizes(length: int | Dim) -> int | Dim:
    """A polynomial with numbers for the names that have a size.

    >>> T, H = dims("T", H=4)
    >>> with_sizes(2 * T * H + H * H)
    8T + 16
    """
    return _collect(
        (tuple(s for s in monomial if s.size < 0),
         coefficient * prod(s.size for s in monomial if s.size >= 0))
        for monomial, coefficient in _terms(length)
    )  # fmt: skip


def cover(a: int | Dim, b: int | Dim) -> int | Dim:
    """What is no less than either, whatever the names stand for: term by term.

    >>> T, B = dims("T B")
    >>> cover(4 * T, T * B + 2), cover(3, 2)
    (B*T + 4T + 2, 3)
    """
    one, other = dict(_terms(a)), dict(_terms(b))
    return _collect(
        (m, max(one.get(m, 0), other.get(m, 0))) for m in one.keys() | other.keys()
    )


def broadcast(a: Length, b: Length) -> Length:
    """The length of two axes that meet elementwise: a static 1 stretches."""
    if isinstance(a, int) and a == 1:
        return b
    if isinstance(b, int) and b == 1:
        return a
    return meet(a, b)


def show(length: Length) -> str:
    """A length for an error: its name, with its size where there is one."""
    if isinstance(length, Dim):
        named = length is not ONE and length.size is not None
        return f"{length} = {length.size}" if named else str(length)
    return "?" if length is None else str(length)
