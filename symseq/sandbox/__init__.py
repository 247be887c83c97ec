"""Theano's ``theano.sandbox``."""

from symseq.sandbox import rng_mrg

__all__ = ["rng_mrg"]
