"""outputs_info: which outputs are states, how they start, what they read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from symseq.errors import ShapeError, UsageError
from symseq.graph import Constant, SharedVariable, Variable, operands
from symseq.lengths import size_of
from symseq.ops.cast import cast
from symseq.ops.convert import as_tensor, constant, is_weak
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.indexing import getitem
from symseq.scan.roles import StateSpec
from symseq.scan.sequences import check_keys, listed, read_taps
from symseq.span import here


@dataclass(frozen=True, slots=True)
class State:
    """A state while its loop is built: `taps` are the variables that the step reads."""

    spec: StateSpec
    initial: Variable  # [depth, ...]
    taps: tuple[Variable, ...]
    weak: bool = False  # the initial value is a Python number: it takes any dtype
    shared: SharedVariable | None = None

    def with_type(self, dtype: str, shape: Any) -> State:
        """The same with other variables for its taps; a weak initial value is cast."""
        type_ = self.taps[0].type.with_dtype(dtype).with_shape(shape)
        taps = tuple(Variable(type_, name=tap.name) for tap in self.taps)
        initial = self.initial
        if dtype != initial.dtype:
            initial = cast(initial, dtype)
        return replace(self, taps=taps, initial=initial, weak=False)


def read_outputs_info(outputs_info: Any) -> list[State | None]:
    """One entry per output: a state, or None for an output that no step reads."""
    return [_state(entry) for entry in listed(outputs_info)]


def _state(entry: Any) -> State | None:
    info = dict(entry) if isinstance(entry, Mapping) else {"initial": entry}
    check_keys(info, ("initial", "taps", "inplace"), "an output")
    given, taps = info.get("initial"), read_taps(info.get("taps"), (-1,))
    if given is None:
        if info.get("taps"):
            raise UsageError(
                f"an output with taps needs an initial value; got taps {list(taps)}",
                hint="outputs_info=dict(initial=x, taps=[-1])",
            )
        return None
    if max(taps) >= 0:
        raise UsageError(f"taps of an output must be negative; got {list(taps)}")
    weak = is_weak(given)
    # A count that starts at Python's 0 must not be an int8 that wraps at 127.
    counts = weak and isinstance(given, int) and not isinstance(given, bool)
    initial = as_tensor(given, "int64" if counts else None)
    return _make(initial, taps, weak)


def _make(initial: Variable, taps: tuple[int, ...], weak: bool) -> State:
    depth = -min(taps)
    rows = first_rows(initial, depth, single=taps == (-1,))
    type_ = rows.type.with_shape(rows.type.shape[1:])
    name = state_name(initial)
    inner = tuple(Variable(type_, name=f"{name}[t{tap}]") for tap in taps)
    return State(StateSpec(depth, taps), rows, inner, weak)


def state_name(initial: Variable) -> str:
    """'h' of a state whose initial value is called h, h0 or h_init, or nothing."""
    name = initial.name or "h"
    found = re.fullmatch(r"(\w*[^\W\d_])_?(0|init|initial)", name)
    return found[1] if found else name


def first_rows(initial: Variable, depth: int, *, single: bool) -> Variable:
    """The initial rows [depth, ...]; a `single` initial value gets its axis here."""
    if single:
        if isinstance(initial, Constant):
            return constant(initial.data[None], name=initial.name)
        return dimshuffle(initial, ["x", *range(initial.ndim)])
    if initial.ndim == 0:
        raise ShapeError(
            f"an initial value for taps up to -{depth} needs {depth} rows; got a scalar"
        ).at(here(), operands([initial]))
    if size_of(initial.type.shape[0]) == depth:
        return initial
    return getitem(initial, slice(None, depth))


def shared_state(variable: SharedVariable) -> State:
    """A shared variable that the step updates: a state of which the last row counts."""
    rows = dimshuffle(variable, ["x", *range(variable.ndim)])
    tap = Variable(variable.type, name=variable.name)
    return State(StateSpec(1, (-1,), last_only=True), rows, (tap,), shared=variable)
