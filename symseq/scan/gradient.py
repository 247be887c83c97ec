"""The gradient of a scan: another scan that runs backwards over saved rows.

Step t hands the adjoint of row t + depth of each history to the gradient of the body;
what comes back for the taps joins a window of the adjoints of the `depth` rows before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from weakref import ReferenceType, WeakKeyDictionary, ref

from symseq.graph import Apply, Differentiate, Variable
from symseq.ops.compare import eq, switch
from symseq.ops.create import zeros_like
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.indexing import getitem
from symseq.ops.join import join
from symseq.ops.math import add, minimum, sub
from symseq.ops.shape import specify_shape
from symseq.scan.backstep import BackStep, Maybe, back_step
from symseq.scan.body import Body
from symseq.scan.residuals import Residuals, choose
from symseq.scan.roles import StateSpec
from symseq.scan.rows import first_rows, flipped, history_rows, spread_rows
from symseq.traverse import leaves
from symseq.types import is_static_one

if TYPE_CHECKING:
    from symseq.scan.op import Scan


@dataclass(frozen=True, slots=True)
class Taken:
    """How a gradient's loop came about: from which loop, and for which cotangents.

    ``results`` (weakly held, as they are made from the loop) are the cotangents of the
    inputs.
    """

    op: Scan
    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]
    given: tuple[Maybe, ...]
    results: tuple[ReferenceType[Variable] | None, ...]


# By the node of the gradient's loop, as it was built: a rewrite's nodes have none.
TAKEN: WeakKeyDictionary[Apply, Taken] = WeakKeyDictionary()


def vjp_scan(
    op: Scan,
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
    cotangents: Sequence[Maybe],
    differentiate: Differentiate,
) -> Sequence[Maybe]:
    """One cotangent per input of a scan; None where nothing flows."""
    given = [
        g if v.type.is_float else None for v, g in zip(outputs, cotangents, strict=True)
    ]
    if all(g is None for g in given):
        return (None,) * len(inputs)
    step = back_step(op, given, inputs, differentiate)
    placeholders = [*step.carried, *step.direct.values()]
    recompute = op.checkpoint_every is not None
    residuals = choose(op, step.results, placeholders, recompute=recompute)
    return BackLoop(op, inputs, outputs, given, step, residuals).cotangents()


@dataclass(slots=True)
class BackLoop:
    """The backward loop around a step: what it reads, how it starts, its results."""

    op: Scan
    inputs: Sequence[Variable]
    outputs: Sequence[Variable]
    given: Sequence[Maybe]
    step: BackStep
    residuals: Residuals
    used: set[int] = field(init=False)  # ids of all that the backward step reads
    forward: Sequence[Variable] = field(init=False)  # a forward node's outputs
    stacks: dict[Variable, Variable] = field(init=False)  # saved value → its stack
    count: Variable = field(init=False)  # how many steps were done forward
    made: Variable = field(init=False)  # how many are done backward

    def __post_init__(self) -> None:
        self.used = {id(v) for v in leaves(self.residuals.outputs)}
        self._run_forward()
        done = self.op.steps_done(self.forward)
        self.count = self.made = self.inputs[0] if done is None else done
        if self.op.truncate >= 0:
            self.made = minimum(self.count, self.op.truncate)

    def _run_forward(self) -> None:
        """The loop itself where it has all rows that are read, else a saving one."""
        op, saved = self.op, self.residuals.saved
        read = {k for k, taps in enumerate(op.body_taps) if self._reads(taps)}
        read.update(self.residuals.states)
        stacked = dict(
            zip(op.body_mapped, op.mapped_outputs(self.outputs), strict=True)
        )
        if all(v in stacked for v in saved) and not any(
            op.states[k].last_only for k in read
        ):
            self.forward, self.stacks = self.outputs, stacked
            return
        states = tuple(
            replace(spec, last_only=spec.last_only and k not in read)
            for k, spec in enumerate(op.states)
        )
        condition = [op.body_until] if op.body_until is not None else []
        body = Body(op.body.inputs, (*op.body_states, *saved, *condition))
        saving = replace(op, body=body, states=states, mapped=len(saved))
        self.forward = saving.make(*self.inputs)
        tops = saving.mapped_outputs(self.forward)
        self.stacks = dict(zip(saved, tops, strict=True))

    def _reads(self, variables: Sequence[Variable]) -> bool:
        return any(id(v) in self.used for v in variables)

    def rows(self) -> list[tuple[Variable, Variable]]:
        """(variable of the backward step, the rows that it takes) in forward order."""
        op, stand_ins = self.op, self.residuals.stand_ins
        found = [(row, self._direct_rows(k)) for k, row in self.step.direct.items()]
        sequences = op.sequence_inputs(self.inputs)
        for inner, outer in zip(op.body_sequences, sequences, strict=True):
            if id(inner) in self.used:
                found.append((inner, first_rows(outer, self.count)))
        for k, (spec, taps) in enumerate(zip(op.states, op.body_taps, strict=True)):
            for tap, inner in zip(spec.taps, taps, strict=True):
                if id(inner) in self.used:
                    rows = self._history_rows(self.forward[k], k, spec.depth + tap)
                    found.append((inner, rows))
        for k in self.residuals.states:
            rows = self._history_rows(self.forward[k], k, op.states[k].depth)
            found.append((stand_ins[op.body_states[k]], rows))
        for v in self.residuals.saved:
            found.append((stand_ins[v], first_rows(self.stacks[v], self.count)))
        return found

    def _direct_rows(self, k: int) -> Variable:
        """The rows of the cotangent of output k that belong to the steps."""
        g = self.given[k]
        assert g is not None
        if k < len(self.op.states):
            return self._history_rows(g, k, self.op.states[k].depth)
        return first_rows(g, self.count) if self.op.until else g

    def _history_rows(self, history: Variable, k: int, offset: int) -> Variable:
        depth = self.op.states[k].depth
        return history_rows(history, offset, depth, self.count, self.op.until)

    def starts(self) -> list[Variable]:
        """Where windows and totals start: at zero, or at the last rows' cotangents."""
        found = []
        initial = self.op.initial_inputs(self.inputs)
        for k, window in self.step.windows.items():
            g = self.given[k] if self.op.states[k].last_only else None
            for row in range(len(window)):
                zero = zeros_like(_row(initial[k], 0, len(window)))
                found.append(zero if g is None else _row(g, row, len(window)))
        constants = self.op.constant_inputs(self.inputs)
        for k in self.step.totals:
            found.append(zeros_like(_lifted(constants[k])))
        return found

    def cotangents(self) -> list[Maybe]:
        """The backward loop's node, and from its outputs one cotangent per input."""
        op, step = self.op, self.step
        rows = self.rows()
        constants = [
            (inner, outer)
            for inner, outer in zip(
                op.body_constants, op.constant_inputs(self.inputs), strict=True
            )
            if id(inner) in self.used
        ]
        inner = [*(v for v, _ in rows), *step.carried, *(v for v, _ in constants)]
        back = replace(
            op,
            body=Body(tuple(inner), tuple(self.residuals.outputs)),
            sequences=len(rows),
            states=(StateSpec(last_only=True),) * len(step.carried),
            mapped=len(step.rows),
            constants=len(constants),
            until=False,
            name=f"{op.name}_gradient",
            truncate=-1,
        )
        outer = [flipped(stack) for _, stack in rows]
        captured = [v for _, v in constants]
        made = back.make(self.made, *outer, *self.starts(), *captured)
        results = self._results(made)
        if made and made[0].owner is not None:
            TAKEN[made[0].owner] = Taken(
                op,
                tuple(self.inputs),
                tuple(self.outputs),
                tuple(self.given),
                tuple(None if v is None else ref(v) for v in results),
            )
        return results

    def _results(self, made: Sequence[Variable]) -> list[Maybe]:
        op, results = self.op, iter(made)
        windows = {
            k: [next(results) for _ in window]
            for k, window in self.step.windows.items()
        }
        totals = {k: getitem(next(results), 0) for k in self.step.totals}
        stacks = {k: flipped(next(results)) for k in self.step.rows}
        found: list[Maybe] = [None]
        for k, outer in enumerate(op.sequence_inputs(self.inputs)):
            rows = stacks.get(k)
            spread = None
            if rows is not None:
                spread = spread_rows(rows, outer, self.count, self.made)
            found.append(spread)
        for k, outer in enumerate(op.initial_inputs(self.inputs)):
            found.append(self._initial(k, outer, windows[k]) if k in windows else None)
        found += [totals.get(k) for k in range(op.constants)]
        return found

    def _initial(self, k: int, like: Variable, window: list[Variable]) -> Variable:
        """The initial rows' cotangent: the window's, and what the cost reads there."""
        if self.made is not self.count:
            window = self._shifted(window)
        rows = window[0] if len(window) == 1 else join(0, *window)
        g = self.given[k]
        if g is not None and not self.op.states[k].last_only:
            rows = rows + getitem(g, slice(None, len(window)))
        return _with_ones(rows, like)

    def _shifted(self, window: list[Variable]) -> list[Variable]:
        """Rows 0 .. depth − 1, where the window has those from the truncation on."""
        skipped = sub(self.count, self.made)
        found = []
        for row in range(len(window)):
            total = zeros_like(window[row])
            for at in range(row + 1):
                total = add(total, switch(eq(skipped, row - at), window[at], 0))
            found.append(total)
        return found


def _row(x: Variable, row: int, count: int) -> Variable:
    """x[row : row + 1] of an x with `count` rows."""
    return x if count == 1 else getitem(x, slice(row, row + 1))


def _lifted(x: Variable) -> Variable:
    return dimshuffle(x, ["x", *range(x.ndim)])


def _with_ones(g: Variable, like: Variable) -> Variable:
    """g with the lengths 1 that `like` declares, so that they can be dropped."""
    wanted = [
        1 if is_static_one(b) and not is_static_one(a) else None
        for a, b in zip(g.type.shape, like.type.shape, strict=True)
    ]
    return g if not any(wanted) else specify_shape(g, wanted)
