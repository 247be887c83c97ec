"""Which step of which loops is being built: what draws and branches need to know."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from symseq.graph import Variable
from symseq.types import TensorType


@dataclass(frozen=True, slots=True)
class Enclosing:
    """One loop around: its step number, and all that changes from step to step."""

    step: Variable
    changing: tuple[Variable, ...]


_loops: ContextVar[tuple[Enclosing, ...]] = ContextVar("loops", default=())


def enclosing_steps() -> tuple[Variable, ...]:
    """The int64 step variables of the loops around this line, the outermost first."""
    return tuple(loop.step for loop in _loops.get())


def enclosing_loops() -> tuple[Enclosing, ...]:
    """The loops around this line, the outermost first."""
    return _loops.get()


@contextmanager
def stepping(rows: Sequence[Variable] = ()) -> Iterator[Variable]:
    """Inside, one more loop over `rows` is around: yields its step variable."""
    step = Variable(TensorType("int64"), name="t")
    token = _loops.set((*_loops.get(), Enclosing(step, (*rows, step))))
    try:
        yield step
    finally:
        _loops.reset(token)
