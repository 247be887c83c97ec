"""When steps run: updates' own work after the rest, short lives for what is computed.

A buffer lives from its first write to its last read. What a function computes from
shared variables alone could run early or late; it runs right before it is needed.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Container, Sequence

from symseq.ops.linalg import BatchedDot, Dot
from symseq.ops.reduce import Sum
from symseq.ops.take import Put
from symseq.types import is_integer

from ..passes.runs import PutRuns, SumRuns
from ..program import (
    Compute,
    Copy,
    Kernel,
    Kind,
    Program,
    Step,
    Value,
    View,
    reads,
    walk,
    writes,
)
from .accesses import Accesses
from .arrange import arrange_views
from .flip import store_reversed
from .forward import forward_copies, spread_constants
from .parts import make_in_parts

MOST_SEEN = 64
QUIET = (Dot, BatchedDot, Sum, SumRuns, PutRuns)  # what surely raises nothing


def never_raises(step: Step) -> bool:
    """Whether the step may run when writing has begun."""
    match step:
        case Kernel():
            return not (step.recipe.uses("power") and is_integer(step.out.dtype))
        case Copy():
            return True
        case Compute():
            return step.node is not None and isinstance(step.node.op, QUIET)
    return False


def defer_updates(program: Program) -> None:
    """Compute the new value of a shared variable, and what reads it, in the updates.

    run:    acc_new = f(acc, g); step = h(acc_new, g)         run:
    update: acc[...] = acc_new; w += step                 →   update: acc = f(acc, g);
                                                                      w += h(acc, g)
    """
    found = Accesses(program)
    outer = {id(step): step for step in program.steps}
    outputs = {id(value.root) for value in program.outputs}
    late: set[int] = set()
    for step in program.updates:
        if isinstance(step, Copy) and step.out.kind is Kind.SHARED:
            chain = _chain(step.source, found, outer, outputs)
            late.update(id(one) for one in chain)
    moved = [step for step in program.steps if id(step) in late]
    program.steps[:] = [step for step in program.steps if id(step) not in late]
    program.updates[:0] = moved


def _chain(
    value: Value, found: Accesses, outer: dict[int, Step], outputs: set[int]
) -> list[Step]:
    """The steps that make and use a value; none where they cannot all wait."""
    chain: dict[int, Step] = {}
    waiting = [value]
    while waiting:
        root = waiting.pop().root
        if root.kind is not Kind.BUFFER or id(root) in outputs:
            return []
        for access in found.of(root):
            step = access.step
            if access.position > found.end_of_run or id(step) in chain:
                continue
            if id(step) not in outer or not never_raises(step):
                return []
            if not _stays(step, access.position, found):
                return []
            chain[id(step)] = step
            waiting += writes(step)
    makers = [step for step in chain.values() if value in writes(step)]
    return list(chain.values()) if len(makers) == 1 else []


def _stays(step: Step, position: int, found: Accesses) -> bool:
    """Whether what the step reads is the same at the end of the run."""
    for value in reads(step):
        if value.root.kind is Kind.DYNAMIC:
            return False
        later = found.between(value, position + 1, found.end_of_run)
        if any(a.writes for a in later):
            return False
    return True


def sink(program: Program, guarded: bool = False) -> None:
    """Run each step right before its result is first needed, if nothing lives longer.

    What only updates need becomes a part of them, unless ``guarded``.
    """
    places, barrier = _Places(), len(program.steps)
    made: list[tuple[Place, Step]] = []
    for number, step in _backwards(program.updates, barrier + 1):
        made.append((places.put(step, number, None), step))
    places.enter({id(v.root) for v in program.outputs}, set(), (barrier, 0))
    for number, step in _backwards(program.steps, 0):
        stays = guarded or not never_raises(step)
        made.append((places.put(step, number, (barrier, 0) if stays else None), step))
    made.sort(key=lambda item: item[0])
    program.steps = [step for place, step in made if place < (barrier, 0)]
    program.updates = [step for place, step in made if place > (barrier, 0)]


def _backwards(steps: Sequence[Step], first: int) -> Sequence[tuple[int, Step]]:
    """The steps from the last on, with their numbers; views find their places later."""
    numbered = [(n, s) for n, s in enumerate(steps, first) if not isinstance(s, View)]
    return numbered[::-1]


def _touched(step: Step) -> tuple[set[int], set[int]]:
    """Ids of the roots that a step, with the steps inside it, reads and writes."""
    read: set[int] = set()
    written: set[int] = set()
    for one in walk([step]):
        if isinstance(one, View):
            continue
        read.update(id(v.root) for v in reads(one))
        written.update(id(v.root) for v in writes(one))
    return read, written


Place = tuple[int, float]  # (n, 0): step n; (n, x < 0): one moved right before it


class _Places:
    """Where the steps behind have come to stand."""

    def __init__(self) -> None:
        self.first_touch: dict[int, Place] = {}
        self.first_write: dict[int, Place] = {}
        self.last_touch: dict[int, Place] = {}
        self.moved: dict[int, list[float]] = {}

    def enter(self, read: set[int], written: set[int], at: Place) -> None:
        """A step stands at `at` that touches these roots: before all so far."""
        for root in read | written:
            self.first_touch[root] = min(self.first_touch.get(root, at), at)
            self.last_touch[root] = max(self.last_touch.get(root, at), at)
        for root in written:
            self.first_write[root] = min(self.first_write.get(root, at), at)

    def limit(self, read: set[int], written: set[int]) -> Place | None:
        """Before which place a step must stay; None where nothing behind touches it."""
        firsts = [self.first_touch[r] for r in written if r in self.first_touch]
        firsts += [self.first_write[r] for r in read if r in self.first_write]
        return min(firsts, default=None)

    def before(self, wanted: Place) -> Place:
        """A new place right before `wanted`, behind all that stand before it."""
        number, end = wanted
        moved = self.moved.setdefault(number, [])
        at = bisect_left(moved, end)
        middle = (moved[at - 1] + end) / 2 if at else end - 1
        if at and not moved[at - 1] < middle < end:  # no room: in front of all
            middle = moved[0] - 1
        insort(moved, middle)
        return number, middle

    def put(self, step: Step, number: int, at_most: Place | None) -> Place:
        """Where the step comes to stand; not behind `at_most`."""
        read, written = _touched(step)
        wanted: Place | None = self.limit(read, written)
        at: Place = (number, 0)
        if wanted is not None and at_most is not None:
            wanted = min(wanted, at_most)
        if (
            wanted is not None
            and wanted[0] > number
            and _may_move(step)
            and self.keeps_lives(step, wanted)
        ):
            at = self.before(wanted)
        self.enter(read, written, at)
        return at

    def keeps_lives(self, step: Step, wanted: Place) -> bool:
        """Whether every buffer that the step reads is touched there or later anyway.

        One of its output's size may live on instead of it: it may sink in turn.
        """
        operands = reads(step)[1:] if _scatters(step) else reads(step)
        longer = {
            id(v): v
            for v in operands
            if v.root.kind is Kind.BUFFER
            and self.last_touch.get(id(v.root), (-1, 0)) < wanted
        }
        if len(longer) == 1 and _scatters(step):
            return True  # the rows wait, rather than the table
        if len(longer) == 1 and isinstance(step, Kernel) and not step.temps:
            (value,) = longer.values()
            return value.source is None and _same_size(value, step.out)
        return not longer


def _same_size(a: Value, b: Value) -> bool:
    return a.dtype == b.dtype and a.variable.type.shape == b.variable.type.shape


def _may_move(step: Step) -> bool:
    quiet = isinstance(step, Compute) and never_raises(step)
    return quiet or isinstance(step, (Kernel, Copy)) or _scatters(step)


def _scatters(step: Step) -> bool:
    """Whether the step adds rows to a buffer, over its first operand."""
    return (
        isinstance(step, Compute)
        and step.overwrites
        and step.node is not None
        and isinstance(step.node.op, (Put, PutRuns))
        and step.outs[0].root.kind is Kind.BUFFER
    )


def group_writes(steps: list[Step]) -> list[Step]:
    """The updates' steps with each write right behind what it needs.

    After a write comes the one that uses what it wrote: m, v, then w of one parameter.
    """
    needs = _needs(steps)
    users: list[list[int]] = [[] for _ in steps]
    for n, before in enumerate(needs):
        for m in before:
            users[m].append(n)
    writing = {
        n: None
        for n, step in enumerate(steps)
        if any(v.root.kind is Kind.SHARED for v in writes(step))
    }
    done: dict[int, None] = {}  # in the order of insertion
    recent: list[int] = []
    while writing:
        wanted = _nearest(recent[-MOST_SEEN:], users, writing)
        if wanted is None:
            wanted = next(iter(writing))
        fresh = _visit(wanted, needs, done)
        recent += fresh
        for n in fresh:
            writing.pop(n, None)
    for n in range(len(steps)):
        _visit(n, needs, done)
    return [steps[n] for n in done]


def _nearest(
    starts: Sequence[int], users: Sequence[Sequence[int]], wanted: Container[int]
) -> int | None:
    """A wanted step near to those that use what the last of `starts` made."""
    for start in reversed(starts):
        seen, queue = {start}, [start]
        for n in queue:
            if n in wanted:
                return n
            if len(seen) > MOST_SEEN:
                break
            fresh = [m for m in users[n] if m not in seen]
            seen.update(fresh)
            queue += fresh
    return None


def _visit(
    wanted: int, needs: Sequence[Sequence[int]], done: dict[int, None]
) -> list[int]:
    """Enter a step into `done` behind all that it needs; the steps that were new."""
    stack, fresh = [wanted], []
    while stack:
        n = stack[-1]
        waiting = next((m for m in needs[n] if m not in done), None)
        if waiting is not None and n not in done:
            stack.append(waiting)
            continue
        stack.pop()
        if n not in done:
            done[n] = None
            fresh.append(n)
    return fresh


def _needs(steps: Sequence[Step]) -> list[list[int]]:
    """For each step the earlier ones that must come before it, in order."""
    wrote: dict[int, int] = {}  # root → the last step that wrote it
    since: dict[int, list[int]] = {}  # root → those that have read it since
    answer: list[list[int]] = []
    for n, step in enumerate(steps):
        read, written = _touched(step)
        before = {wrote[root] for root in read | written if root in wrote}
        for root in written:
            before.update(since.pop(root, ()))
            wrote[root] = n
        for root in read:
            since.setdefault(root, []).append(n)
        answer.append(sorted(before - {n}))
    return answer


def arrange(program: Program, fresh: Callable[[str], str], guarded: bool) -> None:
    """Say where values are computed and when, once the steps are known."""
    spread_constants(program)
    store_reversed(program)
    if not guarded:
        defer_updates(program)
    forward_copies(program, fresh)
    make_in_parts(program, fresh)
    every = [*walk(program.steps), *walk(program.updates)]
    views = [step for step in every if isinstance(step, View)]
    sink(program, guarded)
    program.updates = group_writes(program.updates)
    arrange_views(program, views)
