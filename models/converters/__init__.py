"""Weights of cells to and from other frameworks: plain dicts of NumPy arrays."""

from .keras import from_keras, to_keras
from .pytorch import from_torch, to_torch
from .tensorflow1 import from_tf1, to_tf1
from .theano import from_theano, to_theano

__all__ = [
    "from_keras",
    "from_tf1",
    "from_theano",
    "from_torch",
    "to_keras",
    "to_tf1",
    "to_theano",
    "to_torch",
]
