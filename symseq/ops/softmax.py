"""softmax and log softmax along an axis, and the logarithm of Σ exp."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from symseq.errors import DTypeError, ShapeError
from symseq.graph import Arg, Op, Variable
from symseq.ops.cast import cast
from symseq.ops.compare import isinf, switch
from symseq.ops.convert import as_tensor
from symseq.ops.dimshuffle import pad_left
from symseq.ops.gradient_ops import disconnected_grad
from symseq.ops.math import exp, log, zeros
from symseq.ops.reduce import AxisLike, max, normal_axes, sum
from symseq.ops.registry import Case, Cases, register
from symseq.types import Array, TensorType


def _cases(name: str) -> Cases:
    def cases(rng: np.random.Generator) -> Iterator[Case]:
        for shape, axis in [((2, 3), 1), ((3, 2, 2), 0), ((4,), 0), ((2, 1), 1)]:
            yield Case(KINDS[name](axis), (rng.normal(size=shape),))

    return cases


@dataclass(frozen=True)
class Normalized(Op):
    """What softmax and log softmax share: one axis, the type of x."""

    axis: int

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        (x,) = args
        if not 0 <= self.axis < x.type.ndim:
            raise ShapeError(f"{self.name} needs axis {self.axis}; got {x.type}")
        if not x.type.is_float:
            raise DTypeError(f"{self.name} needs a float; got {x.type.dtype}")
        return (x.type,)

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        return (type(self)(self.axis + 1)(inputs[0]),)

    def __str__(self) -> str:
        return f"{self.name}(axis={self.axis})"

    def _shifted(self, x: Array) -> Array:
        shifted: Array = x - x.max(axis=self.axis, keepdims=True, initial=-np.inf)
        return shifted


@register("softmax", cases=_cases("softmax"))
@dataclass(frozen=True)
class Softmax(Normalized):
    """y = exp(x) / Σ exp(x) along `axis`; a row of only -inf is NaN."""

    name = "softmax"

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        e = np.exp(self._shifted(inputs[0]))
        return (e / e.sum(axis=self.axis, keepdims=True),)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        (y,), (g,) = outputs, cotangents
        assert g is not None
        return (y * (g - sum(g * y, axis=self.axis, keepdims=True)),)


@register("log_softmax", cases=_cases("log_softmax"))
@dataclass(frozen=True)
class LogSoftmax(Normalized):
    """y = x - log Σ exp(x) along `axis`."""

    name = "log_softmax"

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        d = self._shifted(inputs[0])
        return (d - np.log(np.exp(d).sum(axis=self.axis, keepdims=True)),)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        (y,), (g,) = outputs, cotangents
        assert g is not None
        return (g - exp(y) * sum(g, axis=self.axis, keepdims=True),)


KINDS: dict[str, type[Normalized]] = {"softmax": Softmax, "log_softmax": LogSoftmax}


def _normalized(kind: type[Normalized], x: object, axis: int | None) -> Variable:
    variable = floating(x)
    if axis is None and variable.ndim == 1:
        variable = pad_left(variable, 2)
    (axis,) = normal_axes(-1 if axis is None else axis, variable.ndim)
    return kind(axis)(variable)


def floating(x: object) -> Variable:
    """x as a float: integers become floatX."""
    variable = as_tensor(x)
    return variable if variable.type.is_float else cast(variable, "floatX")


def softmax(x: object, axis: int | None = None) -> Variable:
    """y = exp(x) / Σ exp(x) along `axis`, by default the last.

    As in Theano a vector gives a matrix of one row, unless the axis is named.
    """
    return _normalized(Softmax, x, axis)


def log_softmax(x: object, axis: int | None = None) -> Variable:
    """y = x - log Σ exp(x) along `axis`, by default the last.

    As in Theano a vector gives a matrix of one row, unless the axis is named.
    """
    return _normalized(LogSoftmax, x, axis)


logsoftmax = log_softmax


def logsumexp(x: object, axis: AxisLike = None, keepdims: bool = False) -> Variable:
    """y = log Σ exp x over `axis`, without overflow."""
    variable = floating(x)
    axes = normal_axes(axis, variable.ndim)
    shift = finite_max(variable, axes)
    total = sum(exp(variable - shift), axis=axes, keepdims=keepdims)
    back = shift if keepdims else sum(shift, axis=axes)
    return log(total) + back


def finite_max(x: Variable, axes: Sequence[int]) -> Variable:
    """max x over axes that are kept, 0 where that is infinite; without a gradient."""
    top = disconnected_grad(max(x, axis=axes, keepdims=True))
    return switch(isinf(top), zeros(top), top)
