"""The scan op: a closed body run n_steps times over rows, states, constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from symseq import lengths
from symseq.errors import DTypeError, ShapeError
from symseq.graph import (
    Arg,
    BodyOp,
    Differentiate,
    Evaluate,
    Variable,
)
from symseq.lengths import Length
from symseq.scan.batch import batch_scan
from symseq.scan.body import Body, Known, fit_type, infer_body
from symseq.scan.gradient import vjp_scan
from symseq.scan.meaning import run_scan
from symseq.scan.roles import Roles, StateSpec
from symseq.types import Array, TensorType, is_integer

__all__ = ["Body", "Scan", "StateSpec"]


@dataclass(frozen=True)
class Scan(Roles, BodyOp):
    """states[t], mapped[t] = body(sequences[t], states before t, constants).

    Taps on sequences and direction are views in front. ``truncate``: how many
    of the last steps the gradient goes back through (-1: all).
    ``checkpoint_every``: the
    gradient keeps the states of every so many steps and computes the rest again.
    """

    name: str = field(default="scan", compare=False)
    truncate: int = -1
    checkpoint_every: int | None = None

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        self.check_lengths(args)
        rows = self.row_args(args)
        known = infer_body(self.body, rows)
        types = [known.get(v, v).type for v in self.body.outputs]
        return self.output_types(args, types)

    def check_lengths(self, args: Sequence[Arg]) -> None:
        """Raises: ShapeError where a sequence has fewer rows than there are steps."""
        n_steps = self._steps(args[0])
        for k, sequence in enumerate(self.sequence_inputs(args)):
            self._check_rows(k, sequence, n_steps)

    def output_types(
        self, args: Sequence[Arg], types: Sequence[TensorType]
    ) -> tuple[TensorType, ...]:
        """The node's outputs, from its inputs and what the body's outputs are."""
        n_steps = self._steps(args[0])
        made = [
            self._history(k, n_steps, row, types[k])
            for k, row in enumerate(self.state_rows(args))
        ]
        for type_ in self.mapped_outputs(types):
            made.append(type_.with_shape([n_steps, *type_.shape]))
        if self.until:
            self._check_until(types[-1])
            made.append(TensorType("int64"))
        return tuple(made)

    def row_args(self, args: Sequence[Arg]) -> list[Arg]:
        """What is known of each body input, from what is known of the node's inputs."""
        rows: list[Arg] = []
        pairs = zip(self.body_sequences, self.sequence_inputs(args), strict=True)
        for k, (inner, outer) in enumerate(pairs):
            rows.append(Known(fit_type(inner.type, _row(outer), self._say(k))))
        for spec, row in zip(self.states, self.state_rows(args), strict=True):
            rows.extend([Known(row)] * len(spec.taps))
        pairs = zip(self.body_constants, self.constant_inputs(args), strict=True)
        for inner, outer in pairs:
            what = f"{inner.label}, a constant of {self.name},"
            held = inner.held if outer.held is None else outer.held
            rows.append(Known(fit_type(inner.type, outer.type, what), held))
        return rows

    def state_rows(self, args: Sequence[Arg]) -> list[TensorType]:
        """The type of one row of each state."""
        found = []
        pairs = zip(self.states, self.initial_inputs(args), strict=True)
        for k, (spec, initial) in enumerate(pairs):
            what = f"the initial value of state {k} of {self.name}"
            row = _row(initial)
            if lengths.differ(initial.type.shape[0], spec.depth):
                shown = lengths.show(initial.type.shape[0])
                raise ShapeError(f"{what} must have {spec.depth} rows; got {shown}")
            taps = self.body_taps[k]
            static = taps[0].type if taps else self.body_states[k].type
            found.append(fit_type(static, row, what))
        return found

    def _say(self, sequence: int) -> str:
        label = self.body_sequences[sequence].label
        return f"rows of sequence {sequence} ({label}) of {self.name}"

    def _steps(self, arg: Arg) -> Length:
        if arg.type.ndim or not is_integer(arg.type.dtype):
            raise DTypeError(f"n_steps must be an integer scalar; got {arg.type}")
        held = arg.held
        assert not isinstance(held, tuple)
        size = lengths.size_of(held)
        if size is not None and size < 0:
            raise ShapeError(f"n_steps must be at least 0; got {size}")
        return held

    def _check_rows(self, k: int, sequence: Arg, n_steps: Length) -> None:
        rows = sequence.type.shape[0] if sequence.type.ndim else None
        missing = lengths.subtract(n_steps, rows)
        if (lengths.size_of(missing) or 0) > 0:
            raise ShapeError(
                f"a sequence needs at least n_steps rows; n_steps is "
                f"{lengths.show(n_steps)} and sequence {k} "
                f"({self.body_sequences[k].label}) has {lengths.show(rows)}",
                hint="taps shorten a sequence: one row per step that is looked back",
            )

    def _history(
        self, k: int, n_steps: Length, row: TensorType, new: TensorType
    ) -> TensorType:
        fit_type(row, new, f"the new value of state {k} of {self.name}")
        spec = self.states[k]
        count = spec.depth if spec.last_only else lengths.add(n_steps, spec.depth)
        return row.with_shape([count, *row.shape])

    def _check_until(self, condition: TensorType) -> None:
        if condition.ndim or condition.dtype != "bool":
            raise DTypeError(f"until needs a bool scalar; got {condition}")

    def length_inputs(self) -> tuple[int, ...]:
        """n_steps, and the constants whose values decide a length in the body."""
        first = self.sequences + self.tap_count
        constant = 1 + self.sequences + len(self.states) - first
        inner = [i + constant for i in self.body.deciding_inputs if i >= first]
        return (0, *inner)

    def bodies(self) -> tuple[tuple[Sequence[Variable], Sequence[Variable]], ...]:
        return ((self.body.inputs, self.body.outputs),)

    def with_bodies(self, outputs: Sequence[Sequence[Variable]]) -> Scan:
        return replace(self, body=Body(self.body.inputs, tuple(outputs[0])))

    def evaluate_body(self, evaluate: Evaluate, *inputs: Array) -> tuple[Array, ...]:
        return run_scan(self, evaluate, inputs)

    def vjp_body(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
        differentiate: Differentiate,
    ) -> Sequence[Variable | None]:
        return vjp_scan(self, inputs, outputs, cotangents, differentiate)

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        return batch_scan(self, inputs, batched)

    def __str__(self) -> str:
        return self.name


def _row(arg: Arg) -> TensorType:
    """The type of one row."""
    if arg.type.ndim == 0:
        raise ShapeError(f"a scan loops over the first axis; got a scalar: {arg.type}")
    return arg.type.with_shape(arg.type.shape[1:])
