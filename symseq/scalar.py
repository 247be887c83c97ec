"""Theano's ``theano.scalar``."""

from symseq.types import as_dtype, join_dtypes

__all__ = ["upcast"]


def upcast(*dtypes: object) -> str:
    """The dtype in which arrays of `dtypes` meet.

    >>> upcast("int64", "float32")
    'float32'
    """
    return join_dtypes(map(as_dtype, dtypes))
