"""Minibatches of sequences: padded, masked, bucketed, in an order set by a seed.

What `train.fit` needs of them is `Minibatches`: an epoch is an iterator of tuples of
arrays, the arguments of a step, and the same for the same seed and number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from symseq.config import config
from symseq.errors import UsageError
from symseq.types import Array

from .sequences import Examples
from .vocabulary import Tokenizer, Vocabulary


class Minibatches(Protocol):
    """What a training goes through, epoch by epoch."""

    def __len__(self) -> int:
        """How many batches an epoch has."""

    def epoch(self, epoch: int) -> Iterator[tuple[Array, ...]]:
        """The batches of epoch number `epoch`: the arguments of each step."""

    @property
    def identity(self) -> dict[str, Any]:
        """What must be the same for a training to be resumed."""


class Batch(NamedTuple):
    """Padded sequences, where they are real, and their labels."""

    x: Array  # int32[T, B], time first
    mask: Array  # floatX[T, B], 1 where x is real
    labels: Array  # int32[B]


def pad(sequences: Sequence[Array], value: int = 0) -> Array:
    """Sequences as columns, filled up at the end with `value`.

    Returns: int32[T, B], where T is the longest length (0 for no sequences).

    >>> pad([np.array([1, 2]), np.array([3])]).T.tolist()
    [[1, 2], [3, 0]]
    """
    longest = max(map(len, sequences), default=0)
    padded = np.full((longest, len(sequences)), value, "int32")
    for column, sequence in enumerate(sequences):
        padded[: len(sequence), column] = sequence
    return padded


def mask_of(lengths: Sequence[int], longest: int | None = None) -> Array:
    """1 where t < length, else 0. Returns: floatX[T, B].

    >>> mask_of([2, 1]).T.tolist()
    [[1.0, 1.0], [1.0, 0.0]]
    """
    if longest is None:
        longest = max(lengths, default=0)
    real = np.arange(longest)[:, None] < np.asarray(lengths, "int64")[None, :]
    return real.astype(config.floatX)


def rows_of_batches(
    lengths: Array, size: int, epoch: int, *, seed: int | None, bucket: int
) -> list[Array]:
    """Which sequences each batch of an epoch holds, those of like length together.

    Each stretch of ``bucket`` batches, in an order drawn for the epoch, is sorted by
    length and cut in batches, whose order is drawn again; ``seed=None`` draws nothing.
    Shapes: lengths: int[N]; returns arrays int[at most size].
    """
    rng = None if seed is None else np.random.default_rng([seed, epoch])
    count = len(lengths)
    order = np.arange(count) if rng is None else rng.permutation(count)
    batches: list[Array] = []
    for start in range(0, count, size * bucket):
        stretch = order[start : start + size * bucket]
        near = stretch[np.argsort(lengths[stretch], kind="stable")]
        batches += [near[k : k + size] for k in range(0, len(near), size)]
    if rng is None:
        return batches
    return [batches[k] for k in rng.permutation(len(batches))]


def check_sizes(**counts: int | None) -> None:
    """Raises: UsageError for a count, such as size=0, that is no int of at least 1."""
    for name, count in counts.items():
        if count is not None and not (
            isinstance(count, (int, np.integer)) and count > 0
        ):
            raise UsageError(f"`{name}` is an int of at least 1; got {count}")


@dataclass(frozen=True)
class Batches:
    """Minibatches of `size` sequences; ``epoch(k)`` is the same for one seed and k.

    Sequences of like length meet in one batch, so that little is padding: each stretch
    of ``bucket`` batches is sorted by length. With ``seed=None`` the order is fixed.
    Sequences longer than ``longest`` are cut at their end. With ``window`` each epoch
    shows of each sequence so many tokens in a row, from a place drawn anew.

    >>> tens = Batches([np.arange(n) for n in (3, 1, 2)], [0, 1, 0], size=2, seed=None)
    >>> [batch.x.shape for batch in tens.epoch(0)]
    [(2, 2), (3, 1)]
    """

    sequences: Sequence[Array]
    labels: Sequence[int]
    size: int
    seed: int | None = 0
    bucket: int = 20
    longest: int | None = None
    window: int | None = None

    def __post_init__(self) -> None:
        check_sizes(
            size=self.size, bucket=self.bucket,
            longest=self.longest, window=self.window,
        )  # fmt: skip
        if len(self.sequences) != len(self.labels):
            raise UsageError(
                "each sequence needs one label; got "
                f"{len(self.sequences)} sequences and {len(self.labels)} labels"
            )

    @classmethod
    def of(
        cls,
        examples: Examples,
        known: Vocabulary,
        cut: Tokenizer,
        size: int,
        **options: Any,
    ) -> Batches:
        """Batches of texts, as the numbers that `known` gives the tokens of `cut`."""
        numbered = [known.encode(cut(text)) for text in examples.texts]
        return cls(numbered, examples.labels, size, **options)

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self.sequences) // self.size)

    @property
    def identity(self) -> dict[str, Any]:
        """What must be the same for a training to be resumed."""
        names = ("size", "seed", "bucket", "longest", "window")
        own = {name: getattr(self, name) for name in names}
        return {"sequences": len(self.sequences)} | own

    def rows(self, epoch: int) -> list[Array]:
        """Which sequences each batch of that epoch holds."""
        lengths = np.array([len(sequence) for sequence in self.sequences], "int64")
        return rows_of_batches(
            lengths, self.size, epoch, seed=self.seed, bucket=self.bucket
        )

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of epoch number `epoch`."""
        for rows in self.rows(epoch):
            cut = [self._part(int(row), epoch) for row in rows]
            labels = np.array([self.labels[row] for row in rows], "int32")
            yield Batch(pad(cut), mask_of([len(sequence) for sequence in cut]), labels)

    def _part(self, row: int, epoch: int) -> Array:
        """What this epoch shows of a sequence."""
        whole = self.sequences[row][: self.longest]
        if self.window is None or len(whole) <= self.window:
            return whole
        rng = np.random.default_rng([self.seed or 0, epoch, row])
        start = rng.integers(len(whole) - self.window + 1)
        return whole[start : start + self.window]
