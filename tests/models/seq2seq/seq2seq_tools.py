"""Small models of each kind, with parameters that are nowhere 0, and their inputs."""

from functools import cache

import numpy as np

import symseq as ss
from symseq.models import seq2seq
from symseq.types import TensorType

V, W, D, H = 6, 5, 3, 4  # tokens read and written, widths
FIRST, END = 2, 3
KINDS = seq2seq.KINDS


@cache
def made(kind):
    """A model with noise on all of its parameters."""
    rng = np.random.default_rng(0)
    model = seq2seq.build(kind, V, W, width=D, hidden=H, rng=rng)
    for parameter in model.parameters().values():
        parameter.storage[...] += 0.5 * rng.standard_normal(parameter.storage.shape)
    return model


def inputs():
    """source, source_mask, target, target_mask with free lengths."""
    return seq2seq.inputs()


def values(sources, targets, seed=1):
    """Padded tokens of such lengths, with their masks; nines where there is padding."""
    rng, made = np.random.default_rng(seed), []
    for lengths, many in ((sources, V), (targets, W)):
        steps = max(lengths, default=0)
        mask = (np.arange(steps)[:, None] < np.array(lengths, int)).astype("float64")
        tokens = rng.integers(1, many, mask.shape)
        made += [np.where(mask > 0, tokens, 0).astype("int32"), mask]
    return made


def integer(name):
    return TensorType("int32", ())(name)


@cache
def searching(kind, target="numpy", beams=None, normalize=1.0):
    """(source, source_mask, longest) → (tokens, scores) by greedy or by beam search."""
    source, source_mask, *_ = inputs()
    longest = integer("longest")
    how = {"first": FIRST, "end": END, "longest": longest}
    step, start = made(kind).searching(source, source_mask, beams=beams or 1)
    if beams is None:
        found = seq2seq.greedy(step, start, **how)
    else:
        found = seq2seq.beam(step, start, beams=beams, normalize=normalize, **how)
    given = [source, source_mask, longest]
    return ss.function(given, [found.tokens, found.scores], target=target)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))
