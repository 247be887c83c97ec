"""From a graph to something that runs: the passes in order, lowering, the plan."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from types import FrameType
from typing import Any

import numpy as np

from symseq.errors import ShapeError, SymseqError
from symseq.graph import Apply, SharedVariable, Variable
from symseq.scan.merge import merge_scans
from symseq.span import GRADIENT
from symseq.traverse import replace, shared_variables, sort_nodes
from symseq.types import Array

from .budget import Budget
from .loop_passes.behind import move_behind
from .loop_passes.checkpoint import checkpoint_loops
from .loop_passes.choose_residuals import choose_residuals
from .loop_passes.drop_unused import drop_unused
from .loop_passes.first_row import start_from_first_row
from .loop_passes.hoist import hoist
from .loop_passes.join_outputs import join_outputs
from .loop_passes.join_products import join_products
from .loop_passes.last_rows import keep_last_rows
from .loop_passes.policy import CALLS, FUSED, TIGHT, Policy
from .loop_passes.regroup import regroup
from .loop_passes.share import share_equals
from .loop_passes.sort_columns import sort_columns
from .lower.function import lower_function
from .lower.scope import unsettled
from .passes.contract import CONTRACT
from .passes.ends import ENDS
from .passes.merge_slices import merge_slices
from .passes.pick_logits import pick_logits
from .passes.rows import ROWS
from .passes.shapes import SHAPES
from .passes.share_softmax import share_softmax
from .passes.simplify import SIMPLIFY
from .passes.split_sums import split_sums
from .passes.stabilise import STABILISE
from .reference import Evaluator
from .rewrite.engine import rewrite
from .rewrite.rules import RuleSet
from .runtime.bind import check_lengths, check_names
from .runtime.plan import BranchesDiffer, Plan
from .runtime.threads import blas_threads, threads_now
from .watch import Watch

Pass = Callable[[Sequence[Variable]], list[Variable]]

Passes = tuple[tuple[str, Pass], ...]


def passes_under(policy: Policy) -> Passes:
    """The passes in order, for targets that gain what `policy` says."""
    stabilise = ("stabilise", partial(rewrite, rules=STABILISE))
    simplify = ("simplify", partial(rewrite, rules=SIMPLIFY))
    gates = (
        ("join_products", join_products),
        ("regroup", regroup),
        ("sort_columns", sort_columns),
    )
    residuals = (("choose_residuals", choose_residuals), ("drop_unused", drop_unused))
    neighbours = (("merge_slices", merge_slices), ("join_outputs", join_outputs))
    return (
        ("merge_scans", lambda outputs: list(merge_scans(outputs))),
        # Equal nodes are one from here on: loops of several calls of grad are, too,
        # before each has lost what its own caller does not read.
        ("intern", partial(rewrite, rules=RuleSet(ENDS, SHAPES))),
        ("drop_unused", drop_unused),
        ("keep_last_rows", keep_last_rows),
        stabilise,
        simplify,
        ("share_softmax", share_softmax),
        ("drop_unused", drop_unused),
        ("share_equals", share_equals),
        simplify,
        ("start_from_first_row", start_from_first_row),
        *(gates if policy.elementwise else ()),
        ("hoist", partial(hoist, policy=policy)),
        ("move_behind", partial(move_behind, policy=policy)),
        stabilise,
        simplify,
        ("share_softmax", share_softmax),
        *((("pick_logits", pick_logits),) if policy.elementwise else ()),
        ("drop_unused", drop_unused),
        ("keep_last_rows", keep_last_rows),
        ("share_equals", share_equals),
        *(neighbours if policy.elementwise else ()),
        *(
            (
                ("contract", partial(rewrite, rules=CONTRACT)),
                ("rows", partial(rewrite, rules=ROWS)),
            )
            if policy.elementwise
            else (("split_sums", split_sums),)
        ),
        *(residuals if policy.recompute else ()),
        simplify,
        *((("share_equals", share_equals),) if policy.recompute else ()),
    )


PASSES: dict[str, Passes] = {
    "numpy": passes_under(CALLS),
    "numba": passes_under(FUSED),
}

# For calls that would need more memory than they may: less of it, more calls.
TIGHT_PASSES: dict[str, Passes] = PASSES | {"numpy": passes_under(TIGHT)}


@dataclass(slots=True)
class Compiled:
    """A graph made ready for a target."""

    inputs: list[Variable]
    outputs: list[Variable]
    updates: list[tuple[SharedVariable, Variable]]  # a plan's: what may change length
    plan: Plan | None
    shared: list[SharedVariable] = field(default_factory=list)
    watch: Watch | None = None
    # The nodes that the user wrote, rewritten or not: their lengths must fit.
    stated: list[Apply] = field(default_factory=list)
    evaluator: Evaluator = field(default_factory=Evaluator)  # of the reference target
    budget: Budget | None = None
    latest: Plan | None = None  # of the last call, where the budget chose it
    rewritten: Sequence[Variable] = ()  # outputs and updates after all passes
    # The plan anew, for an ifelse whose branches turn out to have other lengths.
    plan_again: Callable[[], Plan] | None = None

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """The outputs; shared variables are written last, after all that can raise."""
        pairs = list(zip(self.inputs, arrays, strict=True))
        began = perf_counter()
        guard = None if self.watch is None else self.watch.guard
        if guard is not None:
            for variable, array in pairs:
                guard.check_leaf(variable, array, "input")
            for shared in self.shared:
                guard.check_leaf(shared, shared.storage, "shared variable")
        run = self._run_reference if self.plan is None else self._run_plan
        results = run(pairs)
        if self.watch is not None and self.watch.profile is not None:
            self.watch.profile.add_call(perf_counter() - began)
        return results

    def _run_plan(self, pairs: Sequence[tuple[Variable, Array]]) -> list[Array]:
        plan = self.plan
        assert plan is not None
        by_id = {id(v): array for v, array in pairs}
        by_id.update((id(s), s.storage) for s in self.shared)
        with np.errstate(all="ignore"):
            signature = plan.signature(by_id, self.shared)
            if signature not in plan.bindings:
                check_names(pairs)
                check_lengths(self.stated, by_id)
            try:
                if self.budget is not None:
                    plan = self.latest = self.budget.choose(signature, plan, by_id)
                binding = plan.bind(signature, by_id)
            except BranchesDiffer:
                assert self.plan_again is not None
                plan = self.plan = self.plan_again()
                self.plan_again = None
                signature = plan.signature(by_id, self.shared)
                binding = plan.bind(signature, by_id)
            for buffer, (_, array) in zip(binding.inputs, pairs, strict=True):
                np.copyto(buffer, array)
            if self.watch is not None:
                self.watch.begin()
            try:
                with blas_threads(threads_now(binding.threads)):
                    binding.run()
            except SymseqError as error:
                raise plan.blame(error) from None
            except Exception as error:
                plan.blame(error)
                raise
            results = plan.results(binding)
            if plan.program.updates or self.updates:
                with uninterrupted():
                    self._write(binding.update, results)
        return results[: len(self.outputs)]

    def _write(self, update: Callable[[], None], results: Sequence[Array]) -> None:
        """All updates: those of the plan, then those that may change a shape."""
        if self.watch is not None:
            self.watch.begin()
        update()
        made = results[len(self.outputs) :]
        for (shared, _), value in zip(self.updates, made, strict=True):
            write(shared, value)

    def _run_reference(self, pairs: Sequence[tuple[Variable, Array]]) -> list[Array]:
        check_names(pairs)
        wanted = [*self.outputs, *(new for _, new in self.updates)]
        values = [np.array(value) for _, value in pairs]
        if self.watch is not None:
            self.watch.begin()
        made = self.evaluator(wanted, self.inputs, values)
        made = [np.array(value) for value in made]
        count = len(self.outputs)
        for (shared, _), value in zip(self.updates, made[count:], strict=True):
            check_fits(shared, value)
        with uninterrupted():
            for (shared, _), value in zip(self.updates, made[count:], strict=True):
                write(shared, value)
        return made[:count]


def check_fits(shared: SharedVariable, value: Array) -> None:
    if value.ndim != shared.ndim:
        raise ShapeError(f"an update keeps the rank of {shared.label}").at(shared.span)


def write(shared: SharedVariable, value: Array) -> None:
    """Set a shared variable from an update: its own buffer where the shape stays."""
    if value.shape == shared.storage.shape:
        np.copyto(shared.storage, value)
    else:
        shared.storage = value
        shared.version += 1


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until the shared variables are all written."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[tuple[int, FrameType | None]] = []
    previous = signal.signal(signal.SIGINT, lambda *seen: caught.append(seen))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if caught and callable(previous):
            previous(*caught[0])


def compile_graph(
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
    updates: Sequence[tuple[SharedVariable, Variable]],
    name: str,
    target: str,
    borrowed: Sequence[bool] = (),
    watch: Watch | None = None,
    budget: int | None = None,
) -> Compiled:
    """Rewrite, lower, plan and emit; for "reference" nothing of that.

    ``borrowed`` marks outputs that need no copy; ``watch`` sees every step of a run;
    ``budget`` is the most bytes that a call's arena may have.
    """
    targets = [shared for shared, _ in updates]
    wanted = refreshed([*outputs, *(new for _, new in updates)], targets)
    shared = shared_variables(wanted)
    shared += [s for s in targets if not any(s is other for other in shared)]
    nodes = [node for node in sort_nodes(wanted, inputs) if node.kind != GRADIENT]
    stated = unsettled(nodes)
    count = len(outputs)
    pairs = list(zip(targets, wanted[count:], strict=True))
    made = Compiled(list(inputs), wanted[:count], pairs, None, shared, watch, stated)
    if target == "reference":
        made.evaluator = Evaluator(watch)
        return made
    made.rewritten = rewritten = rewrite_for(target, wanted)
    # Where an update may change the lengths, the new value is a result like the
    # outputs, and becomes the variable's buffer when all else is done.
    free = [not keeps_lengths(*p) for p in zip(targets, rewritten[count:], strict=True)]
    made.updates = [pair for pair, varies in zip(pairs, free, strict=True) if varies]
    # A guard looks at every new value before the first is written.
    guarded = watch is not None and watch.guard is not None

    def plan(wanted: Sequence[Variable], branches_differ: bool = False) -> Plan:
        news = list(zip(targets, wanted[count:], free, strict=True))
        results = [*wanted[:count], *(new for _, new, varies in news if varies)]
        fixed = [(shared, new) for shared, new, varies in news if not varies]
        lowered = lower_function(name, inputs, results, fixed, branches_differ, guarded)
        made_plan = Plan(*lowered, borrowed, watch, target)
        made_plan.replaced = tuple(shared for shared, _ in made.updates)
        return made_plan

    def plan_tight(steps: int) -> Plan:
        every = checkpoint_loops(wanted, steps) if steps else wanted
        return plan(rewrite_for(target, every, TIGHT_PASSES))

    made.plan, made.plan_again = plan(rewritten), lambda: plan(rewritten, True)
    made.budget = None if budget is None else Budget(budget, plan_tight)
    return made


def rewrite_for(
    target: str, outputs: Sequence[Variable], passes: dict[str, Passes] = PASSES
) -> list[Variable]:
    """The graph after a target's passes."""
    wanted = list(outputs)
    for _, pass_ in passes[target]:
        wanted = pass_(wanted)
    return wanted


def keeps_lengths(shared: SharedVariable, value: Variable) -> bool:
    """Whether an update surely has the lengths of the variable that it updates."""
    sizes = value.type.sizes
    return None not in sizes and sizes == shared.storage.shape


def refreshed(
    outputs: Sequence[Variable], targets: Sequence[SharedVariable] = ()
) -> list[Variable]:
    """The graph inferred anew where a shared variable has changed its lengths.

    Another function may have met the change first: the variable's type is no sign.
    """
    mapping: dict[Variable, Variable] = {}
    for shared in {id(s): s for s in (*targets, *shared_variables(outputs))}.values():
        sizes = shared.type.sizes
        actual = shared.storage.shape
        if any(n is not None and n != m for n, m in zip(sizes, actual, strict=True)):
            shared.type = shared.type.with_shape(actual)
        if shared.version:
            mapping[shared] = shared
    return replace(outputs, mapping) if mapping else list(outputs)


def passes_of(
    outputs: Sequence[Variable], target: str = "numpy"
) -> list[tuple[str, list[Variable]]]:
    """The graph after each pass, for pictures and tests."""
    found: list[tuple[str, list[Any]]] = [("", list(outputs))]
    for name, pass_ in PASSES[target]:
        found.append((name, pass_(found[-1][1])))
    return found
