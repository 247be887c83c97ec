"""Elementwise ops: one row each (name, NumPy and C expressions, gradient, domain)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from symseq import lengths
from symseq.errors import DTypeError, ShapeError
from symseq.graph import Arg, Held, Op, Variable
from symseq.operators import METHODS
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.registry import REGISTRY, Case, Domain, enter
from symseq.types import Array, TensorType, fits, is_static_one

# From the inputs' dtypes to the output's; raises DTypeError where they do not fit.
DTypeRule = Callable[[Sequence[str]], str]
# (x..., y, g) → one cotangent per input, in the output's (broadcast) shape, or None.
ElementwiseVjp = Callable[..., Sequence["Variable | None"]]


def same(dtypes: Sequence[str]) -> str:
    """All inputs of one dtype, which is the output's."""
    if len(set(dtypes)) != 1:
        raise DTypeError(
            f"elementwise operands must have one dtype; got {', '.join(dtypes)}"
        )
    return dtypes[0]


def same_float(dtypes: Sequence[str]) -> str:
    """As `same`, of a float dtype."""
    dtype = same(dtypes)
    if not dtype.startswith("float"):
        raise DTypeError(f"the operand must be a float; got {dtype}")
    return dtype


def boolean(dtypes: Sequence[str]) -> str:
    """Inputs of one dtype; the output is bool."""
    same(dtypes)
    return "bool"


@dataclass(frozen=True, eq=False)
class Elementwise(Op):
    """y[i] = f(x0[i], x1[i], ...) over inputs of one rank; a static 1 broadcasts.

    ``text`` is the NumPy expression with {0}, {1} for the inputs: the meaning, and what
    a plan emits. ``c`` is the same in C, with the functions' float32 forms where the
    inputs are float32. ``zero_gradient``: constant almost everywhere.
    """

    name: str
    arity: int
    text: str
    c: str
    dtypes: DTypeRule
    rule: ElementwiseVjp | None
    domains: tuple[Domain, ...]
    symbol: str = ""  # how a printout writes it: "{0} + {1}"
    function: Callable[..., Any] = field(init=False, repr=False)
    holds: Callable[..., Any] | None = None  # the same on known lengths

    def __post_init__(self) -> None:
        names = [f"x{i}" for i in range(self.arity)]
        source = f"lambda {', '.join(names)}: {self.text.format(*names)}"
        object.__setattr__(self, "function", eval(source, {"np": np}))

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        ranks = {arg.type.ndim for arg in args}
        if len(ranks) != 1:
            raise ShapeError(
                f"{self.name} needs operands of one rank; got {sorted(ranks)}"
            )
        dtype = self.dtypes([arg.type.dtype for arg in args])
        columns = zip(*(arg.type.shape for arg in args), strict=True)
        shape = [self._axis_length(k, column) for k, column in enumerate(columns)]
        return (TensorType(dtype, tuple(shape)),)

    def _axis_length(
        self, axis: int, column: Sequence[lengths.Length]
    ) -> lengths.Length:
        try:
            return reduce(lengths.broadcast, column)
        except ShapeError:
            shown = " and ".join(map(lengths.show, column))
            raise ShapeError(
                f"{self.name} needs equal lengths along axis {axis}; got {shown}",
                hint="only an axis declared of length 1 broadcasts; "
                "look for operands with swapped axes",
            ) from None

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.asarray(self.function(*inputs)),)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        if self.rule is None or not outputs[0].type.is_float:
            return (None,) * self.arity
        found = self.rule(*inputs, outputs[0], cotangents[0])
        return [
            unbroadcast(g, x) if g is not None and x.type.is_float else None
            for x, g in zip(inputs, found, strict=True)
        ]

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        full = [
            x if is_batched else dimshuffle(x, ["x", *range(x.ndim)])
            for x, is_batched in zip(inputs, batched, strict=True)
        ]
        return (self(*full),)

    def hold(self, args: Sequence[Arg]) -> tuple[Held, ...] | None:
        if self.holds is None or any(arg.held is None for arg in args):
            return None
        if any(isinstance(arg.held, tuple) for arg in args):
            columns = [
                arg.held if isinstance(arg.held, tuple) else None for arg in args
            ]
            if any(c is None or len(c) != len(columns[0] or ()) for c in columns):
                return None
            rows = zip(*(c for c in columns if c is not None), strict=True)
            return (tuple(self._held(r, args) for r in rows),)
        return (self._held([arg.held for arg in args], args),)

    def _held(self, known: Sequence[Any], args: Sequence[Arg]) -> lengths.Length:
        """The row's value for known integers; unknown where it would overflow."""
        if self.holds is None or None in known:
            return None
        length: lengths.Length = self.holds(*known)
        size = lengths.size_of(length)
        dtype = self.dtypes([arg.type.dtype for arg in args])
        return length if size is None or fits(size, dtype) else None

    def __reduce__(self) -> tuple[Any, ...]:
        return find, (self.name,)


def find(name: str) -> Op:
    """The registered op without parameters of that name (for unpickling)."""
    what = REGISTRY[name].what
    assert isinstance(what, Op)
    return what


def elementwise(
    name: str,
    *,
    arity: int,
    numpy: str,
    c: str,
    vjp: ElementwiseVjp | None,
    domain: Domain | tuple[Domain, ...],
    dtypes: DTypeRule = same,
    symbol: str = "",
    holds: Callable[..., Any] | None = None,
    sample_dtypes: tuple[str, ...] = (),
) -> Elementwise:
    """Make and register an elementwise op: a row of the table.

    ``vjp=None`` declares that no gradient flows (comparisons). ``sample_dtypes`` casts
    the samples of the tests, where a dtype rule wants it.
    """
    domains = domain if isinstance(domain, tuple) else (domain,) * arity
    op = Elementwise(name, arity, numpy, c, dtypes, vjp, domains, symbol, holds)
    shapes = [(2, 3), (1, 3), (2, 1)]

    def cases(rng: np.random.Generator) -> Iterator[Case]:
        drawn = [d.sample(rng, shapes[i % 3]) for i, d in enumerate(domains)]
        if sample_dtypes:
            drawn = [x.astype(t) for x, t in zip(drawn, sample_dtypes, strict=True)]
        yield Case(op, tuple(drawn))

    enter(name, op, cases)
    return op


def unbroadcast(g: Variable, like: Variable) -> Variable:
    """g summed over the axes along which `like` was stretched."""
    axes = [
        k
        for k, (a, b) in enumerate(zip(g.type.shape, like.type.shape, strict=True))
        if is_static_one(b) and not is_static_one(a)
    ]
    summed: Variable = METHODS["sum"](g, axis=axes, keepdims=True) if axes else g
    return summed
