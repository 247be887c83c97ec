"""Theano's ``theano.sandbox.rng_mrg``: the streams under their other name."""

from symseq.random.streams import MRG_RandomStreams, RandomStreams

__all__ = ["MRG_RandomStreams", "RandomStreams"]
