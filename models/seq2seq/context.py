"""The plain decoder: all that it knows of the source is one vector."""

from __future__ import annotations

from typing import Any

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.lengths import Dim, size_of
from symseq.ops.join import concatenate
from symseq.random.streams import RandomStreams

from ..attention.memory import Memory, check_memory
from ..cells.cell import Cell, check_cell
from ..module import Module


class ContextDecoder(Module):
    """s_t = cell([y_{t-1}; c], s_{t-1}): the summary c of a memory at every step.

    Output and state: the cell's.
    Shapes: y: float[B, D], c: float[B, C], output: float[B, H]. The cell reads D + C
        columns; `summary` is C.
    Raises: UsageError for a cell that reads other columns.
    Reference: Cho et al. 2014, section 2.2: h_t = f(h_{t-1}, y_{t-1}, c).
    """

    def __init__(self, cell: Cell[Any], inputs: int | Dim, summary: int | Dim) -> None:
        check_cell(cell)
        if size_of(cell.inputs) != size_of(inputs + summary):
            raise UsageError(
                f"the decoder's cell must read {inputs} + {summary} columns; "
                f"it reads {cell.inputs}"
            )
        self.cell, self.inputs, self.outputs = cell, inputs, cell.outputs

    def over(self, memory: Memory) -> Conditioned:
        """The cell that reads the memory's summary, for `Recurrent` or for a search.

        Raises: UsageError for a memory without one.
        """
        check_memory(memory)
        if memory.summary is None:
            raise UsageError(
                "a decoder that does not attend needs a memory with a summary",
                hint="pass Memory(values, mask, summary), as an encoder gives it",
            )
        return Conditioned(self.cell, memory.summary, self.inputs)


class Conditioned(Cell[Any]):
    """cell([x_t; c], s_{t-1}): a cell that reads one vector beside each input.

    Shapes: x: float[B, D], c: float[B, C].
    """

    def __init__(self, cell: Cell[Any], c: Variable, inputs: int | Dim) -> None:
        self.cell, self.c = cell, c
        self.inputs, self.outputs, self.widths = inputs, cell.outputs, cell.widths

    def __call__(self, x: Variable, state: Any) -> tuple[Variable, Any]:
        return self.cell(concatenate([x, self.c], axis=-1), state)

    def initial(self, batch: Variable | int, inner: Any = None) -> Any:
        """The cell's first state: its own, or `inner`."""
        return self.cell.initial(batch) if inner is None else inner

    def training(self, streams: RandomStreams, batch: Variable | int) -> Conditioned:
        """The cell as it is in training, with the same c."""
        return Conditioned(self.cell.training(streams, batch), self.c, self.inputs)
