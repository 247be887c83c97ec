"""Learn a text by characters, and go on writing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from symseq.cli.job import Job
from symseq.compiler.function import Function, function
from symseq.errors import UsageError
from symseq.models import GRU, LSTM, SimpleRNN, data, language, metrics, train
from symseq.models import checkpoints as saved
from symseq.random.streams import RandomStreams
from symseq.types import TensorType

CELLS: dict[str, Callable[..., Any]] = {
    "rnn": SimpleRNN,
    "lstm": partial(LSTM, forget_bias=1.0),
    "gru": GRU,
}
WIDTH, BATCH, STEPS = 32, 32, 32
APART = 8  # stretches of held-out text side by side


@dataclass(frozen=True)
class Writer:
    """A model of characters and all that is needed to let it write."""

    model: language.CharacterModel
    known: data.Vocabulary
    cell: str
    hidden: int

    @classmethod
    def new(
        cls, known: data.Vocabulary, cell: str, hidden: int, seed: int = 0
    ) -> Writer:
        if cell not in CELLS or hidden < 1:
            raise UsageError(
                f"--cell is one of {', '.join(CELLS)} and --hidden at least 1; "
                f"got {cell!r} and {hidden}"
            )
        rng = np.random.default_rng(seed)
        core = CELLS[cell](WIDTH, hidden, rng=rng)
        model = language.CharacterModel(len(known), core, rng=rng)
        return cls(model, known, cell, hidden)

    @classmethod
    def load(cls, file: Path) -> Writer:
        """The model that `save` wrote. Raises: CheckpointError."""
        _, notes = saved.read(file)
        if notes.get("kind") != "language":
            raise UsageError(f"{file} was not written by `symseq train language`")
        known = data.Vocabulary.listing(notes["tokens"])
        writer = cls.new(known, notes["cell"], notes["hidden"])
        writer.model.load(file)
        return writer

    def save(self, file: Path) -> None:
        self.model.save(
            file, kind="language", tokens=self.known.tokens, cell=self.cell,
            hidden=self.hidden,
        )  # fmt: skip

    def write(self, start: str, length: int, temperature: float, seed: int) -> str:
        """So many characters that may follow `start`, and `start` before them.

        Raises: UsageError for an empty start or a temperature that is not above 0.
        """
        if not start:
            raise UsageError("there must be a first character to go on from")
        x, last = TensorType("int32", (None, 1))(), TensorType("int32", (1,))()
        _, carried = self.model(x)
        drawn = self.model.sample(
            last, carried, steps=length, streams=RandomStreams(seed),
            temperature=temperature,
        )  # fmt: skip
        go_on = function([x, last], drawn.tokens)
        numbers = self.known.encode(list(start))
        found = go_on(numbers[:-1, None], numbers[-1:])[:, 0]
        return start + "".join(self.known.decode(found))


def learn(job: Job, text: Path, cell: str, hidden: int) -> dict[str, Any]:
    """Train on nine tenths of a text, save, and test on the rest; the figures."""
    corpus = data.Corpus.of(data.plain_text(text))
    if min(len(corpus.valid), len(corpus.test)) < 2 * APART:
        raise UsageError(
            f"a text must have at least {40 * APART} characters; {text} has "
            f"{corpus.notes['characters']}"
        )
    writer = Writer.new(corpus.known, cell, hidden, job.seed)
    x, y = (
        TensorType("int32", (None, None))("x"),
        TensorType("int32", (None, None))("y"),
    )
    state, apart = language.Carried(writer.model), language.Carried(writer.model)
    cost, carry = writer.model.cost(x, y, state)
    held_out, carry_apart = writer.model.cost(x, y, apart)
    measure = function([x, y], held_out, updates=carry_apart, target=job.target)

    def bits(tokens: Any) -> float:
        apart.reset(APART)
        return _bits(measure, tokens)

    job.fit(
        writer.model, cost, [x, y], data.TextBatches(corpus.train, BATCH, STEPS),
        lambda: -bits(corpus.valid), metric="-bits a character", carry=carry,
        before_epoch=lambda: state.reset(BATCH), weigh=train.tokens_of,
    )  # fmt: skip
    writer.save(job.out)
    return {
        "characters": corpus.notes["characters"],
        "symbols": corpus.notes["symbols"],
        "test_bits": bits(corpus.test),
        "parameters": writer.model.count(),
        "sample": writer.write("\n", 300, 0.7, job.seed).strip(),
    }


def _bits(measure: Function, tokens: Any) -> float:
    batches = data.TextBatches(tokens, APART, STEPS).epoch(0)
    return metrics.bits(train.mean_loss(measure, batches, train.tokens_of))
