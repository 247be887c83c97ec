"""What a recurrent cell is: (x_t, state) → (output, new state)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from symseq.config import config
from symseq.errors import ShapeError, UsageError
from symseq.graph import Variable, operands
from symseq.lengths import Dim, size_of
from symseq.ops.alloc import alloc
from symseq.ops.convert import as_tensor_variable
from symseq.random.streams import RandomStreams
from symseq.span import here
from symseq.types import is_float

from ..module import Module

State = TypeVar("State", bound=tuple[Any, ...])


class Hidden(NamedTuple):
    """h: all that a simple cell remembers, and what it shows (its output).

    Shapes: float[B, H].
    """

    h: Variable


class Cell(Module, Generic[State]):
    """y_t, s_t = cell(x_t, s_{t-1}): one step, written as the paper writes it.

    A state is a named tuple of variables (``LSTMState(h, c)``), a tuple of such states,
    or ``()`` where a cell remembers nothing. `Recurrent` runs a cell over time; a
    decoder's cell is one that has been given what it attends to.

    Attributes:
        inputs: the width of x_t.
        outputs: the width of y_t.
        widths: the state with a width in place of each variable, (H, H) for (h, c),
            and None for a count of steps.
    """

    inputs: int | Dim
    outputs: int | Dim
    widths: State

    def __call__(self, x: Variable, state: State) -> tuple[Variable, State]:
        """One step. Shapes: x: float[B, D], y: float[B, H], each of state: float[B, H].

        Raises: UsageError for a cell without a step.
        """
        raise UsageError(f"{type(self).__name__} must define __call__(x_t, state)")

    def initial(self, batch: Variable | int) -> State:
        """s_0 = 0 for `batch` sequences.

        Shapes: each float[B, its width], a count of steps int64[B].
        """
        nothing = np.zeros((), config.floatX)

        def zeros(width: int | Dim | None) -> Variable:
            if width is None:
                return alloc(np.int64(0), batch)
            return alloc(nothing, batch, width)

        first: State = map_state(zeros, self.widths)
        return first

    def training(self, streams: RandomStreams, batch: Variable | int) -> Cell[State]:
        """The cell as it is for one pass in training, with the same parameters.

        Here a cell draws what is drawn once for all steps of a sequence, and keeps the
        streams from which its steps draw. Shapes: batch: B, an int scalar.
        """
        return self


def check_cell(cell: object) -> None:
    """Raises: UsageError for what is no cell, such as a decoder without its memory."""
    if isinstance(cell, Cell):
        return
    kind = cell.__name__ if isinstance(cell, type) else type(cell).__name__
    hint = "a cell is (x_t, state) -> (output, new state), a subclass of Cell"
    if isinstance(cell, type):
        hint = f"make one: {kind}(...)"
    elif hasattr(cell, "over"):
        hint = "what has over(...) is a cell only over a memory, or over steps"
    raise UsageError(f"a layer runs a cell; got {kind}", hint=hint).at(here())


def check_fits(a: str, reads: int | Dim, b: str, shows: int | Dim) -> None:
    """Raises: UsageError where one thing has not as many columns as another."""
    if reads != shows and size_of(reads) != size_of(shows):
        raise UsageError(f"{a} has {reads} columns where {b} has {shows}").at(here())


def map_state(change: Callable[..., Any], state: Any, *others: Any) -> Any:
    """A state of the same form, each part changed. Further states give arguments.

    >>> map_state(lambda a, b: a + b, (1, (2,)), (10, (20,)))
    (11, (22,))
    """
    if not isinstance(state, tuple):
        return change(state, *others)
    parts = [map_state(change, *each) for each in zip(state, *others, strict=True)]
    return _like(state, parts)


def formed(state: Any, cell: Cell[Any]) -> Any:
    """A state that a user has given, in the form and with the names of the cell's.

    Raises: UsageError for another form, ShapeError for a part of another rank or width.
    """
    made = _formed(state, cell.widths)
    if made is None:
        raise UsageError(
            f"a state of {type(cell).__name__} has the form {cell.widths}, of widths; "
            f"got {state}"
        ).at(here())
    return made


def _formed(state: Any, widths: Any) -> Any:
    """None where the state's tuples are not those of the widths."""
    if not isinstance(widths, tuple):
        return None if isinstance(state, tuple) else _part(state, widths)
    if not isinstance(state, tuple) or len(state) != len(widths):
        return None
    parts = [_formed(*each) for each in zip(state, widths, strict=True)]
    return None if any(part is None for part in parts) else _like(widths, parts)


def _part(given: Any, width: int | Dim | None) -> Variable:
    part = as_tensor_variable(given)
    if width is None or part.ndim > 2 or not is_float(part.dtype):
        return part  # a counter, or a tape of states
    if part.ndim < 2:
        raise ShapeError(
            f"a part of a state is [B, {width}], of rank 2; got rank {part.ndim}"
        ).at(here(), operands([part]))
    known = part.type.sizes[-1]
    if type(known) is type(width) is int and known != width:
        raise ShapeError(f"a part of a state is [B, {width}]; got {known} columns").at(
            here(), operands([part])
        )
    return part


def leaves(state: Any) -> Iterator[tuple[str, Any]]:
    """The variables of a state in order, each with its name ("" where it has none).

    >>> list(leaves((1, (2, 3))))
    [('', 1), ('', 2), ('', 3)]
    """
    names = getattr(state, "_fields", None) or [""] * len(state)
    for name, part in zip(names, state, strict=True):
        if isinstance(part, tuple):
            yield from leaves(part)
        else:
            yield name, part


def named(state: State) -> State:
    """The same; parts without a name get that of their field: printouts show it."""
    for name, part in leaves(state):
        part.name = part.name or name or None
    return state


def filled(state: Any, parts: Iterator[Any]) -> Any:
    """A state of the same form with `parts` for its variables.

    >>> filled((1, (2, 3)), iter("abc"))
    ('a', ('b', 'c'))
    """
    return map_state(lambda _: next(parts), state)


def _like(state: tuple[Any, ...], parts: list[Any]) -> Any:
    make: Callable[..., Any] = getattr(type(state), "_make", tuple)
    return make(parts)


def blocks(x: Variable, width: int | Dim, count: int) -> list[Variable]:
    """x = [x_1 ... x_n] side by side: its `count` parts of `width` columns each.

    Shapes: x: float[..., n·width], returns n times float[..., width].
    """
    one: list[Variable] = [x[..., k * width : (k + 1) * width] for k in range(count)]
    return one
