"""Theano's ``theano.sandbox.rng_mrg``: the same streams under their other name."""

from symseq.random.streams import RandomStreams

MRG_RandomStreams = RandomStreams

__all__ = ["MRG_RandomStreams", "RandomStreams"]
