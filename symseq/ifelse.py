"""Theano's ``theano.ifelse``."""

from symseq.scan.control import ifelse

__all__ = ["ifelse"]
