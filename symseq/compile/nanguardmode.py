"""Theano's ``theano.compile.nanguardmode``."""

from symseq.compiler.function import Mode

__all__ = ["NanGuardMode"]


class NanGuardMode(Mode):
    """Accepted as a ``mode``, as every mode is; it changes nothing that is computed."""

    def __init__(
        self,
        nan_is_error: bool = True,
        inf_is_error: bool = True,
        big_is_error: bool = True,
        optimizer: object = None,
        linker: object = None,
    ) -> None:
        super().__init__(linker, optimizer)
        self.nan_is_error = nan_is_error
        self.inf_is_error = inf_is_error
        self.big_is_error = big_is_error
