"""Where in the user's code a node was written: file, line, the groups open there."""

import linecache
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache
from pathlib import PurePath
from types import FrameType

PACKAGE = "symseq"


@dataclass(frozen=True, slots=True)
class Group:
    """A named part of a graph; ``call`` tells apart the calls of one module."""

    label: str
    call: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """One line of the user's code; ``saved`` is its text where the file is missing.

    ``groups`` are the named parts of the graph that the line was run in, outermost
    first: one line may write many layers.
    """

    file: str
    line: int
    saved: str | None = None
    groups: tuple[Group, ...] = ()

    @property
    def text(self) -> str:
        """The source line, stripped; empty where the source cannot be read."""
        if self.saved is not None:
            return self.saved
        return linecache.getline(self.file, self.line).strip()

    def with_text(self) -> "Span":
        """The same span carrying its text, for a process that has not the file."""
        return replace(self, saved=self.text)

    def __str__(self) -> str:
        return f"{place_of(self.file)}:{self.line}"


@cache
def place_of(file: str) -> str:
    """A file's name without folders; of a cell of a notebook "In[3]"."""
    told = None
    if "IPython" in sys.modules:
        shell = sys.modules["IPython"].get_ipython()
        told = shell.compile.format_code_name(file) if shell is not None else None
    return told[1] if told else PurePath(file).name


UNKNOWN = Span("<unknown>", 0, "")

# The kinds of nodes that other nodes were made into; what a user wrote has none.
GRADIENT, HOISTED = "gradient", "hoisted"


@dataclass(frozen=True, slots=True)
class Origin:
    """The spans that new nodes stand for and how they came to be."""

    spans: tuple[Span, ...]
    kind: str = ""


_deriving: ContextVar[Origin | None] = ContextVar("deriving", default=None)
_groups: ContextVar[tuple[Group, ...]] = ContextVar("groups", default=())


def is_ours(module: str) -> bool:
    return module == PACKAGE or module.startswith(PACKAGE + ".")


def here() -> Span:
    """The innermost line of the call stack that is not symseq's own."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not is_ours(frame.f_globals.get("__name__", "")):
            code = frame.f_code
            return Span(code.co_filename, frame.f_lineno, groups=_groups.get())
        frame = frame.f_back
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


@contextmanager
def group(label: str, call: int = 0) -> Iterator[None]:
    """What is written inside is one part of the graph: pictures can close it to a box.

    Groups nest; the same name under the same parents is the same group.

    >>> import symseq as ss
    >>> x = ss.tensor.vector("x")
    >>> with ss.group("encoder"):
    ...     y = ss.tensor.tanh(x)
    >>> [part.label for part in shared_groups(y.owner.spans)]
    ['encoder']
    """
    token = _groups.set((*_groups.get(), Group(label, call)))
    try:
        yield
    finally:
        _groups.reset(token)


def shared_groups(spans: Sequence[Span]) -> tuple[Group, ...]:
    """The groups that all of `spans` are in, outermost first."""
    first, *others = [span.groups for span in spans]
    size = 0
    while size < len(first) and all(g[: size + 1] == first[: size + 1] for g in others):
        size += 1
    return first[:size]
