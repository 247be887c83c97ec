"""BLEU: what translations share with what people wrote (extra ``examples``)."""

from __future__ import annotations

from collections.abc import Sequence

from sacrebleu.metrics.bleu import BLEU

from symseq.errors import UsageError


def bleu(
    hypotheses: Sequence[Sequence[str]], references: Sequence[Sequence[str]]
) -> float:
    """Corpus BLEU-4, from 0 to 100, over the tokens as they are given.

    Shapes: per sentence one sequence of tokens. Reference: Papineni et al. 2002; Post
        2018 (sacreBLEU, ``tokenize="none"``).
    Raises: UsageError for another number of references than of hypotheses.

    >>> round(bleu([["a", "b", "c", "d", "e"]], [["a", "b", "c", "d", "e"]]))
    100
    """
    if len(hypotheses) != len(references):
        raise UsageError(
            f"each hypothesis needs one reference; got {len(hypotheses)} hypotheses "
            f"and {len(references)} references"
        )
    if not hypotheses:
        return 0.0
    said = [" ".join(tokens) for tokens in hypotheses]
    right = [" ".join(tokens) for tokens in references]
    return float(BLEU(tokenize="none", force=True).corpus_score(said, [right]).score)
