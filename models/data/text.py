"""One long text in minibatches that go on where the last ones ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from symseq.types import Array

from .batches import check_sizes


class TextBatch(NamedTuple):
    """Tokens, and beside each the one that follows it."""

    x: Array  # int32[T, B], time first
    following: Array  # int32[T, B]


@dataclass(frozen=True)
class TextBatches:
    """`size` equal stretches of a text side by side, `steps` tokens at a time.

    Column b of a batch goes on where column b of the batch before ended, so that a
    model may carry its state along; it begins anew with each epoch. What is left at the
    end of the text, less than a stretch, is not shown.
    Shapes: tokens: int[N].

    >>> import numpy as np
    >>> text = TextBatches(np.arange(9), size=2, steps=3)
    >>> [batch.x.T.tolist() for batch in text.epoch(0)]
    [[[0, 1, 2], [4, 5, 6]], [[3], [7]]]
    """

    tokens: Array
    size: int
    steps: int

    def __post_init__(self) -> None:
        check_sizes(size=self.size, steps=self.steps)

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return -(-self._stretch // self.steps)

    @property
    def _stretch(self) -> int:
        return max(len(self.tokens) - 1, 0) // self.size

    @property
    def identity(self) -> dict[str, Any]:
        """What must be the same for a training to be resumed."""
        return {"tokens": len(self.tokens), "size": self.size, "steps": self.steps}

    def epoch(self, epoch: int) -> Iterator[TextBatch]:
        """The batches, the same in every epoch."""
        long = self._stretch
        now = self.tokens[: long * self.size].reshape(self.size, long).T
        then = self.tokens[1 : long * self.size + 1].reshape(self.size, long).T
        for start in range(0, long, self.steps):
            part = slice(start, start + self.steps)
            yield TextBatch(now[part].astype("int32"), then[part].astype("int32"))
