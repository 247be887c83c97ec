"""A whole function to a Program: what it computes, then what it writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symseq.graph import Apply, Constant, SharedVariable, Variable
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.elementwise import Elementwise
from symseq.ops.reshape import Reshape
from symseq.ops.shape import SpecifyShape
from symseq.ops.subtensor import IncSubtensor, Subtensor
from symseq.ops.take import Put
from symseq.traverse import clients
from symseq.types import is_integer

from ..passes.runs import PutRuns
from ..program import Copy, Kind, Program
from . import loops, views
from .lowering import Lowering, declared, recipe_of
from .order import arrange
from .scope import Lengths, Scope, analyse, open_scope

VIEWS = (DimShuffle, Reshape, Subtensor, SpecifyShape)
RULE_MODULES = (loops, views)  # importing them enters their rules


@dataclass(eq=False, slots=True)
class Update:
    """One write of a shared variable, at the end of a call.

    ``over``: the last elementwise step writes straight into the shared buffer.
    ``reads``: ids of the shared variables whose old values it needs then.
    """

    shared: SharedVariable
    value: Variable
    over: bool
    reads: set[int]


def lower_function(
    name: str,
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
    updates: Sequence[tuple[SharedVariable, Variable]],
    branches_differ: bool = False,
    guarded: bool = False,
) -> tuple[Program, Scope, Lengths]:
    """The Program of a function, with its scope and what is known of its lengths.

    ``guarded``: all new values are computed before the first is written.
    """
    values = [value for _, value in updates]
    scope = open_scope(inputs, [*outputs, *values])
    sources = [*inputs, *_shared_leaves(scope, updates)]
    lengths = analyse(scope, sources, branches_differ)
    lowering = Lowering(name, lengths)
    lowering.program.inputs = declared(inputs, lowering, Kind.INPUT)
    ordered = order_updates(updates, outputs, lengths, guarded)
    late = {id(u.value.owner) for u in ordered if u.over}
    lowering.nodes(scope, skip=late)
    lowering.program.outputs = [lowering.read(v) for v in outputs]
    staged = [_stage(lowering, u) for u in ordered]
    lowering.steps = lowering.program.updates
    for update, step in zip(ordered, staged, strict=True):
        _write(lowering, scope, update, step)
    arrange(lowering.program, lowering.name, guarded)
    return lowering.program, scope, lengths


def _shared_leaves(
    scope: Scope, updates: Sequence[tuple[SharedVariable, Variable]]
) -> list[Variable]:
    found = {id(s): s for s, _ in updates}
    for node in scope.nodes:
        found.update((id(v), v) for v in node.inputs if isinstance(v, SharedVariable))
    return list(found.values())


def _stage(lowering: Lowering, update: Update) -> Copy | None:
    """What must happen before the first write: copy an old value that will be lost.

    Or look at the indices of a scatter, which then raises nothing.
    """
    if update.over:
        assert update.value.owner is not None
        if isinstance(update.value.owner.op, Put):
            views.check_indices(lowering, update.value.owner)
        return None
    if not update.reads:
        return None
    kept = lowering.value(update.value, Kind.BUFFER, f"new_{update.shared.label}")
    step = Copy(kept, lowering.read(update.value), update.value.owner)
    lowering.add(step)
    return step


def _write(
    lowering: Lowering, scope: Scope, update: Update, staged: Copy | None
) -> None:
    target = lowering.read(update.shared)
    if update.over:
        assert update.value.owner is not None
        lowering.destinations[id(update.value)] = target
        lowering.node(update.value.owner, scope)
        lowering.settle(update.value, target)  # what lengths decide stands elsewhere
        return
    source = staged.out if staged is not None else lowering.read(update.value)
    lowering.add(Copy(target, source, update.value.owner))


def order_updates(
    updates: Sequence[tuple[SharedVariable, Variable]],
    outputs: Sequence[Variable],
    lengths: Lengths,
    guarded: bool = False,
) -> list[Update]:
    """The writes such that each follows every read of the old value.

    Where they go round in a circle (a: b, b: a), one is computed beside its target.
    """
    targets = {id(shared) for shared, _ in updates}
    values = [value for _, value in updates]
    readers = clients([*outputs, *values])
    waiting = [
        _plan_update(
            shared, value, [*outputs, *values], readers, lengths, targets, guarded
        )
        for shared, value in updates
    ]
    ordered: list[Update] = []
    while waiting:
        ready = next((u for u in waiting if not _is_read(u, waiting)), None)
        if ready is None:
            for blocked in waiting:  # a circle: nobody writes over, old values are kept
                blocked.over = False
            return [*ordered, *waiting]
        waiting.remove(ready)
        if not ready.over:
            ready.reads = set()  # a view of another's old value is copied in time
        ordered.append(ready)
    return ordered


def _is_read(update: Update, waiting: Sequence[Update]) -> bool:
    """Whether another waiting update still needs the old value."""
    return any(id(update.shared) in u.reads for u in waiting if u is not update)


def _plan_update(
    shared: SharedVariable,
    value: Variable,
    wanted: Sequence[Variable],
    readers: dict[int, list[Apply]],
    lengths: Lengths,
    targets: set[int],
    guarded: bool,
) -> Update:
    over = not guarded and _writes_over(shared, value, wanted, readers, lengths)
    if over:
        assert value.owner is not None
        roots = [root_of(v) for v in value.owner.inputs]
    else:
        roots = [root_of(value)]
    reads = {id(r) for r in roots if id(r) in targets and r is not shared}
    return Update(shared, value, over, reads)


def _writes_over(
    shared: SharedVariable,
    value: Variable,
    wanted: Sequence[Variable],
    readers: dict[int, list[Apply]],
    lengths: Lengths,
) -> bool:
    node = value.owner
    if node is None:
        return False
    if sum(v is value for v in wanted) > 1 or readers.get(id(value)):
        return False
    if any(id(v) in lengths.dynamic for v in (value, *node.inputs)):
        return False  # its lengths are checked when it is computed: before any write
    if value.broadcastable != shared.broadcastable:
        return False
    if isinstance(node.op, Elementwise):
        return _computes_over(shared, node)
    x, *others = node.inputs
    in_place = (
        isinstance(node.op, PutRuns)
        or views.adds_in_place(node)
        or _sets_part(node, lengths)
    )
    return in_place and x is shared and all(root_of(v) is not shared for v in others)


def _computes_over(shared: SharedVariable, node: Apply) -> bool:
    """Whether an elementwise node may write over the shared variable's old value."""
    recipe = recipe_of(node)
    if is_integer(node.outputs[0].dtype) and recipe.uses("power"):
        return False  # it may raise, and nothing may once writing has begun
    for index, v in enumerate(node.inputs):
        if root_of(v) is shared and not (
            v is shared and node.inputs.count(v) == 1 and recipe.may_share(index)
        ):
            return False
    return True


def _sets_part(node: Apply, lengths: Lengths) -> bool:
    """Whether the node writes a part that is known when the call binds."""
    return isinstance(node.op, IncSubtensor) and all(
        isinstance(v, Constant)
        or (id(v) in lengths.early and id(v) not in lengths.by_value)
        for v in node.inputs[2:]
    )


def root_of(variable: Variable) -> Variable:
    """The variable whose memory this one may look into."""
    while variable.owner is not None and isinstance(variable.owner.op, VIEWS):
        variable = variable.owner.inputs[0]
    return variable
