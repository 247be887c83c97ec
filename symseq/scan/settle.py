"""The types of states: the join of the initial value's and the step's."""

from __future__ import annotations

from collections.abc import Sequence

from symseq import lengths
from symseq.errors import DTypeError, Operand, ShapeError
from symseq.graph import Variable, operands
from symseq.lengths import Length
from symseq.scan.states import State
from symseq.span import Span
from symseq.traverse import depends_on, replace, sort_nodes
from symseq.types import is_static_one


def settle_types(
    states: Sequence[State], outputs: Sequence[Variable]
) -> tuple[list[State], list[Variable]]:
    """States whose type fits both their initial and their new value, and the step's
    outputs inferred anew over them. The first outputs are the states' new values.

    Raises: DTypeError, ShapeError where no type fits.
    """
    settled, outputs = list(states), list(outputs)
    while True:
        mapping: dict[Variable, Variable] = {}
        for k, (state, new) in enumerate(zip(settled, outputs, strict=False)):
            joined = _join(state, new)
            if joined is not state:
                settled[k] = joined
                mapping.update(zip(state.taps, joined.taps, strict=True))
        if not mapping:
            return settled, outputs
        outputs = replace(outputs, mapping)


def _join(state: State, new: Variable) -> State:
    old = state.taps[0].type
    if old.dtype != new.dtype:
        if state.weak:
            return state.with_type(new.dtype, old.shape)
        raise _dtype_error(state, new)
    if old.ndim != new.ndim:
        raise ShapeError(
            f"a state keeps its rank: it starts with rank {old.ndim} and the step "
            f"gives rank {new.ndim}",
            hint="look for a broadcast against the initial value",
        ).at(new.span, _shown(state, new))
    pairs = zip(old.shape, new.type.shape, strict=True)
    shape = [_join_lengths(a, b, state, new) for a, b in pairs]
    return state if tuple(shape) == old.shape else state.with_type(old.dtype, shape)


def _join_lengths(a: Length, b: Length, state: State, new: Variable) -> Length:
    one = is_static_one(a) or is_static_one(b)
    if lengths.differ(a, b) and not one:
        raise ShapeError(
            f"a state keeps its lengths: it starts with {lengths.show(a)} and the "
            f"step gives {lengths.show(b)}"
        ).at(new.span, _shown(state, new))
    return a if a is None else lengths.join(a, b)


def _shown(state: State, new: Variable) -> tuple[Operand, ...]:
    tap = state.taps[0]
    return (
        Operand("starts as", str(tap.type), state.initial.span),
        Operand("step gives", str(new.type), new.span),
    )


def _dtype_error(state: State, new: Variable) -> DTypeError:
    old = state.taps[0].dtype
    error = DTypeError(
        f"a state keeps its dtype: it starts as {old} and the step gives {new.dtype}",
        hint=f"start it as {new.dtype}, or cast what the step returns to {old}",
    )
    return error.at(*_widening(state, new))


def _widening(state: State, new: Variable) -> tuple[Span, tuple[Operand, ...]]:
    """The first line where something of another dtype came out of the state."""
    reads = depends_on([new], state.taps)
    for node in sort_nodes([new], stop=state.taps):
        from_state = [v for v in node.inputs if id(v) in reads]
        changes = any(v.dtype == new.dtype for v in node.outputs)
        if changes and from_state and all(v.dtype != new.dtype for v in from_state):
            return node.spans[0], operands(node.inputs)
    return new.span, _shown(state, new)
