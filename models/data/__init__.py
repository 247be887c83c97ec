"""Sequences for training: vocabularies, padding, buckets, masks, data sets."""

from .batches import Batch, Batches, Minibatches, mask_of, pad
from .pairs import PairBatch, Pairs
from .sequences import Examples, split
from .text import TextBatch, TextBatches
from .vocabulary import END, PADDING, START, UNKNOWN, Vocabulary, characters, words

__all__ = [
    "END",
    "PADDING",
    "START",
    "UNKNOWN",
    "Batch",
    "Batches",
    "Examples",
    "Minibatches",
    "PairBatch",
    "Pairs",
    "TextBatch",
    "TextBatches",
    "Vocabulary",
    "characters",
    "mask_of",
    "pad",
    "split",
    "words",
]
