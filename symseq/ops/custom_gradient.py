"""Gradients of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symseq.graph import Arg, Op, Variable
from symseq.ops.convert import as_tensor
from symseq.ops.custom import Grads, UserVjp, as_grads, vjp_by_example
from symseq.ops.registry import Case, register
from symseq.ops.shape import broadcast_leading, leading
from symseq.types import Array, TensorType


def _doubled(x: Variable) -> tuple[Variable, UserVjp]:
    return x * 1, lambda g: (g,)


def _gradient_cases(rng: np.random.Generator) -> Iterator[Case]:
    x = rng.normal(size=3)
    yield Case(CustomGradient(_doubled, 1), (x * 1, x), wrt=())


@register("custom_gradient", cases=_gradient_cases)
@dataclass(frozen=True)
class CustomGradient(Op):
    """y, whose gradient for x is the rule that fn(x) returns; inputs (*y, *x).

    `fn` is called again for the gradient, over the inputs that the node then has, so
    that it holds in copies of the graph; equal nodes merge.
    """

    fn: Callable[..., Any]
    count: int  # of outputs
    levels: tuple[tuple[bool, ...], ...] = ()  # the batched inputs, inner axis first
    name = "custom_gradient"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        return tuple(arg.type for arg in args[: self.count])

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        return inputs[: self.count]

    def vjp(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], cotangents: Grads
    ) -> Grads:
        xs = inputs[self.count :]
        if self.levels:
            inner = CustomGradient(self.fn, self.count, self.levels[:-1])
            batched = [True] * self.count + list(self.levels[-1])
            return vjp_by_example(inner, inputs, batched, outputs, cotangents)
        _, rule = self.fn(*xs)
        grads = as_grads(rule(*cotangents), xs, getattr(self.fn, "__name__", "fn"))
        return (*[None] * self.count, *grads)

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        count = leading(inputs, batched)
        ys = [
            y if is_batched else broadcast_leading(y, count)
            for y, is_batched in zip(inputs[: self.count], batched, strict=False)
        ]
        levels = (*self.levels, tuple(batched[self.count :]))
        op = CustomGradient(self.fn, self.count, levels)
        return op.make(*ys, *inputs[self.count :])


def custom_gradient(fn: Callable[..., Any]) -> Callable[..., Any]:
    """`fn`'s value with a gradient of your own: fn(x, ...) returns (value, rule).

    ``rule(g)`` takes the value's cotangent and returns one per argument, or None.
    Variables that `fn` captures receive no gradient.

    >>> import numpy as np
    >>> @custom_gradient
    ... def clipped(x):
    ...     return x * 1, lambda g: g * 0.5
    >>> clipped(np.ones(3)).type
    TensorType(dtype='float64', shape=(3,))
    """

    def apply(*values: object) -> Any:
        xs = [as_tensor(value) for value in values]
        value, _ = fn(*xs)
        single = not isinstance(value, (tuple, list))
        ys = [as_tensor(y) for y in ([value] if single else value)]
        made = CustomGradient(fn, len(ys)).make(*ys, *xs)
        return made[0] if single else made

    apply.__name__ = getattr(fn, "__name__", "custom_gradient")
    apply.__doc__ = fn.__doc__
    return apply
