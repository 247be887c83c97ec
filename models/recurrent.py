"""A cell run over time, with a mask that carries the state through padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic

from symseq.graph import Variable
from symseq.ops.shape import specify_shape
from symseq.scan.frontend import scan

from .cells import Cell, State
from .module import Module


class Recurrent(Module, Generic[State]):
    """h_t = cell(x_t, h_{t-1}) where the mask is 1, h_{t-1} where it is 0.

    Shapes: x: float[T, B, D], mask: float[T, B], outputs: float[T, B, H].
    """

    def __init__(self, cell: Cell[State], *, reverse: bool = False) -> None:
        self.cell = cell
        self.reverse = reverse

    def __call__(
        self,
        x: Variable,
        mask: Variable | None = None,
        initial: State | None = None,
    ) -> Variable:
        """The output of every step, in the order of `x`."""
        return self.run(x, mask, initial)[0]

    def run(
        self,
        x: Variable,
        mask: Variable | None = None,
        initial: State | None = None,
    ) -> tuple[Variable, State]:
        """The output of every step, and the state after the last one."""
        start = self.cell.initial(x.shape[1]) if initial is None else initial
        if mask is not None:  # a shorter one would end the loop with its last row
            mask = specify_shape(mask, (x.shape[0], x.shape[1]))
        kind, shown = type(start), self.cell.shown

        def step(*now: Variable) -> list[Variable]:
            z, *old = now
            m = None if mask is None else old.pop(0)[:, None]
            output, new = self.cell.step(z, _make(kind, old))
            if m is not None:
                new = _make(
                    kind, [m * n + (1 - m) * o for n, o in zip(new, old, strict=True)]
                )
            for name, variable in zip(getattr(kind, "_fields", ()), new, strict=False):
                variable.name = variable.name or name  # as pictures and plans show it
            return [*new, output] if shown is None else [*new]

        histories, _ = scan(
            step,
            sequences=[self.cell.project(x)] + ([] if mask is None else [mask]),
            outputs_info=[*start] + ([None] if shown is None else []),
            go_backwards=self.reverse,
            return_list=True,
            name="recurrent",
        )
        outputs = histories[-1 if shown is None else shown]
        last = _make(kind, [history[-1] for history in histories[: len(start)]])
        return (outputs[::-1] if self.reverse else outputs), last


def _make(kind: type[State], parts: Sequence[Variable]) -> State:
    """A state of the same kind (a named tuple, or a plain one) from its parts."""
    make: Callable[..., State] = getattr(kind, "_make", kind)
    return make(parts)
