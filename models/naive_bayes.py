"""Naive Bayes on character n-grams: the baseline that a text classifier must beat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from symseq.types import Array

from .data.sequences import Examples


def grams(text: str, orders: Sequence[int] = (1, 2, 3)) -> Iterator[str]:
    """Every run of 1, 2 and 3 characters.

    >>> list(grams("abc"))
    ['a', 'b', 'c', 'ab', 'bc', 'abc']
    """
    for order in orders:
        for start in range(len(text) - order + 1):
            yield text[start : start + order]


@dataclass(frozen=True, slots=True)
class NaiveBayes:
    """argmax_k log p(k) + Σ_g log p(g | k), with p(g | k) = (n_gk + α) / (n_k + α G).

    Reference: Manning, Raghavan and Schütze 2008, section 13.2, equations 13.4, 13.7.
    """

    numbers: dict[str, int]
    log_given: Array  # float64[G, K]
    log_prior: Array  # float64[K]

    @classmethod
    def fit(cls, examples: Examples, smoothing: float = 1.0) -> NaiveBayes:
        """Count the n-grams of each class."""
        numbers: dict[str, int] = {}
        pairs = [
            (numbers.setdefault(gram, len(numbers)), label)
            for text, label in zip(examples.texts, examples.labels, strict=True)
            for gram in grams(text.lower())
        ]
        counts = np.full((len(numbers), len(examples.classes)), smoothing)
        if pairs:
            np.add.at(counts, tuple(np.array(pairs).T), 1.0)
        prior = (
            np.bincount(examples.labels, minlength=len(examples.classes)) + smoothing
        )
        return cls(
            numbers,
            np.log(counts) - np.log(counts.sum(axis=0)),
            np.log(prior) - np.log(prior.sum()),
        )

    def predict(self, text: str) -> int:
        """The likeliest class; n-grams that were never seen say nothing."""
        found = (self.numbers.get(gram) for gram in grams(text.lower()))
        known = [number for number in found if number is not None]
        return int(np.argmax(self.log_prior + self.log_given[known].sum(axis=0)))

    def accuracy(self, examples: Examples) -> float:
        """The share of `examples` whose class is predicted right."""
        pairs = zip(examples.texts, examples.labels, strict=True)
        return float(np.mean([self.predict(text) == label for text, label in pairs]))
