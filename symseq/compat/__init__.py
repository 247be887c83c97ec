"""Theano's ``theano.compat``."""

from symseq.compat import python2x

__all__ = ["python2x"]
