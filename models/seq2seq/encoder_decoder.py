"""p(y | x) = Π_t p(y_t | y_<t, x): one network reads x, another writes y."""

from __future__ import annotations

from typing import Any

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.join import concatenate
from symseq.ops.math import tanh
from symseq.random.streams import RandomStreams
from symseq.types import is_float

from .. import init
from ..attention import Memory
from ..cells.cell import Cell, filled, leaves
from ..layers import Dense, Dropout, Embedding, check_streams
from ..losses import check_ranks, sequence_cross_entropy
from ..module import Module
from ..recurrent import Bidirectional, Recurrent, Run
from .scheduled import Guessing, ScheduledSampling
from .search import Step, check_beams


class EncoderDecoder(Module):
    """An encoder makes a memory of the source; a decoder over it writes the target.

        h_1..h_S, v = encoder(E_x x)            v: all that the last state holds
        c = tanh(v V)                           the summary of the source
        s_0 = tanh(c V')
        o_t, s_t = decoder(E_y y_{t-1}, s_{t-1}; h, c)
        p(y_t | y_<t, x) = softmax(o_t W + b)

    The encoder is a `Recurrent` or a `Bidirectional`; the decoder has `over(memory)`:
    a `ContextDecoder` reads c at every step, others attend to h_1..h_S. Targets are
    given whole, from their start to their end mark: of T tokens T - 1 are predicted.
    Shapes: source: int[S, B], source_mask: float[S, B], target: int[T, B],
        logits: float[T - 1, B, V], h: float[S, B, M], v: float[B, N], c: float[B, C].
    Reference: Sutskever, Vinyals and Le 2014 (v: "8000 real numbers", every layer's h
        and c); Cho et al. 2014, appendix A.1 (c = tanh(V h), s_0 = tanh(V' c)).
    """

    def __init__(
        self,
        source: Embedding,
        encoder: Recurrent[Any] | Bidirectional,
        target: Embedding,
        decoder: Any,
        vocabulary: int | Dim,
        *,
        summary: int | Dim,
        rng: np.random.Generator,
        dropout: float = 0.0,
        initial: init.Initializer = init.TUTORIAL_WEIGHT,
    ) -> None:
        how: dict[str, Any] = {"rng": rng, "initial": initial}
        read = _width(encoder.widths)
        begun = _width(decoder.cell.widths)
        self.source, self.encoder = source, encoder
        self.context = Dense(read, summary, name="context", **how)
        self.first = Dense(summary, begun, name="first", **how)
        self.target, self.decoder = target, decoder
        self.output = Dense(decoder.outputs, vocabulary, name="output", **how)
        self.dropout = Dropout(dropout)

    def encode(
        self,
        source: Variable,
        source_mask: Variable | None = None,
        *,
        streams: RandomStreams | None = None,
    ) -> Memory:
        """What a decoder reads: h and c. A float source is one embedded already.

        Shapes: source: int[S, B] or float[S, B, D], values: float[S, B, M],
            summary: float[B, C].
        """
        x = source if is_float(source.dtype) else self.source(source)
        x = self.dropout(x, streams)
        h, last = self.encoder(x, source_mask, streams=streams, return_state=True)
        v = concatenate([part for _, part in leaves(last) if part.ndim == 2], axis=-1)
        return Memory(h, source_mask, tanh(self.context(v)))

    def begin(self, memory: Memory) -> tuple[Cell[Any], Any]:
        """The decoder's cell over `memory`, and its first state, made from c."""
        assert memory.summary is not None
        begun, at = tanh(self.first(memory.summary)), 0
        batch, inner = memory.summary.shape[0], self.decoder.cell
        parts = []
        widths = (width for _, width in leaves(inner.widths))
        for (_, zero), width in zip(leaves(inner.initial(batch)), widths, strict=True):
            parts.append(zero if width is None else begun[:, at : at + width])
            at = at if width is None else at + width
        cell = self.decoder.over(memory)  # its initial takes that of the cell inside
        return cell, cell.initial(batch, filled(inner.widths, iter(parts)))

    def run(
        self,
        source: Variable,
        source_mask: Variable | None,
        target: Variable,
        *,
        streams: RandomStreams | None = None,
    ) -> Run[Any]:
        """Teacher forcing: the decoder reads the target; its states say what it saw.

        Shapes: outputs: float[T - 1, B, H], states.weights: float[T - 1, B, S].
        """
        memory = self.encode(source, source_mask, streams=streams)
        return self.write(memory, self.read(target, streams), streams=streams)

    def read(self, target: Variable, streams: RandomStreams | None = None) -> Variable:
        """What the decoder reads of a target. Shapes: float[T - 1, B, D].

        Raises: UsageError for what is no variable, ShapeError for another rank.
        """
        check_ranks(target=(target, 2))
        return self.dropout(self.target(target[:-1]), streams)

    def write(
        self, memory: Memory, y: Variable, *, streams: RandomStreams | None = None
    ) -> Run[Any]:
        """The decoder over a memory, given what it reads at each step.

        Shapes: y: float[T - 1, B, D].
        """
        cell, start = self.begin(memory)
        return Recurrent(cell, name="decoder").run(y, None, start, streams=streams)

    def logits(
        self,
        source: Variable,
        source_mask: Variable | None,
        target: Variable,
        *,
        streams: RandomStreams | None = None,
        truth: float | Variable = 1.0,
    ) -> Variable:
        """log p(y_t | y_<t, x) + const for each token but the first.

        In training `truth` is the probability that the decoder reads the target's own
        token instead of what it has predicted itself (`ScheduledSampling`).
        Shapes: float[T - 1, B, V].
        """
        if not isinstance(truth, Variable) and truth == 1.0:
            run = self.run(source, source_mask, target, streams=streams)
            return self.output(self.dropout(run.outputs, streams))
        if not isinstance(truth, Variable) and not 0 <= truth <= 1:
            raise UsageError(f"`truth` is a probability, in [0, 1]; got {truth}")
        check_streams(streams, "scheduled sampling")
        check_ranks(target=(target, 2))
        cell, start = self.begin(self.encode(source, source_mask, streams=streams))
        guessing = ScheduledSampling(cell, self.target, self.output, truth)
        layer = Recurrent(guessing, name="decoder")
        begun = Guessing(start, target[0])
        return layer.run(target[:-1], None, begun, streams=streams).outputs

    def loss(
        self,
        source: Variable,
        source_mask: Variable | None,
        target: Variable,
        target_mask: Variable | None,
        *,
        smoothing: float = 0.0,
        **how: Any,
    ) -> Variable:
        """-1/N Σ log p(y_t | y_<t, x) over the N real tokens but the first.

        Further arguments are those of `logits`. Shapes: a float scalar.
        """
        predicted = self.logits(source, source_mask, target, **how)
        real = None if target_mask is None else target_mask[1:]
        return sequence_cross_entropy(predicted, target[1:], real, smoothing=smoothing)

    def searching(
        self, source: Variable, source_mask: Variable | None = None, *, beams: int = 1
    ) -> tuple[Step, Any]:
        """(step, start) of a search: step reads `beams` rows for each source.

        Raises: UsageError for less than one beam.
        Shapes: step: (tokens int[kB], state) → (logits float[kB, V], state); start: the
            first state, float[B, ...] each.
        """
        check_beams(beams)
        memory = self.encode(source, source_mask)
        _, start = self.begin(memory)
        cell = self.decoder.over(memory if beams == 1 else memory.repeat(beams))

        def step(tokens: Variable, state: Any) -> tuple[Variable, Any]:
            output, new = cell(self.target(tokens), state)
            return self.output(output), new

        return step, start


def _width(widths: Any) -> Any:
    """The columns of a state's parts side by side."""
    first, *rest = [width for _, width in leaves(widths) if width is not None]
    for width in rest:
        first = first + width
    return first
