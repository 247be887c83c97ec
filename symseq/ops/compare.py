"""Comparisons, logic and selection."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symseq.errors import DTypeError
from symseq.graph import Variable
from symseq.ops.cast import cast
from symseq.ops.convert import as_tensor, promote, same_rank
from symseq.ops.elementwise import boolean, elementwise, same
from symseq.ops.lift import Lifted, lifted
from symseq.ops.registry import INTEGER, REAL, Domain
from symseq.types import is_float


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


def _test(name: str, doc: str, numpy: str, c: str) -> Lifted:
    return lifted(
        name, doc, promotion="any", numpy=numpy, c=c, dtypes=boolean, vjp=None,
        domain=REAL,
    )  # fmt: skip


isnan = _test("isnan", "Whether x is NaN.", "np.isnan({0})", "({0} != {0})")
isinf = _test(
    "isinf", "Whether x is inf or -inf.", "np.isinf({0})",
    "({0} == {0} && {0} - {0} != {0} - {0})",
)  # fmt: skip
isfinite = _test(
    "isfinite", "Whether x is neither infinite nor NaN.", "np.isfinite({0})",
    "({0} - {0} == {0} - {0})",
)  # fmt: skip


def _whole(dtypes: Sequence[str]) -> str:
    dtype = same(dtypes)
    if is_float(dtype):
        raise DTypeError(
            f"a bitwise operation needs integers or bools; got {dtype}",
            hint="compare first, as in (x > 0) & (y > 0)",
        )
    return dtype


def _bitwise(name: str, doc: str, symbol: str) -> Lifted:
    text = f"{{0}} {symbol} {{1}}"
    return lifted(
        name, doc, arity=2, n_ary=True, promotion="any", numpy=text, c=f"({text})",
        symbol=text, dtypes=_whole, vjp=None, domain=INTEGER,
    )  # fmt: skip


and_ = _bitwise("and", "a & b: logical on bools, bitwise on integers.", "&")
or_ = _bitwise("or", "a | b: logical on bools, bitwise on integers.", "|")
xor = _bitwise("xor", "a ^ b: logical on bools, bitwise on integers.", "^")
invert = lifted(
    "invert", "~x: logical on bools, bitwise on integers.", promotion="any",
    numpy="~{0}", c="bit_not({0})", symbol="~{0}", dtypes=_whole, vjp=None,
    domain=INTEGER,
)  # fmt: skip
bitwise_and, bitwise_or, bitwise_xor, bitwise_not = and_, or_, xor, invert


def _logical(name: str, doc: str, function: Lifted) -> Callable[..., Variable]:
    def logical(*values: object) -> Variable:
        return function(*(cast(value, "bool") for value in values))

    logical.__name__ = logical.__qualname__ = name
    logical.__doc__ = doc
    return logical


logical_and = _logical("logical_and", "Whether a and b are both not 0.", and_)
logical_or = _logical("logical_or", "Whether a or b is not 0.", or_)
logical_not = _logical("logical_not", "Whether x is 0.", invert)


def isclose(
    a: object,
    b: object,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    equal_nan: bool = False,
) -> Variable:
    """|a - b| <= atol + rtol |b|, elementwise; infinities are close to themselves."""
    a, b = promote(a, b, floating=True)
    distance, size = switch(lt(a, b), b - a, a - b), switch(lt(b, 0), -b, b)
    near = le(distance, size * rtol + atol) & isfinite(b) | eq(a, b)
    return near | (isnan(a) & isnan(b)) if equal_nan else near


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


def switch(cond: object, ift: object, iff: object) -> Variable:
    """ift where cond is not 0, else iff; what is not chosen has no effect."""
    return SWITCH(*same_rank([cast(cond, "bool"), *promote(ift, iff)]))


where = switch
