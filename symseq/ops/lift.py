"""From a row of the elementwise table to a function on variables and numbers."""

from __future__ import annotations

import re
from functools import reduce
from typing import Any, Literal

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.operators import UFUNCS
from symseq.ops.convert import common_dtype, promote
from symseq.ops.elementwise import Elementwise, elementwise, same_float

# What happens to operands: integers become floatX; bools become int8; nothing.
Promotion = Literal["float", "number", "any"]


class Lifted:
    """f(x, ...): operands promoted to one dtype and one rank, then the row applied."""

    def __init__(
        self,
        op: Elementwise,
        doc: str,
        promotion: Promotion,
        n_ary: bool = False,
        keywords: tuple[str, ...] = (),
    ) -> None:
        self.op = op
        self.promotion = promotion
        self.n_ary = n_ary
        self.keywords = keywords
        self.__name__ = self.__qualname__ = op.name
        self.__doc__ = doc

    def __call__(self, *values: object, **named: object) -> Variable:
        """Apply to variables, arrays or numbers; an n-ary function folds from the left.

        Raises: UsageError for a wrong number of operands; ShapeError, DTypeError.
        """
        if named:
            values += tuple(
                named.pop(word)
                for word in self.keywords[len(values) :]
                if word in named
            )
        if named:
            raise TypeError(f"{self.op.name} has no operand {next(iter(named))!r}")
        if self.n_ary and len(values) > self.op.arity:
            return reduce(self, values[2:], self(*values[:2]))
        if len(values) != self.op.arity:
            raise UsageError(
                f"{self.op.name} takes {self.op.arity} operands; got {len(values)}"
            )
        return self.op(*meet(values, self.promotion))

    def __repr__(self) -> str:
        return f"<function {self.__name__}: {self.__doc__}>"


def meet(values: tuple[object, ...], promotion: Promotion) -> list[Variable]:
    """`values` in one dtype and rank, as the row wants them."""
    if promotion == "number" and common_dtype(values) == "bool":
        return [v.astype("int8") for v in promote(*values)]
    return promote(*values, floating=promotion == "float")


def lifted(
    name: str,
    doc: str,
    *,
    arity: int = 1,
    promotion: Promotion = "float",
    n_ary: bool = False,
    keywords: tuple[str, ...] = (),
    **row: Any,
) -> Lifted:
    """Register a row (see `elementwise`) and give the function that users call."""
    if promotion == "float":
        row.setdefault("dtypes", same_float)
    op = elementwise(name, arity=arity, **row)
    made = Lifted(op, doc, promotion, n_ary, keywords)
    plain = re.fullmatch(r"np\.(\w+)\(\{0\}(, \{1\})?\)", row["numpy"])
    if plain is not None:
        UFUNCS[getattr(np, plain[1]).__name__] = made  # np.abs is np.absolute
    return made
