"""Theano's ``theano.printing``: graphs and values as text."""

from symseq.ops.debug import Print
from symseq.printing.debugprint import debugprint
from symseq.printing.pprint import pp, pprint

__all__ = ["Print", "debugprint", "pp", "pprint"]
