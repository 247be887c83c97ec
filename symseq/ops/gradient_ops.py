"""Identities that change what a gradient does on its way back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Arg, Held, Op, Variable, no_gradient
from symseq.ops.convert import as_tensor
from symseq.ops.math import clip, mul, zeros
from symseq.ops.registry import Case, Cases, register
from symseq.types import Array, TensorType


@dataclass(frozen=True)
class Identity(Op):
    """y = x; subclasses say what happens to the cotangent."""

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        return (args[0].type,)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0],)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        (x,), (g,) = inputs, cotangents
        return (self.change(g) if g is not None and x.type.is_float else None,)

    def change(self, g: Variable) -> Variable:
        """What the input receives for the output's cotangent."""
        return g

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        return self.make(*inputs)

    def hold(self, args: Sequence[Arg]) -> tuple[Held, ...] | None:
        return (args[0].held,)


def _cases(name: str) -> Cases:
    def cases(rng: np.random.Generator) -> Iterator[Case]:
        # The gradient is another than the identity's, on purpose: no differences.
        yield Case(EXAMPLES[name], (rng.normal(size=(2, 3)),), wrt=())

    return cases


@register("disconnected_grad", cases=_cases("disconnected_grad"))
@dataclass(frozen=True)
class DisconnectedGrad(Identity):
    """y = x, constant to a gradient and disconnected from x."""

    name = "disconnected_grad"
    vjp = no_gradient


@register("zero_grad", cases=_cases("zero_grad"))
@dataclass(frozen=True)
class ZeroGrad(Identity):
    """y = x, whose gradient is zero but connected."""

    name = "zero_grad"

    def change(self, g: Variable) -> Variable:
        return zeros(g)


@register("grad_clip", cases=_cases("grad_clip"))
@dataclass(frozen=True)
class GradClip(Identity):
    """y = x, whose gradient is clipped elementwise to [low, high]."""

    low: float
    high: float
    name = "grad_clip"

    def change(self, g: Variable) -> Variable:
        return clip(g, self.low, self.high)


@register("grad_scale", cases=_cases("grad_scale"))
@dataclass(frozen=True)
class GradScale(Identity):
    """y = x, whose gradient is multiplied by `factor`."""

    factor: float
    name = "grad_scale"

    def change(self, g: Variable) -> Variable:
        return mul(g, self.factor)


EXAMPLES: dict[str, Op] = {
    "disconnected_grad": DisconnectedGrad(),
    "zero_grad": ZeroGrad(),
    "grad_clip": GradClip(-1.0, 1.0),
    "grad_scale": GradScale(0.5),
}


def disconnected_grad(x: object) -> Variable:
    """x as a constant to every gradient; a cost of only this is disconnected from x."""
    return DisconnectedGrad()(as_tensor(x))


def zero_grad(x: object) -> Variable:
    """x, whose gradient is zero (and connected)."""
    return ZeroGrad()(as_tensor(x))


consider_constant = zero_grad


def grad_clip(x: object, lower_bound: float, upper_bound: float) -> Variable:
    """x, whose gradient is clipped elementwise to [lower_bound, upper_bound].

    Raises: UsageError where the bounds are crossed.
    """
    if not lower_bound <= upper_bound:
        raise UsageError(
            f"grad_clip needs lower <= upper; got {lower_bound} and {upper_bound}"
        )
    return GradClip(float(lower_bound), float(upper_bound))(as_tensor(x))


def grad_scale(x: object, multiplier: float) -> Variable:
    """x, whose gradient is multiplied by `multiplier`."""
    return GradScale(float(multiplier))(as_tensor(x))
