"""Minibatches of pairs: a sequence to read and a sequence to write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from symseq.errors import UsageError
from symseq.types import Array

from .batches import check_sizes, mask_of, pad, rows_of_batches


class PairBatch(NamedTuple):
    """Sources and targets, padded; a target has its start and its end mark."""

    source: Array  # int32[S, B], time first
    source_mask: Array  # floatX[S, B], 1 where source is real
    target: Array  # int32[T, B]
    target_mask: Array  # floatX[T, B]


@dataclass(frozen=True)
class Pairs:
    """Minibatches of `size` pairs; ``epoch(k)`` is the same for one seed and k.

    Pairs of like length meet in one batch: of sources, then of targets. The order is
    that of `Batches`; with ``seed=None`` it is fixed.

    >>> pairs = Pairs([np.array([5])], [np.array([2, 6, 3])], size=4)
    >>> next(pairs.epoch(0)).target.T.tolist()
    [[2, 6, 3]]
    """

    sources: Sequence[Array]
    targets: Sequence[Array]
    size: int
    seed: int | None = 0
    bucket: int = 20

    def __post_init__(self) -> None:
        check_sizes(size=self.size, bucket=self.bucket)
        if len(self.sources) != len(self.targets):
            raise UsageError(
                "each source needs one target; got "
                f"{len(self.sources)} sources and {len(self.targets)} targets"
            )

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self.sources) // self.size)

    @property
    def identity(self) -> dict[str, Any]:
        """What must be the same for a training to be resumed."""
        own = {name: getattr(self, name) for name in ("size", "seed", "bucket")}
        return {"pairs": len(self.sources)} | own

    def rows(self, epoch: int) -> list[Array]:
        """Which pairs each batch of that epoch holds."""
        longest = 1 + max(map(len, self.targets), default=0)
        lengths = [
            len(source) * longest + len(target)
            for source, target in zip(self.sources, self.targets, strict=True)
        ]
        return rows_of_batches(
            np.array(lengths, "int64"),
            self.size,
            epoch,
            seed=self.seed,
            bucket=self.bucket,
        )

    def epoch(self, epoch: int) -> Iterator[PairBatch]:
        """The batches of epoch number `epoch`."""
        for rows in self.rows(epoch):
            sources = [self.sources[row] for row in rows]
            targets = [self.targets[row] for row in rows]
            yield PairBatch(
                pad(sources),
                mask_of([len(source) for source in sources]),
                pad(targets),
                mask_of([len(target) for target in targets]),
            )
