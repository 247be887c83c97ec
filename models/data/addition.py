"""Digit addition as text: "45+7" → "52"."""

from __future__ import annotations

import numpy as np

from symseq.errors import UsageError

Sums = list[tuple[str, str]]


def sums(*counts: int, digits: int = 3, seed: int = 0) -> tuple[Sums, ...]:
    """Disjoint lists of `counts` questions and answers, of numbers of up to `digits`.

    No two numbers that meet in one list meet in another, in either order.

    Raises: UsageError for more questions than there are pairs of numbers.

    >>> sums(2, 1, seed=1)
    ([('715+196', '911'), ('501+687', '1188')], [('815+868', '1683')])
    """
    if not isinstance(digits, int):
        raise UsageError(f"digits are an int; got {digits!r}")
    largest = 10**digits
    pairs = largest * (largest + 1) // 2
    if digits < 1 or min(counts, default=0) < 0 or sum(counts) > pairs:
        raise UsageError(
            f"numbers of {digits} digits make {pairs} pairs; got counts {counts}"
        )
    rng = np.random.default_rng(seed)
    drawn = rng.choice(pairs, sum(counts), replace=False)
    # Pair number n is (a, b), b <= a, of the triangle whose row a begins at a(a+1)/2.
    a = (np.sqrt(8 * drawn.astype("float64") + 1).astype("int64") - 1) // 2
    b = drawn - a * (a + 1) // 2
    swapped = rng.random(len(drawn)) < 0.5
    first, second = np.where(swapped, b, a), np.where(swapped, a, b)
    made = [(f"{x}+{y}", f"{x + y}") for x, y in zip(first, second, strict=True)]
    ends = np.cumsum(counts)
    return tuple(made[end - n : end] for end, n in zip(ends, counts, strict=True))
