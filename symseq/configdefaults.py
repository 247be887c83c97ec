"""Theano's ``theano.configdefaults``."""

import struct

__all__ = ["local_bitwidth"]


def local_bitwidth() -> int:
    """The bits of a pointer on this machine: 32 or 64."""
    return 8 * struct.calcsize("P")
