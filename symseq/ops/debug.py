"""Print: an identity that shows its value whenever it is computed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from symseq.graph import Op, Variable
from symseq.ops.convert import as_tensor
from symseq.ops.gradient_ops import Identity
from symseq.ops.registry import Case, register
from symseq.types import Array


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(PrintOp("x", ("shape",)), (rng.normal(size=(2, 3)),))


@register("print", cases=_cases)
@dataclass(frozen=True)
class PrintOp(Identity):
    """y = x, after writing the message and x's attributes to standard output.

    ``host``: it has an effect outside the plan and runs as a step of its own.
    """

    message: str
    attributes: tuple[str, ...]
    name = "print"
    host = True

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        for attribute in self.attributes:
            value = getattr(x, attribute)
            shown = value() if callable(value) else value
            print(f"{self.message} {attribute} = {shown}", file=sys.stdout)
        return (x,)


class Print:
    """``Print("h", attrs=("shape",))(h)`` is h, printed whenever it is computed.

    ``attrs`` are attributes or methods of the array; ``__str__`` is the whole value.
    """

    def __init__(self, message: str = "", attrs: Sequence[str] = ("__str__",)) -> None:
        self.op: Op = PrintOp(message, tuple(attrs))

    def __call__(self, x: object) -> Variable:
        return self.op(as_tensor(x))
