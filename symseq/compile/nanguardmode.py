"""Theano's ``theano.compile.nanguardmode``."""

from symseq.compiler.function import Mode
from symseq.compiler.watch import NanGuard

__all__ = ["NanGuardMode"]

BIG = 1e10


class NanGuardMode(Mode):
    """A ``mode`` in which a NaN, an infinity or a magnitude over 1e10 is an error."""

    def __init__(
        self,
        nan_is_error: bool = True,
        inf_is_error: bool = True,
        big_is_error: bool = True,
        optimizer: object = None,
        linker: object = None,
    ) -> None:
        super().__init__(linker, optimizer)
        self.nan_guard = NanGuard(
            nan_is_error, inf_is_error, BIG if big_is_error else None
        )
