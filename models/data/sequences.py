"""Labelled texts, and how they are split: the same way for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symseq.errors import UsageError


@dataclass(frozen=True, slots=True)
class Examples:
    """Texts, the number of each text's class, and what the classes are called.

    >>> Examples(("oui", "si"), (0, 1), ("fr", "it"))
    Examples(2 texts, 2 classes)
    """

    texts: tuple[str, ...]
    labels: tuple[int, ...]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.labels):
            raise UsageError(
                "each text needs one label; got "
                f"{len(self.texts)} texts and {len(self.labels)} labels"
            )

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        return f"Examples({len(self)} texts, {len(self.classes)} classes)"

    def take(self, rows: Sequence[int]) -> Examples:
        """The examples at `rows`, in that order."""
        texts = tuple(self.texts[row] for row in rows)
        return Examples(texts, tuple(self.labels[row] for row in rows), self.classes)


def split(examples: Examples, *shares: float, seed: int = 0) -> tuple[Examples, ...]:
    """Disjoint parts of `examples`, one per share, drawn without order.

    The last part takes what rounding leaves when the shares make up the whole.

    Raises: UsageError where the shares are negative or sum to more than 1.

    >>> whole = Examples(tuple("abcdefghij"), (0,) * 10, ("letter",))
    >>> [len(part) for part in split(whole, 0.8, 0.1, 0.1)]
    [8, 1, 1]
    """
    if any(share < 0 for share in shares) or sum(shares) > 1 + 1e-9:
        raise UsageError(
            f"shares must be at least 0 and sum to at most 1; got {shares}"
        )
    order = np.random.default_rng(seed).permutation(len(examples)).tolist()
    ends = [round(len(examples) * sum(shares[: k + 1])) for k in range(len(shares))]
    starts = [0, *ends[:-1]]
    return tuple(
        examples.take(order[start:end]) for start, end in zip(starts, ends, strict=True)
    )
