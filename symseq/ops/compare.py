"""Comparisons, logic and selection."""

from __future__ import annotations

from collections.abc import Sequence

from symseq.errors import DTypeError
from symseq.graph import Variable
from symseq.ops.cast import cast
from symseq.ops.convert import as_tensor, promote, same_rank
from symseq.ops.elementwise import boolean, elementwise, same
from symseq.ops.lift import Lifted, lifted
from symseq.ops.registry import REAL, Domain


def _comparison(name: str, doc: str, symbol: str) -> Lifted:
    text = f"{{0}} {symbol} {{1}}"
    return lifted(
        name, doc, arity=2, promotion="any", numpy=text, c=f"({text})", symbol=text,
        dtypes=boolean, vjp=None, domain=REAL,
    )  # fmt: skip


eq = _comparison("eq", "a == b, elementwise; bool.", "==")
neq = _comparison("neq", "a != b, elementwise; bool.", "!=")
lt = _comparison("lt", "a < b, elementwise; bool.", "<")
le = _comparison("le", "a <= b, elementwise; bool.", "<=")
gt = _comparison("gt", "a > b, elementwise; bool.", ">")
ge = _comparison("ge", "a >= b, elementwise; bool.", ">=")


def _chosen(dtypes: Sequence[str]) -> str:
    if dtypes[0] != "bool":
        raise DTypeError(f"switch needs a bool condition; got {dtypes[0]}")
    return same(dtypes[1:])


def _switch_vjp(
    c: Variable, a: Variable, b: Variable, y: Variable, g: Variable
) -> tuple[None, Variable, Variable]:
    zero = as_tensor(0, g.dtype)
    none = same_rank([g, zero])[1]
    return None, SWITCH(c, g, none), SWITCH(c, none, g)


SWITCH = elementwise(
    "switch", arity=3,
    numpy="np.where({0}, {1}, {2})", c="({0} ? {1} : {2})",
    dtypes=_chosen, vjp=_switch_vjp,
    domain=(Domain(0, 2, integer=True), REAL, REAL),
    sample_dtypes=("bool", "float64", "float64"),
)  # fmt: skip


def switch(condition: object, a: object, b: object) -> Variable:
    """a where the condition is not 0, else b; what is not chosen has no effect."""
    return SWITCH(*same_rank([cast(condition, "bool"), *promote(a, b)]))


where = switch
