"""Sequences for training: vocabularies, padding, buckets, masks, data sets."""

from .batches import Batch, Batches, Minibatches, mask_of, pad
from .generated import Drawn, adding_problem, sine_waves
from .pairs import PairBatch, Pairs
from .plain import Corpus, language_reference, plain_text
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
    "Corpus",
    "Drawn",
    "Examples",
    "Minibatches",
    "PairBatch",
    "Pairs",
    "TextBatch",
    "TextBatches",
    "Vocabulary",
    "adding_problem",
    "characters",
    "language_reference",
    "mask_of",
    "pad",
    "plain_text",
    "sine_waves",
    "split",
    "words",
]
