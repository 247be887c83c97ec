"""Where in the user's code a node was written: (file, line), past our own frames."""

import linecache
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import PurePath

PACKAGE = "symseq"


@dataclass(frozen=True, slots=True)
class Span:
    """One line of the user's code; ``saved`` is its text where the file is missing."""

    file: str
    line: int
    saved: str | None = None

    @property
    def text(self) -> str:
        """The source line, stripped; empty where the source cannot be read."""
        if self.saved is not None:
            return self.saved
        return linecache.getline(self.file, self.line).strip()

    def with_text(self) -> "Span":
        """The same span carrying its text, for a process that has not the file."""
        return Span(self.file, self.line, self.text)

    def __str__(self) -> str:
        return f"{PurePath(self.file).name}:{self.line}"


UNKNOWN = Span("<unknown>", 0, "")

# The kinds of nodes that other nodes were made into; what a user wrote has none.
GRADIENT, HOISTED = "gradient", "hoisted"


@dataclass(frozen=True, slots=True)
class Origin:
    """The spans that new nodes stand for and how they came to be."""

    spans: tuple[Span, ...]
    kind: str = ""


_deriving: ContextVar[Origin | None] = ContextVar("deriving", default=None)


def is_ours(module: str) -> bool:
    return module == PACKAGE or module.startswith(PACKAGE + ".")


def here() -> Span:
    """The innermost line of the call stack that is not symseq's own."""
    frame = sys._getframe(1)
    while frame is not None:
        if not is_ours(frame.f_globals.get("__name__", "")):
            return Span(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back  # type: ignore[assignment]
    return UNKNOWN


def origin() -> Origin:
    """What a node built now carries: the derivation under way, or the user's line."""
    return _deriving.get() or Origin((here(),))


@contextmanager
def deriving(spans: tuple[Span, ...], kind: str) -> Iterator[None]:
    """Nodes built inside stand for `spans` (a gradient, a rewrite), not a new line."""
    token = _deriving.set(Origin(spans, kind))
    try:
        yield
    finally:
        _deriving.reset(token)
