"""Theano's ``theano.compat.python2x``: what Python has by itself by now."""

from collections import OrderedDict

__all__ = ["OrderedDict"]
