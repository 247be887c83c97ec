"""Encoder-decoder models: one sequence is read, another is written."""

from .answers import answers, before_end
from .beam import Beams, beam
from .build import KINDS, build, inputs
from .context import Conditioned, ContextDecoder
from .encoder_decoder import EncoderDecoder
from .hard import hard_loss
from .scheduled import Guessing, ScheduledSampling, inverse_sigmoid
from .search import Found, greedy, sample

__all__ = [
    "KINDS",
    "Beams",
    "Conditioned",
    "ContextDecoder",
    "EncoderDecoder",
    "Found",
    "Guessing",
    "ScheduledSampling",
    "answers",
    "beam",
    "before_end",
    "build",
    "greedy",
    "hard_loss",
    "inputs",
    "inverse_sigmoid",
    "sample",
]
