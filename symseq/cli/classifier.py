"""Learn to tell the classes of texts, and tell them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from symseq.cli.job import Job, optional
from symseq.compiler.function import Function, function
from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.lengths import dims
from symseq.models import NaiveBayes, SequenceClassifier, data, losses, metrics, train
from symseq.models import checkpoints as saved
from symseq.models.data import imdb
from symseq.models.data.labelled import labelled
from symseq.ops.softmax import softmax
from symseq.random.streams import RandomStreams
from symseq.types import Array, TensorType

TOKENIZERS = {"characters": data.characters, "words": data.words}


@dataclass(frozen=True)
class Sizes:
    """What works for one kind of tokens."""

    width: int
    vocabulary: int
    longest: int
    window: int | None
    epochs: int
    rate: float
    network: dict[str, Any]
    batch: int = 64


PRESETS = {
    "characters": Sizes(
        128, 200, 64, None, 28, 4e-3,
        {"spread": 1.0, "forget_bias": 1.0, "hidden": 0.1, "dropped": 0.1},
    ),
    "words": Sizes(64, 5000, 400, 100, 8, 2e-3, {"hidden": 0.2, "dropped": 0.3}),
}  # fmt: skip


@dataclass(frozen=True)
class Texts:
    """Texts to train on, to choose by and to test on, and their kind of tokens."""

    train: data.Examples
    valid: data.Examples
    test: data.Examples
    by: str

    @classmethod
    def read(cls, place: Path | None, by: str | None, seed: int) -> Texts:
        """Names of 18 languages, film reviews, or a file of lines LABEL<tab>TEXT.

        Raises: UsageError for an unknown kind of tokens or what cannot be read.
        """
        if by is not None and by not in TOKENIZERS:
            raise UsageError(f"--by is one of {', '.join(TOKENIZERS)}; got {by!r}")
        if place is not None and (place.is_dir() or ".tar" in place.suffixes):
            known, test = imdb.reviews(place)
            most, valid = data.split(known, 0.95, 0.05, seed=seed)
            return cls(most, valid, test, by or "words")
        whole = _names() if place is None else labelled(place)
        most, valid, test = data.split(whole, 0.8, 0.1, 0.1, seed=seed)
        if not len(valid) or not len(test):
            raise UsageError(f"there must be at least 10 texts; got {len(whole)}")
        by = by or ("characters" if place is None else "words")
        return cls(most, valid, test, by)


@dataclass(frozen=True)
class Told:
    """A classifier and all that is needed to ask it."""

    model: SequenceClassifier
    known: data.Vocabulary
    classes: tuple[str, ...]
    by: str
    longest: int
    width: int
    x: Variable
    mask: Variable

    @classmethod
    def new(
        cls, known: data.Vocabulary, classes: tuple[str, ...], by: str, longest: int,
        width: int, seed: int = 0,
    ) -> Told:  # fmt: skip
        B, L = dims("B T")
        V, D, K = dims(V=len(known), D=width, K=len(classes))
        rng = np.random.default_rng(seed)
        model = SequenceClassifier(V, D, K, rng=rng, **PRESETS[by].network)
        x, mask = TensorType("int32", (L, B))("x"), TensorType("floatX", (L, B))("mask")
        return cls(model, known, classes, by, longest, width, x, mask)

    @classmethod
    def load(cls, file: Path) -> Told:
        """The classifier that `save` wrote. Raises: CheckpointError."""
        _, notes = saved.read(file)
        if notes.get("kind") != "classifier":
            raise UsageError(f"{file} was not written by `symseq train classifier`")
        known = data.Vocabulary.listing(notes["tokens"])
        rest = {name: notes[name] for name in ("by", "longest", "width")}
        told = cls.new(known, tuple(notes["classes"]), **rest)
        told.model.load(file)
        return told

    def save(self, file: Path) -> None:
        self.model.save(
            file, kind="classifier", tokens=self.known.tokens, classes=self.classes,
            by=self.by, longest=self.longest, width=self.width,
        )  # fmt: skip

    def probabilities(self, text: str) -> Array:
        """p(class | text). Returns: float[K]."""
        p = softmax(self.model(self.x, self.mask))
        tell = function([self.x, self.mask], p, target="reference")
        ids = self.known.encode(TOKENIZERS[self.by](text))[: self.longest]
        shares: Array = tell(data.pad([ids]), data.mask_of([len(ids)]))[0]
        return shares


def learn(job: Job, texts: Texts, width: int | None) -> dict[str, Any]:
    """Train, save, and test beside naive Bayes; the figures."""
    plotting = optional("symseq.models.plotting", "matplotlib", "cli")
    size, cut = PRESETS[texts.by], TOKENIZERS[texts.by]
    known = data.Vocabulary.of(map(cut, texts.train.texts), size.vocabulary)
    drawn, fixed = {"seed": job.seed, "window": size.window}, {"seed": None}
    batches, valid, test = (
        data.Batches.of(part, known, cut, size.batch, longest=size.longest, **how)
        for part, how in (
            (texts.train, drawn), (texts.valid, fixed), (texts.test, fixed),
        )
    )  # fmt: skip
    classes = texts.train.classes
    told = Told.new(
        known, classes, texts.by, size.longest, width or size.width, job.seed
    )
    labels = TensorType("int32", (told.x.type.shape[1],))("labels")
    logits = told.model(told.x, told.mask, RandomStreams(job.seed))
    guess = _guess(told, job.target)
    job.fit(
        told.model, losses.cross_entropy(logits, labels), [told.x, told.mask, labels],
        batches, lambda: metrics.accuracy(*train.predict(guess, valid)),
        metric="accuracy",
    )  # fmt: skip
    told.save(job.out)
    found, right = train.predict(guess, test)
    plotting.draw_confusion(found, right, classes, job.beside(".confusion.svg"))
    return {
        "texts": [len(texts.train), len(texts.valid), len(texts.test)],
        "classes": len(classes),
        "test_accuracy": metrics.accuracy(found, right),
        "naive_bayes": NaiveBayes.fit(texts.train).accuracy(texts.test),
        "parameters": told.model.count(),
    }


def _guess(told: Told, target: str) -> Function:
    best = told.model(told.x, told.mask).argmax(axis=1)
    return function([told.x, told.mask], best, target=target)


def _names() -> data.Examples:
    names = optional("symseq.models.data.names", "babel", "examples")
    found: data.Examples = names.names()
    return found
