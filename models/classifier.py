"""The network of the Theano tutorial: one class for a whole sequence."""

from __future__ import annotations

import numpy as np

from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.random.streams import RandomStreams

from . import init
from .cells import LSTM
from .layers import Dense, Dropout, Embedding, TokenDropout
from .module import Module
from .pooling import mean_pool
from .recurrent import Recurrent


class SequenceClassifier(Module):
    """logits = dropout(mean_t LSTM(E[x])_t) W + b, over the steps that are real.

    With ``recurrent=False`` the mean is over E[x] itself: a bag of embeddings. Beyond
    the tutorial, training may hide tokens (`hidden`) and parts of E (`dropped`).
    Shapes: x: int[T, B], mask: float[T, B], logits: float[B, K].
    Reference: deeplearning.net tutorial "LSTM Networks for Sentiment Analysis".
    """

    def __init__(
        self,
        vocabulary: int | Dim,
        width: int | Dim,
        classes: int | Dim,
        *,
        rng: np.random.Generator,
        recurrent: bool = True,
        spread: float = 0.01,
        forget_bias: float = 0.0,
        hidden: float = 0.0,
        dropped: float = 0.0,
    ) -> None:
        start = init.normal(spread)
        self.tokens = TokenDropout(hidden)
        self.embedding = Embedding(vocabulary, width, rng=rng, initial=start)
        self.rows = Dropout(dropped, over_time=True)
        if recurrent:
            self.lstm = Recurrent(LSTM(width, width, rng=rng, forget_bias=forget_bias))
        self.recurrent = recurrent
        self.dropout = Dropout(0.5)
        self.output = Dense(width, classes, rng=rng, name="output")

    def __call__(
        self, x: Variable, mask: Variable, streams: RandomStreams | None = None
    ) -> Variable:
        """The logits; with `streams`, those of training."""
        h = self.rows(self.embedding(self.tokens(x, streams)), streams)
        if self.recurrent:
            h = self.lstm(h, mask)
        return self.output(self.dropout(mean_pool(h, mask), streams))
