"""What is attended to: a sequence of vectors for each example, some of them padding."""

from __future__ import annotations

from typing import NamedTuple

from symseq.errors import ShapeError, UsageError
from symseq.graph import Variable
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.rearrange import repeat


class Memory(NamedTuple):
    """h̄_1 ... h̄_S of every example, and which of them are real (1, else 0).

    An encoder adds its `summary`, one vector for all of the sequence, which a decoder
    reads that does not attend.
    Shapes: values: float[S, B, H], mask: float[S, B], or None where all are real,
        summary: float[B, C].
    """

    values: Variable
    mask: Variable | None = None
    summary: Variable | None = None

    def repeat(self, k: int | Variable) -> Memory:
        """Each example k times, one after the other: for the k beams of a search.

        Shapes: values: float[S, kB, H], mask: float[S, kB], summary: float[kB, C].
        """
        mask = None if self.mask is None else repeat(self.mask, k, axis=1)
        summary = None if self.summary is None else repeat(self.summary, k, axis=0)
        return Memory(repeat(self.values, k, axis=1), mask, summary)


def check_memory(memory: object) -> None:
    """Raises: UsageError for what is no memory, ShapeError for another rank."""
    if not isinstance(memory, Memory):
        raise UsageError(
            f"attention looks at a Memory; got {type(memory).__name__}",
            hint="pass Memory(values, mask), with values[S, B, H] and mask[S, B]",
        )
    for name, part, rank in (
        ("values[S, B, H]", memory.values, 3),
        ("mask[S, B]", memory.mask, 2),
        ("summary[B, C]", memory.summary, 2),
    ):
        if part is not None and part.ndim != rank:
            raise ShapeError(f"attention reads {name}, of rank {rank}; got {part.type}")


def beside(x: Variable) -> Variable:
    """x with one more axis behind. Shapes: float[S, B], returns float[S, B, 1]."""
    return dimshuffle(x, [*range(x.ndim), "x"])
