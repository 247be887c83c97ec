"""Sequences for training: vocabularies, padding, buckets, masks, data sets."""

from .batches import Batch, Batches, mask_of, pad
from .sequences import Examples, split
from .vocabulary import UNKNOWN, Vocabulary, characters, words

__all__ = [
    "UNKNOWN",
    "Batch",
    "Batches",
    "Examples",
    "Vocabulary",
    "characters",
    "mask_of",
    "pad",
    "split",
    "words",
]
