"""Tokens and their numbers: the most frequent first, one number for all others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from symseq.errors import UsageError
from symseq.types import Array

Tokenizer = Callable[[str], list[str]]

PADDING, UNKNOWN = "<pad>", "<unk>"
START, END = "<s>", "</s>"

WORD = re.compile(r"[\w']+|[^\w\s]")


def characters(text: str) -> list[str]:
    """The text's characters in lower case, between a start and an end mark.

    >>> characters("Oui")
    ['<s>', 'o', 'u', 'i', '</s>']
    """
    return [START, *text.lower(), END]


def words(text: str) -> list[str]:
    """Words in lower case, each punctuation mark on its own; HTML breaks are spaces.

    >>> words("It's fine.<br />Really!")
    ["it's", 'fine', '.', 'really', '!']
    """
    return WORD.findall(text.lower().replace("<br />", " "))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Numbers for tokens: 0 is padding, 1 is every token that is not listed.

    >>> known = Vocabulary.of([["a", "b", "a"]], size=3)
    >>> known.tokens
    ('<pad>', '<unk>', 'a')
    >>> known.encode(["a", "b"])
    array([2, 1], dtype=int32)
    """

    tokens: tuple[str, ...]
    numbers: dict[str, int]

    @classmethod
    def of(cls, texts: Iterable[Sequence[str]], size: int | None = None) -> Vocabulary:
        """The `size` most frequent tokens of `texts` (ties: in alphabetical order)."""
        if size is not None and size < 2:
            raise UsageError(
                f"a vocabulary needs room for padding and unknown; got size {size}"
            )
        counts = Counter(token for text in texts for token in text)
        listed = counts.keys() - {PADDING, UNKNOWN}
        ranked = sorted(listed, key=lambda token: (-counts[token], token))
        return cls.listing([PADDING, UNKNOWN, *ranked][:size])

    @classmethod
    def listing(cls, tokens: Sequence[str]) -> Vocabulary:
        """The vocabulary with just these tokens, in this order (from a saved model).

        Raises: UsageError for a token that is listed twice.
        """
        if len(set(tokens)) != len(tokens):
            raise UsageError("a vocabulary lists each token once; one is listed twice")
        return cls(tuple(tokens), {token: i for i, token in enumerate(tokens)})

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, tokens: Sequence[str]) -> Array:
        """The tokens' numbers. Returns: int32[length]."""
        return np.array([self.numbers.get(token, 1) for token in tokens], "int32")

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """The tokens of `numbers`. Raises: UsageError for a number that has none."""
        numbers = list(numbers)
        if numbers and not 0 <= min(numbers) <= max(numbers) < len(self):
            raise UsageError(
                f"numbers of tokens are in 0 ... {len(self) - 1}; got "
                f"{min(numbers)} ... {max(numbers)}"
            )
        return [self.tokens[number] for number in numbers]
