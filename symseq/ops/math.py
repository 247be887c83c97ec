"""Arithmetic: sums, products, powers, roots, exponentials and logarithms."""

from __future__ import annotations

import math

from symseq import lengths
from symseq.errors import DTypeError
from symseq.graph import Constant, Variable
from symseq.lengths import Length, size_of
from symseq.ops.compare import eq, ge, gt, le, lt, switch
from symseq.ops.convert import as_tensor, promote
from symseq.ops.lift import Lifted, lifted, meet
from symseq.ops.registry import POSITIVE, REAL, Domain

NONZERO = Domain(-3, 3, away_from=(0.0,))
LOG_2, LOG_10 = math.log(2), math.log(10)

add = lifted(
    "add", "a + b + ...", arity=2, n_ary=True, promotion="number",
    numpy="{0} + {1}", c="({0} + {1})", symbol="{0} + {1}",
    vjp=lambda a, b, y, g: (g, g),
    domain=REAL, holds=lengths.add,
)  # fmt: skip

sub = lifted(
    "sub", "a - b", arity=2, promotion="number",
    numpy="{0} - {1}", c="({0} - {1})", symbol="{0} - {1}",
    vjp=lambda a, b, y, g: (g, -g),
    domain=REAL, holds=lengths.subtract,
)  # fmt: skip

mul = lifted(
    "mul", "a * b * ...", arity=2, n_ary=True, promotion="number",
    numpy="{0} * {1}", c="({0} * {1})", symbol="{0} * {1}",
    vjp=lambda a, b, y, g: (g * b, g * a),
    domain=REAL, holds=lengths.multiply,
)  # fmt: skip

true_div = lifted(
    "true_div", "a / b; integers become floatX.", arity=2,
    numpy="{0} / {1}", c="({0} / {1})", symbol="{0} / {1}",
    vjp=lambda a, b, y, g: (g / b, -(g * y / b)),
    domain=(REAL, POSITIVE),
)  # fmt: skip

neg = lifted(
    "neg", "-x", promotion="number",
    numpy="-{0}", c="(-{0})", symbol="-{0}",
    vjp=lambda x, y, g: (-g,),
    domain=REAL, holds=lambda n: lengths.subtract(0, n),
)  # fmt: skip

inv = lifted(
    "inv", "1 / x",
    numpy="1 / {0}", c="(1 / {0})", symbol="1 / {0}",
    vjp=lambda x, y, g: (-(g * y * y),),
    domain=POSITIVE,
)  # fmt: skip

sgn = lifted(
    "sgn", "-1, 0 or 1: the sign of x; its gradient is zero.", promotion="number",
    numpy="np.sign({0})", c="sgn({0})",
    vjp=lambda x, y, g: (zeros(g),),
    domain=NONZERO,
)  # fmt: skip

abs_ = lifted(
    "abs", "|x|", promotion="number",
    numpy="np.abs({0})", c="({0} < 0 ? -{0} : {0})", symbol="|{0}|",
    vjp=lambda x, y, g: (g * sgn(x),),
    domain=NONZERO,
)  # fmt: skip

sqr = lifted(
    "sqr", "x * x", promotion="number",
    numpy="{0} * {0}", c="({0} * {0})", symbol="{0} ** 2",
    vjp=lambda x, y, g: (g * (2 * x),),
    domain=REAL,
)  # fmt: skip

sqrt = lifted(
    "sqrt", "The square root of x.",
    numpy="np.sqrt({0})", c="sqrt({0})",
    vjp=lambda x, y, g: (g / (2 * y),),
    domain=POSITIVE,
)  # fmt: skip

exp = lifted(
    "exp", "e to the power x.",
    numpy="np.exp({0})", c="exp({0})",
    vjp=lambda x, y, g: (g * y,),
    domain=REAL,
)  # fmt: skip

expm1 = lifted(
    "expm1", "exp(x) - 1, exact near 0.",
    numpy="np.expm1({0})", c="expm1({0})",
    vjp=lambda x, y, g: (g * (y + 1),),
    domain=REAL,
)  # fmt: skip

exp2 = lifted(
    "exp2", "2 to the power x.",
    numpy="np.exp2({0})", c="exp2({0})",
    vjp=lambda x, y, g: (g * (y * LOG_2),),
    domain=REAL,
)  # fmt: skip

log = lifted(
    "log", "The natural logarithm of x.",
    numpy="np.log({0})", c="log({0})",
    vjp=lambda x, y, g: (g / x,),
    domain=POSITIVE,
)  # fmt: skip

log1p = lifted(
    "log1p", "log(1 + x), exact near 0.",
    numpy="np.log1p({0})", c="log1p({0})",
    vjp=lambda x, y, g: (g / (1 + x),),
    domain=POSITIVE,
)  # fmt: skip

log2 = lifted(
    "log2", "The logarithm of x to base 2.",
    numpy="np.log2({0})", c="log2({0})",
    vjp=lambda x, y, g: (g / (x * LOG_2),),
    domain=POSITIVE,
)  # fmt: skip

log10 = lifted(
    "log10", "The logarithm of x to base 10.",
    numpy="np.log10({0})", c="log10({0})",
    vjp=lambda x, y, g: (g / (x * LOG_10),),
    domain=POSITIVE,
)  # fmt: skip

tanh = lifted(
    "tanh", "The hyperbolic tangent of x.",
    numpy="np.tanh({0})", c="tanh({0})",
    vjp=lambda x, y, g: (g * (1 - y * y),),
    domain=REAL,
)  # fmt: skip

sigmoid = lifted(
    "sigmoid", "1 / (1 + exp(-x))",
    numpy="1 / (1 + np.exp(-{0}))", c="(1 / (1 + exp(-{0})))",
    vjp=lambda x, y, g: (g * (y * (1 - y)),),
    domain=REAL,
)  # fmt: skip

sigmoid_minus = lifted(
    "sigmoid_minus", "1 / (1 + exp(x)), the sigmoid of -x.",
    numpy="1 / (1 + np.exp({0}))", c="(1 / (1 + exp({0})))",
    vjp=lambda x, y, g: (g * (y * (y - 1)),),
    domain=REAL,
)  # fmt: skip


def _longer(a: Length, b: Length) -> Length:
    """The larger of two lengths: known where both are, or are the same."""
    m, n = size_of(a), size_of(b)
    if a == b:
        return a
    return None if m is None or n is None else (a if m >= n else b)


def _shorter(a: Length, b: Length) -> Length:
    """The smaller of two lengths: known where both are, or are the same."""
    longer = _longer(a, b)
    return None if longer is None else (b if longer is a else a)


def _share(a: Variable, b: Variable, g: Variable, loses: Lifted) -> Variable:
    """What of g reaches an operand that gets nothing where it loses."""
    return switch(loses(a, b), zeros(g), switch(eq(a, b), g * 0.5, g))


# Where both are equal each gets half, as in PyTorch and JAX; a NaN passes to both.
maximum = lifted(
    "maximum", "The larger of a and b; NaN where either is NaN.", arity=2, n_ary=True,
    promotion="any", numpy="np.maximum({0}, {1})",
    c="({0} > {1} || {0} != {0} ? {0} : {1})",
    vjp=lambda a, b, y, g: (_share(a, b, g, lt), _share(b, a, g, lt)),
    domain=(NONZERO, Domain(-0.02, 0.02)), holds=_longer,
)  # fmt: skip

minimum = lifted(
    "minimum", "The smaller of a and b; NaN where either is NaN.", arity=2, n_ary=True,
    promotion="any", numpy="np.minimum({0}, {1})",
    c="({0} < {1} || {0} != {0} ? {0} : {1})",
    vjp=lambda a, b, y, g: (_share(a, b, g, gt), _share(b, a, g, gt)),
    domain=(NONZERO, Domain(-0.02, 0.02)), holds=_shorter,
)  # fmt: skip


def _clip_vjp(
    x: Variable, low: Variable, high: Variable, y: Variable, g: Variable
) -> tuple[Variable, Variable, Variable]:
    none = zeros(g)
    inside = switch(ge(x, low), switch(le(x, high), g, none), none)
    return inside, switch(lt(x, low), g, none), switch(gt(x, high), g, none)


clip = lifted(
    "clip", "x where low <= x <= high, else the bound that it passed.", arity=3,
    promotion="any", keywords=("x", "min", "max"),
    numpy="np.minimum(np.maximum({0}, {1}), {2})",
    c="clip_to({0}, {1}, {2})",
    vjp=_clip_vjp,
    domain=(
        Domain(-3, 3, away_from=(-1.0, 1.0)), Domain(-1.02, -0.98), Domain(0.98, 1.02)
    ),
)  # fmt: skip

_pow = lifted(
    "pow", "a to the power b", arity=2, promotion="number",
    numpy="np.power({0}, {1})", c="power({0}, {1})", symbol="{0} ** {1}",
    vjp=lambda a, b, y, g: _pow_vjp(a, b, y, g),
    domain=POSITIVE,
)  # fmt: skip

# Its value is that of b, its shape that of both: what a gradient of a sum is made of.
fill = lifted(
    "fill", "b stretched to the shape of a and b (Theano's second).", arity=2,
    promotion="any", numpy="np.where(True, {1}, {0})", c="{1}",
    vjp=lambda a, b, y, g: (None, g),
    domain=REAL,
)  # fmt: skip


def zeros(x: Variable) -> Variable:
    """Zeros like x, whatever x holds."""
    return fill(x, 0)


def pow(a: object, b: object) -> Variable:
    """a ** b; integers stay integers (and want exponents of at least 0).

    The gradient at a = 0 is that of the limit: 0 where b = 0 or b > 1.
    """
    if not isinstance(b, Variable) and isinstance(b, (int, float)) and b == 2:
        return sqr(a if isinstance(b, int) else meet((a, b), "number")[0])
    if isinstance(b, int) and b < 0 and not as_tensor(a).type.is_float:
        raise DTypeError(
            f"an integer has no power of {b} among the integers; got {a}",
            hint="make it a float first: x.astype('floatX')",
        )
    return _pow(a, b)


def _pow_vjp(
    a: Variable, b: Variable, y: Variable, g: Variable
) -> tuple[Variable, Variable | None]:
    slope = switch(eq(b, 0), zeros(y), b * _pow(a, b - 1))
    if isinstance(_core(b), Constant):
        return g * slope, None
    return g * slope, g * switch(eq(a, 0), zeros(y), y * log(a))


def _core(x: Variable) -> Variable:
    """x behind its views of rank (a padded number is still that number)."""
    while x.owner is not None and x.owner.op.name == "dimshuffle":
        x = x.owner.inputs[0]
    return x


def square(x: object) -> Variable:
    """x * x"""
    return sqr(x)


def identity(x: object) -> Variable:
    """x as a variable."""
    return as_tensor(x)


def second(a: object, b: object) -> Variable:
    """b stretched to the shape of a and b (Theano's name of `fill`)."""
    x, y = promote(a, b)
    return fill(x, y)
