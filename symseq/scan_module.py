"""Theano's ``theano.scan_module``."""

from symseq.scan.frontend import scan
from symseq.scan.views import foldl, foldr, map, reduce, until

__all__ = ["foldl", "foldr", "map", "reduce", "scan", "until"]
