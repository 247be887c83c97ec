"""The operations, one idea a file; ``methods`` gives variables theirs."""

from symseq.ops import methods

__all__ = ["methods"]
