"""Which step of which loops is being built: what a random draw folds into its key."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from symseq.graph import Variable
from symseq.types import TensorType

_steps: ContextVar[tuple[Variable, ...]] = ContextVar("steps", default=())


def enclosing_steps() -> tuple[Variable, ...]:
    """The int64 step variables of the loops around this line, the outermost first."""
    return _steps.get()


@contextmanager
def stepping() -> Iterator[Variable]:
    """Inside, one more loop is around: yields its step variable."""
    step = Variable(TensorType("int64"), name="t")
    token = _steps.set((*_steps.get(), step))
    try:
        yield step
    finally:
        _steps.reset(token)
