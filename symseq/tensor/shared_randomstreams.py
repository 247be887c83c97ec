"""Theano's ``theano.tensor.shared_randomstreams``."""

from symseq.random.streams import RandomStreams

__all__ = ["RandomStreams"]
