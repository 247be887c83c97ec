"""Subwords: pieces of words, learned from text (extra ``subwords``)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

from symseq.errors import UsageError
from symseq.files import write_whole

from .vocabulary import END, PADDING, START, UNKNOWN, Vocabulary

KINDS = ("bpe", "unigram")
LONGEST = 1 << 16  # bytes of a text that is still learned from


@dataclass(frozen=True)
class Subwords:
    """Cuts text into pieces that are few in kind, and puts pieces together again.

    ``vocabulary`` numbers them: 0 is padding, 1 what holds a character that was never
    seen, then the marks of a beginning and an end.

    >>> known = Subwords.of(["low", "lower", "lowest", "newer", "newest"] * 5, 24)
    >>> known.join(known.cut("lowest newer"))
    'lowest newer'
    """

    model: bytes  # as sentencepiece writes it
    vocabulary: Vocabulary = field(init=False, repr=False, compare=False)
    _pieces: SentencePieceProcessor = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            pieces = SentencePieceProcessor(model_proto=self.model)
        except (RuntimeError, TypeError) as error:
            raise UsageError("these bytes are no model of subwords") from error
        listed = [pieces.id_to_piece(k) for k in range(len(pieces))]
        if tuple(listed[:2]) != (PADDING, UNKNOWN):
            raise UsageError(
                f"a model of subwords must number {PADDING} and {UNKNOWN} first; "
                f"this one has {listed[:2]}"
            )
        object.__setattr__(self, "_pieces", pieces)
        object.__setattr__(self, "vocabulary", Vocabulary.listing(listed))

    @classmethod
    def of(cls, texts: Iterable[str], size: int, kind: str = "bpe") -> Subwords:
        """At most `size` pieces, marks included, learned from `texts`.

        Raises: UsageError for another kind, for texts without a character, and for a
            size that has no room for every character.
        Reference: Sennrich, Haddow and Birch 2016 ("bpe"); Kudo 2018 ("unigram").
        """
        if kind not in KINDS:
            raise UsageError(f"kind is one of {', '.join(KINDS)}; got {kind!r}")
        held = [line for text in texts for line in text.splitlines() if line.strip()]
        if not held:
            raise UsageError("subwords are learned from text; there is none")
        room = 4 + len({"▁", *"".join(held)} - {" "})
        if size < room:
            raise UsageError(
                f"pieces need room for every character; got size {size} for {room} "
                "characters and marks"
            )
        made = io.BytesIO()
        SentencePieceTrainer.train(
            sentence_iterator=iter(held), model_writer=made, vocab_size=size,
            model_type=kind, hard_vocab_limit=False, character_coverage=1.0,
            normalization_rule_name="identity", remove_extra_whitespaces=False,
            max_sentence_length=LONGEST, num_threads=1, minloglevel=2,
            pad_id=0, unk_id=1, bos_id=2, eos_id=3,
            pad_piece=PADDING, unk_piece=UNKNOWN, bos_piece=START, eos_piece=END,
        )  # fmt: skip
        return cls(made.getvalue())

    @classmethod
    def load(cls, path: str | Path) -> Subwords:
        """The subwords of a file that `save`, or sentencepiece, has written."""
        return cls(Path(path).read_bytes())

    def save(self, path: str | Path) -> None:
        """Writes the model, whole or not at all."""
        write_whole(Path(path), self.model)

    def __len__(self) -> int:
        return len(self.vocabulary)

    def cut(self, text: str) -> list[str]:
        """The pieces of a text, in order."""
        return list(self._pieces.encode(text, out_type=str))

    def join(self, pieces: Sequence[str]) -> str:
        """The text that pieces make; marks say nothing."""
        marks = (PADDING, START, END)
        return str(self._pieces.decode([p for p in pieces if p not in marks]))
