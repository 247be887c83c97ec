"""What a compiled search answers to many sources, and where a model looked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from symseq.types import Array

from ..data import Pairs


def answers(
    find: Callable[[Array, Array], Array], pairs: Pairs, end: int
) -> list[Array]:
    """The sequence that was found for each source, in their order, without its marks.

    Shapes: find: (int[S, B], float[S, B]) → int[T, B].
    """
    found: dict[int, Array] = {}
    for rows, batch in zip(pairs.rows(0), pairs.epoch(0), strict=True):
        tokens = find(batch.source, batch.source_mask)
        found |= zip(rows.tolist(), before_end(tokens.T, end), strict=True)
    return [found[row] for row in range(len(pairs.sources))]


def before_end(sequences: Iterable[Array], end: int) -> Iterator[Array]:
    """Each sequence up to its end mark, which is left out; whole where it has none.

    >>> import numpy as np
    >>> [s.tolist() for s in before_end(np.array([[5, 3, 0], [5, 6, 7]]), end=3)]
    [[5], [5, 6, 7]]
    """
    for sequence in sequences:
        ends = (sequence == end).nonzero()[0]
        yield sequence[: ends[0]] if len(ends) else sequence
