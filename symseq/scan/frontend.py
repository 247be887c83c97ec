"""scan: from a step function to a Scan node, with Theano's meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symseq.errors import UsageError
from symseq.graph import SharedVariable, Variable
from symseq.ops.cast import cast
from symseq.ops.convert import as_tensor
from symseq.ops.indexing import getitem
from symseq.ops.math import add
from symseq.scan.closure import close, refuse_captured
from symseq.scan.op import Body, Scan
from symseq.scan.returns import Returned, sort_returned
from symseq.scan.segments import in_segments
from symseq.scan.sequences import (
    backward_steps,
    count_steps,
    listed,
    read_sequences,
    step_numbers,
)
from symseq.scan.settle import settle_types
from symseq.scan.states import State, read_outputs_info, shared_state
from symseq.scan.steps import stepping
from symseq.scan.updates import OrderedUpdates
from symseq.traverse import leaves, replace


@dataclass(frozen=True, slots=True)
class Loop:
    """A built loop: its results, and per output of the step where it is among them."""

    op: Scan
    results: Sequence[Variable]  # as the outputs of the op
    places: tuple[int, ...]
    shared: tuple[SharedVariable, ...]

    def output(self, k: int) -> Variable:
        """Output k of all steps done: a history past its initial rows, or a stack."""
        place = self.places[k]
        whole = self.results[place]
        if place < len(self.op.states):
            whole = getitem(whole, slice(self.op.states[place].depth, None))
        done = self.op.steps_done(self.results)
        view = whole if done is None else getitem(whole, slice(None, done))
        view.name = self.op.body.outputs[place].name
        return view

    def last(self, k: int) -> Variable:
        """Output k of the last step; of a state without steps the initial value."""
        place = self.places[k]
        if place >= len(self.op.states):
            return getitem(self.output(k), -1)
        done = self.op.steps_done(self.results)
        depth = self.op.states[place].depth
        at = -1 if done is None else add(done, depth - 1)
        return getitem(self.results[place], at)

    @property
    def updates(self) -> OrderedUpdates:
        first = len(self.op.states) - len(self.shared)
        finals = [getitem(h, 0) for h in self.results[first : len(self.op.states)]]
        return OrderedUpdates(zip(self.shared, finals, strict=True))


def scan(
    fn: Callable[..., Any],
    sequences: Any = None,
    outputs_info: Any = None,
    non_sequences: Any = None,
    n_steps: Any = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    mode: object = None,
    name: str | None = None,
    profile: object = False,
    allow_gc: object = None,
    strict: bool = False,
    return_list: bool = False,
    checkpoint_every: int | None = None,
) -> tuple[Any, OrderedUpdates]:
    """outputs[t] = fn(sequences[t], outputs before t, non_sequences), for t = 0, 1, ...

    Args:
        fn: called once, with a row per sequence tap, a row per output tap, and the
            non_sequences; returns outputs, updates, ``until(condition)``, or a tuple.
        sequences: arrays looped over along axis 0, or ``dict(input=x, taps=[-1, 0])``.
        outputs_info: per output its initial value, or
            ``dict(initial=x, taps=[-2, -1])``, or None for one that no step reads.
        n_steps: an int or an integer scalar; else the shortest sequence decides.
            A negative number runs backwards.
        truncate_gradient: how many of the last steps the gradient goes back through.
        strict: refuse shared variables that the step reads but was not given.
        checkpoint_every: the gradient keeps the states of every so many steps only and
            computes the others again.
        mode, profile, allow_gc: accepted for Theano programs, without effect.

    Returns: (outputs, updates): one output or a list; the shared variables that the
        step updates with their values after the last step.

    Raises: ShapeError, DTypeError, UsageError at the user's line.
    """
    loop = build_loop(
        fn, sequences, outputs_info, non_sequences, n_steps,
        truncate=truncate_gradient, backwards=go_backwards, name=name,
        strict=strict, checkpoint_every=checkpoint_every,
    )  # fmt: skip
    outputs = [loop.output(k) for k in range(len(loop.places))]
    return arrange(outputs, return_list), loop.updates


def arrange(outputs: list[Variable], return_list: bool = False) -> Any:
    """None, one output, or the list of them."""
    if return_list or len(outputs) > 1:
        return outputs
    return outputs[0] if outputs else None


def build_loop(
    fn: Callable[..., Any],
    sequences: Any = None,
    outputs_info: Any = None,
    non_sequences: Any = None,
    n_steps: Any = None,
    *,
    truncate: int = -1,
    backwards: bool = False,
    name: str | None = None,
    strict: bool = False,
    checkpoint_every: int | None = None,
) -> Loop:
    """The node of `scan`, and where its outputs are."""
    check_options(fn, truncate, checkpoint_every)
    toggled = backward_steps(n_steps)
    if toggled is not None:
        n_steps, backwards = toggled, not backwards
    views = read_sequences(sequences, backwards)
    count = count_steps(n_steps, views)
    infos = read_outputs_info(outputs_info)
    given = [as_tensor(value) for value in listed(non_sequences)]
    outer = [view for group in views for view in group]
    rows = [_row_of(view) for view in outer]
    taps = [tap for state in infos if state is not None for tap in state.taps]
    with stepping([*rows, *taps]) as step:
        returned = sort_returned(fn(*rows, *taps, *given))
    draft = Draft(count, outer, rows, step, infos, given, returned)
    options = (name or "scan", truncate, checkpoint_every)
    return draft.build(strict, *options)


def check_options(fn: object, truncate: int, checkpoint_every: int | None) -> None:
    """Raises: UsageError for a value that scan does not take."""
    if not callable(fn):
        raise UsageError(f"scan needs a function as its step; got {fn!r}")
    whole = isinstance(truncate, (int, np.integer))
    if not whole or (truncate != -1 and truncate < 1):
        raise UsageError(f"truncate_gradient must be -1 or at least 1; got {truncate}")
    every = 1 if checkpoint_every is None else checkpoint_every
    if isinstance(every, bool) or not isinstance(every, (int, np.integer)) or every < 1:
        raise UsageError(
            f"checkpoint_every must be a whole number of steps, at least 1; got "
            f"{checkpoint_every!r}",
            hint="about the root of the number of steps needs the least memory",
        )


def _row_of(view: Variable) -> Variable:
    name = f"{view.name}[t]" if view.name else None
    return Variable(view.type.with_shape(view.type.shape[1:]), name=name)


@dataclass(slots=True)
class Draft:
    """A loop between the call of its step function and its node."""

    count: Variable
    outer: list[Variable]
    rows: list[Variable]
    step: Variable
    infos: Sequence[State | None]
    given: list[Variable]
    returned: Returned

    def build(
        self, strict: bool, name: str, truncate: int, checkpoint_every: int | None
    ) -> Loop:
        infos = self._infos()
        outputs = self.returned.outputs
        carried = [k for k, state in enumerate(infos) if state is not None]
        # An output that is a state's new value is stacked already: in its history.
        twins = {outputs[k]: k for k in reversed(carried)}
        free = [k for k, state in enumerate(infos) if state is None]
        mapped = [k for k in free if outputs[k] not in twins]
        shared = list(self.returned.updates)
        states = [state for state in infos if state is not None]
        states += [shared_state(variable) for variable in shared]
        results = [outputs[k] for k in carried]
        results += [as_tensor(value) for value in self.returned.updates.values()]
        results += [outputs[k] for k in mapped]
        if self.returned.condition is not None:
            results.append(cast(self.returned.condition, "bool"))
        results = self._read_updated(states, results)
        states, results = settle_types(states, results)
        self._add_step(results)
        inner = [*self.rows, *(tap for state in states for tap in state.taps)]
        if strict:
            refuse_captured(inner, results, self.given)
        closed, fresh, captured = close(inner, results)
        op = Scan(
            Body((*inner, *fresh), tuple(closed)),
            sequences=len(self.rows),
            states=tuple(state.spec for state in states),
            mapped=len(mapped),
            constants=len(captured),
            until=self.returned.condition is not None,
            name=name,
            truncate=truncate,
            checkpoint_every=checkpoint_every,
        )
        initial = [state.initial for state in states]
        inputs = [self.count, *self.outer, *initial, *captured]
        order = {k: place for place, k in enumerate(carried)}
        order |= {k: len(states) + place for place, k in enumerate(mapped)}
        order |= {k: order[twins[outputs[k]]] for k in free if k not in order}
        places = tuple(order[k] for k in range(len(infos)))
        made = op.make(*inputs) if checkpoint_every is None else in_segments(op, inputs)
        return Loop(op, made, places, tuple(shared))

    def _infos(self) -> list[State | None]:
        """One entry per output; without outputs_info no output is a state."""
        count = len(self.returned.outputs)
        if not self.infos:
            return [None] * count
        if len(self.infos) != count:
            raise UsageError(
                "outputs_info needs one entry per output of the step; "
                f"got {len(self.infos)} for {count}",
                hint="use None for an output that no step reads",
            )
        return list(self.infos)

    def _read_updated(
        self, states: Sequence[State], results: Sequence[Variable]
    ) -> list[Variable]:
        """A shared variable that the step updates is read as it is at that step."""
        mapping: dict[Variable, Variable] = {
            state.shared: state.taps[0] for state in states if state.shared is not None
        }
        return replace(results, mapping) if mapping else list(results)

    def _add_step(self, results: Sequence[Variable]) -> None:
        """The step number becomes a sequence where the step reads it (a draw)."""
        if any(v is self.step for v in leaves(results)):
            self.outer.append(step_numbers(self.count))
            self.rows.append(self.step)
