"""checkpoint_every: a loop as a loop over segments, of which only the starts are kept.

    scan(step, n) → scan(scan(step, k), n // k), then scan(step, n % k)

The gradient of the outer loop keeps no residuals: it runs each segment again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from symseq.errors import UsageError
from symseq.graph import Constant, Variable, known_length
from symseq.lengths import Length, size_of
from symseq.ops.convert import constant
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.indexing import getitem
from symseq.ops.join import join
from symseq.ops.math import maximum, minimum, mul, sub
from symseq.ops.reshape import reshape
from symseq.ops.rounding import floor_div
from symseq.ops.shape import lengths_of
from symseq.ops.sizes import held_length
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
    every, steps = op.checkpoint_every, _known(inputs[0])
    assert every is not None
    if steps is not None and steps <= every:
        return list(replace(op, checkpoint_every=None).make(*inputs))
    return Segments(op, inputs).outputs()


@dataclass(slots=True)
class Segments:
    """The loop over whole segments and the shorter one over the steps that remain."""

    op: Scan
    inputs: Sequence[Variable]

    def outputs(self) -> list[Variable]:
        op = self.op
        count, every, whole = self._counts()
        done = mul(whole, every)
        starts = op.initial_inputs(self.inputs)
        windows = [dimshuffle(x, ["x", *range(x.ndim)]) for x in starts]
        sequences = op.sequence_inputs(self.inputs)
        heads = [_segments(x, whole, every) for x in sequences]
        tails = [getitem(x, slice(done, count)) for x in sequences]
        constants = op.constant_inputs(self.inputs)
        outer = self._outer(every)
        given = constants if isinstance(every, Constant) else (*constants, every)
        made = outer.make(whole, *heads, *windows, *given)
        ends = [getitem(v, -1) for v in outer.history_outputs(made)]
        plain = replace(op, checkpoint_every=None)
        rest = plain.make(sub(count, done), *tails, *ends, *constants)
        stacks = iter(outer.mapped_outputs(made))
        return [self._joined(k, tail, stacks, done) for k, tail in enumerate(rest)]

    def _counts(self) -> tuple[Variable, Variable, Variable]:
        """n_steps, the steps of a segment (at most as many), the whole segments."""
        count, most = self.inputs[0], self.op.checkpoint_every
        assert most is not None
        known = _known(count)
        if known is None:
            every = minimum(maximum(count, 1), most)
            return count, every, maximum(floor_div(count, every), 0)
        return count, constant(most, "int64"), constant(known // most, "int64")

    def _outer(self, every: Variable) -> Scan:
        """The loop over segments: its states are windows, its body is the loop.

        Where only a call tells how long they are, that is its last constant.
        """
        op = self.op
        steps = every if isinstance(every, Constant) else Variable(every.type)
        size = held_length(steps)
        segments = [_with_row(v, size) for v in op.body_sequences]
        windows = [
            _with_row(v, spec.depth)
            for v, spec in zip(self._row_variables(), op.states, strict=True)
        ]
        constants = [
            Variable(v.type, name=v.name, held=v.held) for v in op.body_constants
        ]
        plain = replace(
            op,
            checkpoint_every=None,
            states=tuple(replace(spec, last_only=False) for spec in op.states),
        )
        made = plain.make(steps, *segments, *windows, *constants)
        histories = plain.history_outputs(made)
        specs = list(zip(histories, op.states, strict=True))
        ends = [getitem(h, slice(-spec.depth, None)) for h, spec in specs]
        full = [
            getitem(h, slice(None, steps)) for h, spec in specs if not spec.last_only
        ]
        results = [*ends, *full, *plain.mapped_outputs(made)]
        if steps is not every:
            constants.append(steps)
        return replace(
            op,
            body=Body((*segments, *windows, *constants), tuple(results)),
            constants=len(constants),
            states=(StateSpec(),) * len(op.states),
            mapped=len(results) - len(ends),
            name=f"{op.name}_segments",
        )

    def _row_variables(self) -> list[Variable]:
        """Per state, a variable of the type of its rows."""
        pairs = zip(self.op.body_taps, self.op.body_states, strict=True)
        return [(*taps, value)[0] for taps, value in pairs]

    def _joined(
        self, k: int, tail: Variable, stacks: Iterator[Variable], done: Variable
    ) -> Variable:
        """Output k of all steps, from those of the segments and those of the rest.

        The rows that the segments begin with come before those that the rest begins
        with: so the last rows of a history are in the rest, however long that is.
        """
        if k < len(self.op.states) and self.op.states[k].last_only:
            return tail
        each = lengths_of(tail)[1:]  # not the stack's, which perhaps nobody reads
        return join(0, reshape(next(stacks), [done, *each], ndim=tail.ndim), tail)


def _known(count: Variable) -> int | None:
    return size_of(known_length(count))


def _segments(x: Variable, whole: Variable, every: Variable) -> Variable:
    """The rows of the whole segments as [segment, step, ...]."""
    head = getitem(x, slice(None, mul(whole, every)))
    return reshape(head, [whole, every, *lengths_of(x)[1:]], ndim=x.ndim + 1)


def _with_row(v: Variable, count: Length) -> Variable:
    return Variable(v.type.with_shape([count, *v.type.shape]), name=v.name)
