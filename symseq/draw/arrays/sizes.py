"""How long each axis is, in elements and in pixels, and what is written at it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import cycle
from math import log, prod

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.lengths import ONE, Dim, Length, Symbol
from symseq.types import Array

# What a name without a size is drawn as, in order of appearance; and a length unknown.
STAND_INS = (4, 3, 5, 2, 6)
UNKNOWN = 3
# The longest side in pixels, and how many times longer than the shortest it may be.
LONGEST, MOST_TIMES = 200.0, 9.0
CELL = 19.0


@dataclass
class Sizes:
    """The numbers that lengths stand for in one picture.

    Sides are in proportion where the longest is at most nine times the shortest; else
    a power of them is, so that a longer side is always drawn longer.
    """

    given: Mapping[str, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    shapes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    power: float = 1.0
    unit: float = CELL

    def enter(self, variables: Iterable[Variable], values: Mapping[int, Array]) -> None:
        """Learn the names of all variables, then how large a unit is.

        Raises: UsageError for a length in ``given`` that contradicts a known one, or
            that no variable has.
        """
        variables = list(variables)
        stand_ins = cycle(STAND_INS)
        for variable in variables:
            value = values.get(id(variable))
            if value is not None and value.ndim == variable.ndim:
                self.shapes[id(variable)] = value.shape
                for length, size in zip(variable.type.shape, value.shape, strict=True):
                    if isinstance(length, Dim) and length.symbol:
                        self.names.setdefault(length.symbol.name, size)
        symbols = [symbol for variable in variables for symbol in _symbols(variable)]
        for symbol in symbols:
            self._name(symbol, stand_ins)
        known = dict.fromkeys(symbol.name for symbol in symbols)
        if unknown := [name for name in self.given if name not in known]:
            raise UsageError(
                f"no length is named {unknown[0]!r}; there are: "
                f"{', '.join(known) or 'none has a name'}"
            )
        found = {n for v in variables for n in self.shape(v) if n is not None and n > 1}
        if found:
            spread = max(found) / min(found)
            self.power = min(1.0, log(MOST_TIMES) / log(spread)) if spread > 1 else 1.0
            self.unit = min(CELL, LONGEST / max(found) ** self.power)

    def _name(self, symbol: Symbol, stand_ins: Iterable[int]) -> None:
        given = self.given.get(symbol.name)
        if symbol.size >= 0:
            if given is not None and given != symbol.size:
                raise UsageError(
                    f"shapes= gives lengths that the graph lacks; {symbol.name} "
                    f"is {symbol.size} and was given as {given}"
                )
            self.names[symbol.name] = symbol.size
        elif given is not None:
            self.names[symbol.name] = given
        elif symbol.name not in self.names:
            self.names[symbol.name] = next(iter(stand_ins))

    def number(self, length: Length) -> int | None:
        """How many elements a length is drawn as; None where nothing is known."""
        if not isinstance(length, Dim):
            return length
        if length is ONE:
            return 1
        total = 0
        for monomial, coefficient in length.terms:
            total += coefficient * prod(self.names.get(s.name, 1) for s in monomial)
        return max(total, 0)

    def shape(self, variable: Variable) -> tuple[int | None, ...]:
        """The lengths of a variable as numbers, None where nothing is known."""
        known = self.shapes.get(id(variable))
        return known or tuple(self.number(n) for n in variable.type.shape)

    def pixels(self, size: int) -> float:
        """How long a side of `size` elements is drawn."""
        if size <= 1:
            return CELL * 0.7 if size else 6.0
        side: float = size**self.power * self.unit
        return max(side, CELL * 0.85)


def _symbols(variable: Variable) -> list[Symbol]:
    return [
        symbol
        for length in variable.type.shape
        if isinstance(length, Dim) and length is not ONE
        for monomial, _ in length.terms
        for symbol in monomial
    ]


def length_text(length: Length) -> str:
    """What is written at a side: T, 4H, 128, and ? where nothing is known."""
    if length is None:
        return "?"
    if length is ONE:
        return "1"
    return str(length).replace("*", "·")
