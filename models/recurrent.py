"""A cell run over time, with a mask that carries its state through padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic

from symseq.errors import ShapeError, UsageError
from symseq.graph import Variable, operands
from symseq.lengths import Dim
from symseq.ops.cast import cast
from symseq.ops.compare import switch
from symseq.ops.convert import as_tensor_variable
from symseq.ops.create import zeros_like
from symseq.ops.dimshuffle import Axis, dimshuffle
from symseq.ops.join import concatenate
from symseq.ops.shape import specify_shape
from symseq.random.streams import RandomStreams
from symseq.scan.frontend import build_loop
from symseq.span import here
from symseq.types import is_float

from .cells.cell import Cell, State, check_cell, check_fits, filled, formed, leaves
from .module import Module


class Recurrent(Module, Generic[State]):
    """y_t, s_t = cell(x_t, s_{t-1}) where the mask is 1; s_t = s_{t-1} where it is 0.

    An output that is a part of the state (h) is carried over padding with it; any other
    is 0 there. A part of the state without axes (a count of steps) goes on for all.
    Over padding x may hold any finite number.
    What a call is given goes before what the layer was made with.
    Shapes: x: float[T, B, D], mask: float[T, B], outputs: float[T, B, H].
    Raises: ShapeError for an x or a mask of another rank or width; UsageError for what
        is no cell, or an initial state that is not of the form of the cell's.
    """

    def __init__(
        self,
        cell: Cell[State],
        *,
        mask: Variable | None = None,
        reverse: bool = False,
        initial: State | None = None,
        return_state: bool = False,
        truncate: int = -1,
        name: str = "recurrent",
    ) -> None:
        check_cell(cell)
        self.cell, self.reverse, self.name = cell, reverse, name
        self.truncate = truncate  # how many of the last steps gradients go through
        self.mask, self.initial, self.return_state = mask, initial, return_state

    @property
    def outputs(self) -> int | Dim:
        """The width of an output."""
        return self.cell.outputs

    @property
    def widths(self) -> State:
        """The widths of the state's parts."""
        return self.cell.widths

    def __call__(
        self,
        x: Variable,
        mask: Variable | None = None,
        initial: State | None = None,
        *,
        streams: RandomStreams | None = None,
        return_state: bool | None = None,
    ) -> Any:
        """The output of every step, in the order of `x`; with `streams`, in training.

        Returns: outputs, or with `return_state` (outputs, the state after all steps,
            which is the initial one where T is 0).
        """
        run = self.run(x, mask, initial, streams=streams)
        wanted = self.return_state if return_state is None else return_state
        return (run.outputs, run.last) if wanted else run.outputs

    def run(
        self,
        x: Variable,
        mask: Variable | None = None,
        initial: State | None = None,
        *,
        streams: RandomStreams | None = None,
    ) -> Run[State]:
        """The outputs, and the states: the last one, and those of all steps."""
        x = _sequences(x, self.cell)
        batch = x.shape[1]
        cell = self.cell if streams is None else self.cell.training(streams, batch)
        start = self.initial if initial is None else initial
        start = cell.initial(batch) if start is None else formed(start, cell)
        mask = self.mask if mask is None else mask
        if mask is not None:
            mask = _beside(mask, x)

        def step(x_t: Variable, *rest: Variable) -> list[Variable]:
            real, old = (None, rest) if mask is None else (rest[0], rest[1:])
            output, state = cell(x_t, filled(start, iter(old)))
            new = _parts(state, start, cell)
            kept = [_real(*pair, real) for pair in zip(new, old, strict=True)]
            for part, same in zip(kept, new, strict=True):
                part.name = same.name
            shown = [k for n, k in zip(new, kept, strict=True) if n is output]
            return [*kept, *(shown[:1] or [_real(output, zeros_like(output), real)])]

        first = [part for _, part in leaves(start)]
        loop = build_loop(
            step,
            [x] if mask is None else [x, mask],
            [*first, None],
            backwards=self.reverse,
            truncate=self.truncate,
            name=self.name,
        )
        forward = slice(None, None, -1 if self.reverse else None)
        *all_states, outputs = (loop.output(k)[forward] for k in range(len(first) + 1))
        last = map(loop.last, range(len(first)))
        return Run(outputs, filled(start, last), filled(start, iter(all_states)))


@dataclass(frozen=True, slots=True)
class Run(Generic[State]):
    """What a layer did. Shapes: outputs: float[T, B, H]; states have a T in front."""

    outputs: Variable
    last: State
    states: State


class Bidirectional(Module):
    """y_t = [h→_t; h←_t], or their sum: a cell reads from each end of the sequence.

    Shapes: x: float[T, B, D], mask: float[T, B], outputs: float[T, B, 2H] ("concat")
        or float[T, B, H] ("sum").
    Raises: UsageError for cells that read other widths, or show others to be summed.
    Reference: Schuster and Paliwal 1997, figure 3; Graves 2012, section 3.2.4.
    """

    def __init__(
        self, forward: Cell[Any], backward: Cell[Any], *, merge: str = "concat"
    ) -> None:
        if merge not in ("concat", "sum"):
            raise UsageError(f'merge must be "concat" or "sum"; got {merge!r}')
        check_cell(forward)
        check_cell(backward)
        check_fits("the backward cell", backward.inputs, "the input", forward.inputs)
        if merge == "sum":
            both = backward.outputs, "the forward one", forward.outputs
            check_fits("the output of the backward cell", *both)
        self.forward = Recurrent(forward, name="forward")
        self.backward = Recurrent(backward, reverse=True, name="backward")
        self.merge = merge

    @property
    def outputs(self) -> int | Dim:
        """The width of an output."""
        ahead, behind = self.forward.outputs, self.backward.outputs
        return ahead + behind if self.merge == "concat" else ahead

    @property
    def widths(self) -> tuple[Any, Any]:
        """The widths of both states' parts."""
        return self.forward.widths, self.backward.widths

    def __call__(
        self,
        x: Variable,
        mask: Variable | None = None,
        *,
        streams: RandomStreams | None = None,
        return_state: bool = False,
    ) -> Any:
        """Both halves' outputs; with `return_state` (outputs, (forward's, backward's)).

        The state of the forward half has seen everything at the last step, that of the
        backward half at the first.
        """
        ahead = self.forward.run(x, mask, streams=streams)
        behind = self.backward.run(x, mask, streams=streams)
        if self.merge == "sum":
            outputs = ahead.outputs + behind.outputs
        else:
            outputs = concatenate([ahead.outputs, behind.outputs], axis=-1)
        return (outputs, (ahead.last, behind.last)) if return_state else outputs


def _sequences(x: Variable, cell: Cell[Any]) -> Variable:
    """x as what the cell reads step by step: float[T, B, D], or tokens, int[T, B]."""
    x = as_tensor_variable(x)
    reads = getattr(cell, "inputs", None)  # None: tokens, which the cell embeds
    if (reads is not None or is_float(x.dtype)) and x.ndim != 3:
        raise ShapeError(
            f"a layer reads x[T, B, D], of rank 3; got rank {x.ndim}",
            hint="one sequence x[T, D] is the batch x[:, None]; an Embedding makes "
            "vectors of tokens",
        ).at(here(), operands([x]))
    width = x.type.sizes[-1]
    if x.ndim == 3 and type(width) is type(reads) is int and width != reads:
        raise ShapeError(
            f"{type(cell).__name__} reads {reads} columns; got {width}"
        ).at(here(), operands([x]))
    return x


def _beside(mask: Variable, x: Variable) -> Variable:
    """The mask, as long as x: a shorter one would end the loop with its last row."""
    mask = as_tensor_variable(mask)
    if mask.ndim != 2:
        raise ShapeError(
            f"a mask is mask[T, B], of rank 2; got rank {mask.ndim}",
            hint="one number per step and sequence: 1 where it is real, 0 for padding",
        ).at(here(), operands([mask]))
    return specify_shape(mask, (x.shape[0], x.shape[1]))


def _parts(state: Any, start: Any, cell: Cell[Any]) -> list[Variable]:
    """The new state's variables, named as its parts are.

    Raises: UsageError where it is not of the form of the initial state.
    """
    new = list(leaves(state))
    if len(new) != len(list(leaves(start))):
        raise UsageError(
            f"a cell's new state has the form of its first; {type(cell).__name__} "
            f"began with {start} and went on with {state}",
        ).at(here())
    for name, part in new:
        part.name = part.name or name  # as pictures and plans show it
    return [part for _, part in new]


def _real(new: Variable, old: Variable, real: Variable | None) -> Variable:
    """`new` where `real` (float[B]) is 1, else `old`. Shapes: both [B, ...]."""
    if real is None or new.ndim == 0:
        return new
    beside: list[Axis] = ["x"] * (new.ndim - 1)
    m = dimshuffle(real, [0, *beside])
    if not is_float(new.dtype):
        return switch(m, new, old)
    m = cast(m, new.dtype)  # a mask of float64 beside float32 does not widen the state
    return m * new + (1 - m) * old
