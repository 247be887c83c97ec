"""checkpoint_every: a loop as a loop over segments, of which only the starts are kept.

    scan(step, n) → scan(scan(step, k), n // k), then scan(step, n % k)

The gradient of the outer loop keeps no residuals: it runs each segment again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.lengths import size_of
from symseq.ops.convert import constant
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.indexing import getitem
from symseq.ops.join import join
from symseq.ops.math import mul, sub
from symseq.ops.reshape import reshape
from symseq.ops.rounding import floor_div
from symseq.ops.shape import lengths_of
from symseq.scan.body import Body
from symseq.scan.op import Scan
from symseq.scan.roles import StateSpec


def in_segments(op: Scan, inputs: Sequence[Variable]) -> list[Variable]:
    """The outputs of `op`, computed in segments of ``op.checkpoint_every`` steps.

    Raises: UsageError for a loop with `until` or a truncated gradient.
    """
    if op.until or op.truncate >= 0:
        what = "until" if op.until else "truncate_gradient"
        raise UsageError(f"checkpoint_every does not go with {what} in one scan")
    return Segments(op, inputs).outputs()


@dataclass(slots=True)
class Segments:
    """The loop over whole segments and the shorter one over the steps that remain."""

    op: Scan
    inputs: Sequence[Variable]

    def outputs(self) -> list[Variable]:
        op, every = self.op, self.every
        count, whole = self._counts()
        starts = op.initial_inputs(self.inputs)
        windows = [dimshuffle(x, ["x", *range(x.ndim)]) for x in starts]
        rows = [self._cut(x, whole, count) for x in op.sequence_inputs(self.inputs)]
        constants = op.constant_inputs(self.inputs)
        outer = self._outer()
        made = outer.make(whole, *(head for head, _ in rows), *windows, *constants)
        ends = [getitem(v, -1) for v in outer.history_outputs(made)]
        plain = replace(op, checkpoint_every=None)
        left = sub(count, mul(whole, every))
        rest = plain.make(left, *(tail for _, tail in rows), *ends, *constants)
        stacks = iter(outer.mapped_outputs(made))
        return [self._whole(k, tail, stacks, starts) for k, tail in enumerate(rest)]

    @property
    def every(self) -> int:
        every = self.op.checkpoint_every
        assert every is not None
        return every

    def _counts(self) -> tuple[Variable, Variable]:
        """n_steps and the number of whole segments."""
        count = self.inputs[0]
        known = size_of(count.held) if not isinstance(count.held, tuple) else None
        if known is not None:
            return count, constant(known // self.every, "int64")
        return count, floor_div(count, self.every)

    def _cut(
        self, x: Variable, whole: Variable, count: Variable
    ) -> tuple[Variable, Variable]:
        """The rows of the whole segments as [segment, step, ...], and the others."""
        done = mul(whole, self.every)
        head = getitem(x, slice(None, done))
        lengths = lengths_of(x)[1:]
        segments = reshape(head, [whole, self.every, *lengths], ndim=x.ndim + 1)
        return segments, getitem(x, slice(done, count))

    def _outer(self) -> Scan:
        """The loop over segments: its states are windows, its body is the loop."""
        op = self.op
        segments = [_with_row(v, self.every) for v in op.body_sequences]
        windows = [
            _with_row(v, spec.depth)
            for v, spec in zip(self._row_variables(), op.states, strict=True)
        ]
        constants = [
            Variable(v.type, name=v.name, held=v.held) for v in op.body_constants
        ]
        steps = constant(self.every, "int64")
        plain = replace(
            op,
            checkpoint_every=None,
            states=tuple(replace(spec, last_only=False) for spec in op.states),
        )
        made = plain.make(steps, *segments, *windows, *constants)
        histories = plain.history_outputs(made)
        ends = [getitem(h, slice(self.every, None)) for h in histories]
        full = [
            getitem(h, slice(spec.depth, None))
            for h, spec in zip(histories, op.states, strict=True)
            if not spec.last_only
        ]
        results = [*ends, *full, *plain.mapped_outputs(made)]
        return replace(
            op,
            body=Body((*segments, *windows, *constants), tuple(results)),
            states=(StateSpec(),) * len(op.states),
            mapped=len(results) - len(ends),
            name=f"{op.name}_segments",
        )

    def _row_variables(self) -> list[Variable]:
        """Per state, a variable of the type of its rows."""
        pairs = zip(self.op.body_taps, self.op.body_states, strict=True)
        return [(*taps, value)[0] for taps, value in pairs]

    def _whole(
        self,
        k: int,
        tail: Variable,
        stacks: Iterator[Variable],
        starts: Sequence[Variable],
    ) -> Variable:
        """Output k of all steps, from those of the segments and those of the rest."""
        op = self.op
        if k >= len(op.states):
            return join(0, _flat(next(stacks)), tail)
        spec = op.states[k]
        if spec.last_only:
            return tail
        rest = getitem(tail, slice(spec.depth, None))
        return join(0, starts[k], _flat(next(stacks)), rest)


def _with_row(v: Variable, count: int) -> Variable:
    return Variable(v.type.with_shape([count, *v.type.shape]), name=v.name)


def _flat(x: Variable) -> Variable:
    """[segment, step, ...] → [segment * step, ...]"""
    first, second, *rest = lengths_of(x)
    return reshape(x, [mul(first, second), *rest], ndim=x.ndim - 1)
