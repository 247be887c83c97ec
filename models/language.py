"""A model of text: what comes next, from all that came before, stretch by stretch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple

import numpy as np

from symseq.config import config
from symseq.errors import UsageError
from symseq.graph import SharedVariable, Variable
from symseq.lengths import Dim
from symseq.ops.arange import arange
from symseq.ops.indexing import set_subtensor
from symseq.ops.matrices import to_one_hot
from symseq.ops.products import dot
from symseq.random.streams import RandomStreams
from symseq.types import TensorType

from . import init
from .attention.lstmn import LSTMN, LSTMNState
from .cells.cell import Cell, State, map_state
from .layers import Dense, Embedding
from .losses import sequence_cross_entropy
from .module import Module, size
from .recurrent import Recurrent, Run
from .seq2seq import search


class OneHot(Module):
    """y = zeros with a 1 at x. Shapes: x: int[...], y: float[..., V]."""

    def __init__(self, vocabulary: int | Dim) -> None:
        self.width = size(vocabulary)

    def __call__(self, x: Variable) -> Variable:
        return to_one_hot(x, self.width, config.floatX)


class CarriedState(Module, Generic[State]):
    """Any cell goes on with the state that it ended with. Shapes: as the cell's."""

    def __init__(self, cell: Cell[State]) -> None:
        self.cell = cell
        self.inputs, self.outputs = cell.inputs, cell.outputs

    def first(self, batch: Variable | int) -> State:
        """s_0. Shapes: each float[B, its width]."""
        return self.cell.initial(batch)

    def begin(self, steps: Variable | int, carried: State) -> tuple[Cell[State], State]:
        """The cell itself, from what was carried."""
        return self.cell, carried

    def end(self, state: State) -> State:
        """The state itself."""
        return state


class TapeEnd(NamedTuple):
    """h and c, the last rows of the tapes, and h̃. Shapes: float[B, H] each."""

    h: Variable
    c: Variable
    attended: Variable


class CarriedTapeEnd(Module):
    """An LSTMN goes on with new tapes, whose first rows are the last of the old ones.

    So it attends to the steps of its own stretch, and to the end of the one before.
    Shapes: h, c, h̃: float[B, H].
    Reference: Cheng, Dong and Lapata 2016, with h_0 and c_0 of the stretch before.
    """

    def __init__(self, lstmn: LSTMN) -> None:
        self.lstmn = lstmn
        self.inputs, self.outputs = lstmn.inputs, lstmn.hidden

    def first(self, batch: Variable | int) -> TapeEnd:
        """Zeros. Shapes: float[B, H] each."""
        state = self.lstmn.over(0).initial(batch)
        return TapeEnd(state.h, state.memory_tape[:, 0], state.attended)

    def begin(
        self, steps: Variable | int, carried: TapeEnd
    ) -> tuple[Cell[LSTMNState], LSTMNState]:
        """The LSTMN with tapes for so many steps, which begin with h and c."""
        cell = self.lstmn.over(steps)
        h, c, attended = carried
        empty = cell.initial(h.shape[0])
        return cell, empty._replace(
            h=h,
            attended=attended,
            hidden_tape=set_subtensor(empty.hidden_tape[:, 0], h),
            memory_tape=set_subtensor(empty.memory_tape[:, 0], c),
            keys=set_subtensor(empty.keys[:, 0], dot(h, self.lstmn.W_h)),
        )

    def end(self, state: LSTMNState) -> TapeEnd:
        """The last rows written, and h̃. Shapes: float[B, H] each."""
        last = state.memory_tape[arange(state.h.shape[0]), state.done]
        return TapeEnd(state.h, last, state.attended)


class Sampled(NamedTuple):
    """Characters that a model drew. Shapes: tokens: int32[T, B]; what it carries on."""

    tokens: Variable
    carried: Any


class CharacterModel(Module):
    """p(x_{t+1} | x_1 ... x_t) = softmax(h_t V + c), where h_t = cell(E[x_t]).

    A text is read in stretches of T characters; what the cell carries from one to the
    next is an argument and a result, so that gradients go through T steps (truncated
    BPTT) while the state goes on: `Carried` keeps it in shared variables.
    Shapes: x: int[T, B], E: float[V, D], h: float[T, B, H], logits: float[T, B, V].
    Args:
        cell: any cell, or an `LSTMN`.
        embedding: int[T, B] → float[T, B, D]; `OneHot(V)` for a cell of V inputs.
    Reference: Mikolov et al. 2010; Graves 2013, section 3; truncated BPTT: Williams and
        Peng 1990.
    """

    def __init__(
        self,
        vocabulary: int | Dim,
        cell: Cell[Any] | LSTMN,
        *,
        rng: np.random.Generator,
        embedding: Callable[[Variable], Variable] | None = None,
    ) -> None:
        self.core: CarriedState[Any] | CarriedTapeEnd = (
            CarriedTapeEnd(cell) if isinstance(cell, LSTMN) else CarriedState(cell)
        )
        self.embedding = embedding or Embedding(
            vocabulary, self.core.inputs, rng=rng, initial=init.normal(1.0)
        )
        self.readout = Dense(
            self.core.outputs, vocabulary, rng=rng, initial=init.glorot()
        )

    def __call__(self, x: Variable, carried: Any = None) -> tuple[Variable, Any]:
        """The logits of what follows each character, and what is carried on."""
        run = self.run(x, carried)
        return self.readout(run.outputs), self.core.end(run.last)

    def run(self, x: Variable, carried: Any = None) -> Run[Any]:
        """What the cell did over a stretch, with all its states, for pictures."""
        start = self.core.first(x.shape[1]) if carried is None else carried
        cell, state = self.core.begin(x.shape[0], start)
        return Recurrent(cell).run(self.embedding(x), initial=state)

    def cost(
        self, x: Variable, following: Variable, carried: Carried
    ) -> tuple[Variable, dict[SharedVariable, Variable]]:
        """-mean log p(x_{t+1} | ...) in nats, and the updates that carry the state on.

        Shapes: x, following: int[T, B], returns a float scalar.
        """
        logits, new = self(x, carried.state)
        return sequence_cross_entropy(logits, following), carried.updates(new)

    def sample(
        self,
        first: Variable,
        carried: Any = None,
        *,
        steps: int | Variable,
        streams: RandomStreams,
        temperature: float | Variable = 1.0,
    ) -> Sampled:
        """x_{t+1} ~ softmax(logits_t / temperature) for so many steps, from `first` on.

        Shapes: first: int32[B], the last known character; tokens: int32[T, B].
        Raises: UsageError for a temperature that is not above 0.
        """
        start = self.core.first(first.shape[0]) if carried is None else carried
        cell, state = self.core.begin(steps, start)

        def step(tokens: Variable, old: Any) -> tuple[Variable, Any]:
            h, new = cell(self.embedding(tokens[None])[0], old)
            return self.readout(h), new

        found = search.sample(
            step, state, first=first, end=None, longest=steps,
            streams=streams, temperature=temperature,
        )  # fmt: skip
        return Sampled(found.tokens, self.core.end(found.last))


class Carried:
    """What a model carries from one minibatch to the next, in shared variables.

    `state` goes into the model; `updates(what came out)` into ``function(updates=)``.
    A batch may be of any size: `reset(B)` begins B texts anew.
    Shapes: each float[B, H], as the model's state.
    """

    def __init__(self, model: CharacterModel, batch: int = 1) -> None:
        self.state = map_state(_memory, model.core.first(batch))
        self.reset(batch)

    def updates(self, new: Any) -> dict[SharedVariable, Variable]:
        """old ← new, part by part."""
        changes: dict[SharedVariable, Variable] = {}
        map_state(changes.__setitem__, self.state, new)
        return changes

    def reset(self, batch: int) -> None:
        """All that is carried is 0, for `batch` texts."""
        if batch < 1:
            raise UsageError(f"a batch holds at least 1 text; got {batch}")
        map_state(lambda part: _forget(part, batch), self.state)


def _memory(part: Variable) -> SharedVariable:
    """A shared variable for a part of a state, whose batch may change."""
    free = (None, *part.type.shape[1:]) if part.ndim else ()
    kind = TensorType(part.dtype, free)
    nothing = np.zeros([size(length or 1) for length in free], part.dtype)
    return SharedVariable(kind, nothing, "carried")


def _forget(part: SharedVariable, batch: int) -> None:
    lengths = [batch, *part.storage.shape[1:]] if part.ndim else []
    part.set_value(np.zeros(lengths, part.dtype))


def width_for(budget: int, count: Callable[[int], int]) -> int:
    """The H whose `count(H)` comes nearest to `budget`, for a count growing with H.

    >>> width_for(1000, lambda H: H * H + 3 * H)
    30
    """
    low, high = 1, 2
    while count(high) < budget:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if count(middle) >= budget else (middle, high)
    return min((low, high), key=lambda H: abs(count(H) - budget))
