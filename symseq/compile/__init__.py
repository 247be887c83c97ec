"""Theano's ``theano.compile``."""

from symseq.compile import nanguardmode
from symseq.compiler.function import Function, In, Mode, Out, Param, function
from symseq.graph import SharedVariable
from symseq.variables import shared

__all__ = [
    "Function",
    "In",
    "Mode",
    "Out",
    "Param",
    "SharedVariable",
    "function",
    "nanguardmode",
    "shared",
]
