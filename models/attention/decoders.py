"""Decoders that attend: Bahdanau's looks before its step, Luong's after."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, NamedTuple, Self

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.lengths import Dim, size_of
from symseq.ops.join import concatenate
from symseq.ops.math import tanh
from symseq.ops.products import dot
from symseq.random.streams import RandomStreams
from symseq.span import here

from .. import init
from ..cells.cell import Cell, check_cell, leaves
from ..module import Module, parameter
from .memory import Memory, check_memory
from .soft import Attention


class Decoder(Module):
    """A cell that needs a memory: `over(memory)` is the cell that has one.

    Attributes:
        cell: the cell inside, which reads [y_{t-1}; what the last look gave].
        attention: how it looks at the memory.
        inputs, outputs: the widths of y_{t-1} and of the output.
        seen: the width of what the state keeps of a look.
        feeding: whether the next step reads what the last look gave.
        state: makes the state of (inner, what was seen, weights[B, S], notes).
    """

    cell: Cell[Any]
    attention: Attention
    inputs: int | Dim
    outputs: int | Dim
    seen: int | Dim
    feeding: bool = True
    state: Callable[..., Any]

    def over(self, memory: Memory) -> Attending:
        """The cell that attends to `memory`, for `Recurrent` or for a search.

        Raises: UsageError for what is no memory, ShapeError for another rank.
        """
        check_memory(memory)
        return Attending(self, memory)

    def step(self, y: Variable, state: Any, memory: Memory) -> tuple[Variable, Any]:
        """One step. Shapes: y: float[B, D], returns (float[B, its outputs], state).

        Raises: UsageError for a decoder without one.
        """
        raise UsageError(f"{type(self).__name__} must define step(y, state, memory)")

    def looking(self, attention: Attention) -> Self:
        """A copy, with the same parameters, that looks by `attention`."""
        made = copy(self)
        made.attention = attention
        return made

    def training(self, streams: RandomStreams, batch: Variable | int) -> Self:
        """A copy whose cell and attention are as in training."""
        made = copy(self)
        made.cell = self.cell.training(streams, batch)
        made.attention = self.attention.training(streams, batch)
        return made


class Attending(Cell[Any]):
    """decoder.step(y_{t-1}, s_{t-1}, memory): a decoder with its memory is a cell.

    Output and state: the decoder's.
    Shapes: y: float[B, D], memory: values float[S, B, H], mask float[S, B].
    """

    def __init__(self, decoder: Decoder, memory: Memory) -> None:
        self.decoder, self.memory = decoder, memory
        self.inputs, self.outputs = decoder.inputs, decoder.outputs
        # One weight for each place of the memory: a width that is known when called.
        places = memory.values.shape[0]
        notes = decoder.attention.notes(places)
        self.widths = decoder.state(decoder.cell.widths, decoder.seen, places, notes)

    def __call__(self, x: Variable, state: Any) -> tuple[Variable, Any]:
        return self.decoder.step(x, state, self.memory)

    def initial(self, batch: Variable | int, inner: Any = None) -> Any:
        """Zeros, and the first state of the cell inside: its own, or `inner`.

        Shapes: inner: as the cell's state, each float[B, H].
        """
        begun = self.decoder.cell.initial(batch) if inner is None else inner
        return super().initial(batch)._replace(inner=begun)

    def training(self, streams: RandomStreams, batch: Variable | int) -> Attending:
        """The decoder as it is in training, with the same memory."""
        return Attending(self.decoder.training(streams, batch), self.memory)


class BahdanauState(NamedTuple):
    """inner: the cell's; context: c_i; weights: α_i; notes: of the look.

    Shapes: context: float[B, M], weights: float[B, S].
    """

    inner: Any
    context: Variable
    weights: Variable
    notes: Any


class BahdanauDecoder(Decoder):
    """Looks with s_{i-1}, then steps: the context is read beside y_{i-1}.

        c_i, α_i = attention(s_{i-1}, h)
        s_i = cell([y_{i-1}; c_i], s_{i-1})

    Output: [s_i; c_i], which the word y_i is read from. The query s_{i-1} is the last
    part named h of the cell's state.
    Shapes: y: float[B, D], memory: values float[S, B, M], s: float[B, H],
        output: float[B, H + M]. The cell reads D + M columns; `memory` is M.
    Raises: UsageError for a cell that shows no h, or reads other columns.
    Reference: Bahdanau, Cho and Bengio 2015, equations 4-6.
    """

    state = BahdanauState

    def __init__(
        self,
        cell: Cell[Any],
        attention: Attention,
        inputs: int | Dim,
        memory: int | Dim,
    ) -> None:
        _check_parts(cell, attention)
        _check_reads(cell, inputs, memory)
        self.cell, self.attention = cell, attention
        self.inputs, self.outputs = inputs, cell.outputs + memory
        self.seen = memory

    def step(
        self, y: Variable, state: BahdanauState, memory: Memory
    ) -> tuple[Variable, BahdanauState]:
        query = shown(state.inner)
        context, weights, notes = self.attention.look(query, memory, state.notes)
        s, inner = self.cell(concatenate([y, context], axis=-1), state.inner)
        new = BahdanauState(inner, context, weights.T, notes)
        return concatenate([s, context], axis=-1), new


class LuongState(NamedTuple):
    """inner: the cell's; attentional: h̃_t; weights: a_t; notes.

    Shapes: attentional: float[B, K], weights: float[B, S].
    """

    inner: Any
    attentional: Variable
    weights: Variable
    notes: Any


class LuongDecoder(Decoder):
    """Steps, then looks with h_t; the next step reads what came of it (input feeding).

        h_t = cell([y_{t-1}; h̃_{t-1}], h_{t-1})
        c_t, a_t = attention(h_t, h̄)
        h̃_t = tanh([c_t; h_t] W)

    Output: h̃_t. Without input `feeding` the cell reads y_{t-1} alone.
    Shapes: y: float[B, D], memory: values float[S, B, M], h: float[B, H],
        W: float[M + H, K], h̃: float[B, K]. The cell reads D + K columns; `memory` is M.
    Raises: UsageError for a cell that reads other columns.
    Reference: Luong, Pham and Manning 2015, equations 5-7 and section 3.3.
    """

    state = LuongState

    def __init__(
        self,
        cell: Cell[Any],
        attention: Attention,
        inputs: int | Dim,
        memory: int | Dim,
        *,
        rng: np.random.Generator,
        outputs: int | Dim | None = None,
        feeding: bool = True,
        initial: init.Initializer = init.TUTORIAL_WEIGHT,
        name: str = "luong",
    ) -> None:
        _check_parts(cell, attention)
        self.cell, self.attention, self.feeding = cell, attention, feeding
        self.inputs = inputs
        self.outputs = self.seen = cell.outputs if outputs is None else outputs
        _check_reads(cell, inputs, self.seen if feeding else 0)
        both = memory + cell.outputs
        self.W = parameter(initial, both, self.seen, rng=rng, name=f"{name}.W")

    def step(
        self, y: Variable, state: LuongState, memory: Memory
    ) -> tuple[Variable, LuongState]:
        x = concatenate([y, state.attentional], axis=-1) if self.feeding else y
        h, inner = self.cell(x, state.inner)
        context, weights, notes = self.attention.look(h, memory, state.notes)
        attentional = tanh(dot(concatenate([context, h], axis=-1), self.W))
        return attentional, LuongState(inner, attentional, weights.T, notes)


def shown(state: Any) -> Variable:
    """What a cell with this state showed last: the last part named h.

    Shapes: float[B, H].
    Raises: UsageError for a state without one.
    """
    found: list[Variable] = [part for name, part in leaves(state) if name == "h"]
    if not found:
        raise UsageError(
            f"a query with s_{{i-1}} needs a state that has an h; got {state}",
            hint="use a decoder whose query is the cell's output, such as LuongDecoder",
        )
    return found[-1]


def _check_parts(cell: object, attention: object) -> None:
    """Raises: UsageError for what is no cell, or no attention."""
    check_cell(cell)
    if not isinstance(attention, Attention):
        raise UsageError(
            f"a decoder looks by an attention; got {type(attention).__name__}",
            hint="SoftAttention(score) makes one of a score",
        ).at(here())


def _check_reads(cell: Cell[Any], inputs: int | Dim, seen: int | Dim) -> None:
    reads, fed = size_of(cell.inputs), size_of(inputs + seen)
    if reads != fed:
        raise UsageError(
            f"the decoder's cell must read {inputs} + {seen} columns; "
            f"it reads {cell.inputs}"
        )
