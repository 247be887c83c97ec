"""Compute straight into the place that a value would be copied to.

    dot(x, U, dot_1)                      dot(x, U, h_t)
    ...                             →     ...
    copyto(h_t, dot_1)

The value becomes another name for the place, where nothing else looks at the place's
old contents, or writes there, as long as the value is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from symseq.lengths import size_of
from symseq.ops.join import Join
from symseq.ops.take import Gather
from symseq.types import is_static_one

from ..program import (
    Compute,
    Copy,
    Kernel,
    Kind,
    Loop,
    Program,
    Step,
    Value,
    View,
    blocks_of,
    reads,
    walk,
    writes,
)
from .accesses import Access, Accesses, disjoint, same_place

MOST_PARTS = 64


def forward_copies(program: Program, fresh: Callable[[str], str]) -> None:
    """Rewrite the steps in place; ``fresh`` makes names for new views."""
    _Forwarding(program, fresh).run()


@dataclass(eq=False)
class _Forwarding:
    program: Program
    fresh: Callable[[str], str]
    found: Accesses = field(init=False)
    gone: dict[int, Step] = field(default_factory=dict)  # steps not needed, by id

    def run(self) -> None:
        self.found = Accesses(self.program)
        for block in blocks_of(self.program)[2:]:
            self._copy_early(block)
        self.found = Accesses(self.program)
        self._block(self.program.steps, None, in_run=True)
        self._block(self.program.updates, None, in_run=False)
        for block in blocks_of(self.program):
            block[:] = [step for step in block if id(step) not in self.gone]

    def _copy_early(self, steps: list[Step]) -> None:
        """Keep old values of carried rows as soon as their places may be written.

        Then what makes the new values may go straight to the places that were read.
        """
        for n, step in enumerate(steps):
            if not isinstance(step, Copy) or step.source.root.kind is not Kind.BUFFER:
                continue
            if step.source.source is None or step.overwrites:
                continue
            at = n
            while at and not self._must_follow(step, steps[at - 1]):
                at -= 1
            if at < n:
                steps.insert(at, steps.pop(n))

    def _must_follow(self, copy: Copy, other: Step) -> bool:
        """Whether a copy must stay behind another step."""
        if isinstance(other, View):
            return False
        for step in walk([other]):
            for value in writes(step):
                for mine in (copy.out, copy.source):
                    if value.root is mine.root and not disjoint(
                        value, mine, self.found
                    ):
                        return True
            for value in reads(step):
                if value.root is copy.out.root and not disjoint(
                    value, copy.out, self.found
                ):
                    return True
        return False

    def _block(self, steps: list[Step], loop: Loop | None, in_run: bool) -> None:
        """Backwards, so that what feeds a forwarded value is forwarded after it."""
        made: list[tuple[Step, list[Step]]] = []
        for step in reversed(steps):
            if isinstance(step, Loop):
                self._block(step.body, step, in_run)
            elif isinstance(step, Copy):
                if self._forward(step.out, step.source, step, loop, in_run):
                    self.gone[id(step)] = step
                    self.found.forget(step, step.out)
            elif isinstance(step, Kernel) and step.recipe.is_choice:
                self._choice(step, loop, in_run)
            elif isinstance(step, Compute) and _is_join(step):
                copies = self._join(step, loop, in_run)
                if copies:
                    made.append((step, copies))
        for step, copies in made:
            at = next(k for k, other in enumerate(steps) if other is step)
            steps[at : at + 1] = copies

    def _choice(self, step: Kernel, loop: Loop | None, in_run: bool) -> None:
        """out = a where c, else b: b may be computed in out, which a and c are not."""
        (call,) = step.recipe.calls
        condition, chosen, other = (step.inputs[slot.index] for slot in call.args)
        apart = all(
            v.root is not step.out.root or disjoint(v, step.out, self.found)
            for v in (condition, chosen)
        )
        accesses = self.found.of(other)
        last = accesses[-1].position == self.found.position[id(step)]
        if apart and last and other not in (condition, chosen):
            self._forward(step.out, other, step, loop, in_run)

    # -- the parts of a joined array ----------------------------------------------

    def _join(self, step: Compute, loop: Loop | None, in_run: bool) -> list[Step]:
        """The views and copies that stand for a join, if any part moved in."""
        assert step.node is not None
        assert isinstance(step.node.op, Join)
        (out,) = step.outs
        texts = _part_texts(step, step.node.op.axis)
        if texts is None or out.kind is Kind.DYNAMIC:
            return []
        views = [self._part(step, k, text) for k, text in enumerate(texts)]
        moved = [
            self._forward(view.out, value, step, loop, in_run)
            for view, value in zip(views, step.inputs, strict=True)
        ]
        if not any(moved):
            for view in views:
                self._forget(view)
            return []
        steps: list[Step] = []
        for view, value, done in zip(views, step.inputs, moved, strict=True):
            steps.append(view)
            if not done:
                copied = Copy(view.out, value, step.node)
                self.found.position[id(copied)] = self.found.position[id(step)]
                self._replace(step, copied, out, value)
                steps.append(copied)
        self.gone[id(step)] = step
        self.found.forget(step, out)
        return steps

    def _part(self, step: Compute, k: int, text: str) -> View:
        """A view of part k of what a join makes."""
        (out,), value = step.outs, step.inputs[k]
        made = Value(self.fresh(f"{out.name}_part"), value.variable, Kind.VIEW,
                     out.dtype, source=out, loop=out.loop)  # fmt: skip
        assert step.node is not None
        assert isinstance(step.node.op, Join)
        axis, inner = step.node.op.axis, out.contiguous_from
        made.contiguous_from = inner if axis == 0 else max(inner, axis)
        self.program.values.append(made)
        view = View(made, text, step.node, part=k)
        self.found.views[id(made)] = view
        self.found.children.setdefault(id(out), []).append(made)
        return view

    def _forget(self, view: View) -> None:
        assert view.out.source is not None
        self.found.children[id(view.out.source)].remove(view.out)
        del self.found.views[id(view.out)]

    def _replace(self, step: Step, made: Copy, out: Value, value: Value) -> None:
        """Enter the accesses of a copy that stands for a part of a join."""
        at = self.found.position[id(step)]
        self.found.insert(Access(at, made, made.out, True))
        self.found.insert(Access(at, made, value, False))

    # -- one copy -----------------------------------------------------------------

    def _forward(
        self, out: Value, source: Value, step: Step, loop: Loop | None, in_run: bool
    ) -> bool:
        """Make `source` another name for `out`, which `step` would copy it to."""
        accesses = self.found.of(source)
        if not _may_move(out, source) or not accesses:
            return False
        at = self.found.position[id(step)]
        first, last = self._live(accesses, loop)
        if last == self.found.end_of_run and out.root.kind is Kind.SHARED:
            return False  # an output that is returned before the update
        begins, ends = self._block_of(loop, in_run)
        writes = [a for a in accesses if a.writes]
        if not writes or not begins <= first <= last <= ends:
            return False
        if any(a.writes and a.position > at for a in accesses):
            return False
        if not out.is_contiguous and not self._takes_strides(source, writes):
            return False
        around = self.found.between(out, first, max(at, last))
        if any(self._conflicts(a, at, out, step, writes) for a in around):
            return False
        self._rename(source, out)
        return True

    def _block_of(self, loop: Loop | None, in_run: bool) -> tuple[int, int]:
        if loop is not None:
            span = self.found.spans[id(loop)]
            return span.first, span.last
        end = self.found.end_of_run
        return (0, end) if in_run else (end + 1, self.found.end)

    def _live(self, accesses: list[Access], loop: Loop | None) -> tuple[int, int]:
        """First and last position at which a value is touched: inner loops whole."""
        first, last = accesses[0].position, accesses[-1].position
        before = self.found.widest(first, loop)
        after = self.found.widest(last, loop)
        return (before.first if before else first), (after.last if after else last)

    def _conflicts(
        self, a: Access, at: int, out: Value, step: Step, writes: list[Access]
    ) -> bool:
        """Whether an access of the place, while the value lives, is in the way."""
        if a.step is step or disjoint(a.value, out, self.found):
            return False
        if a.position > at:
            return a.writes
        (maker, *others) = writes
        if others or a.step is not maker.step or a.writes:
            return True
        # The step that makes the value reads the place's old contents.
        if not isinstance(maker.step, Kernel) or maker.value is not maker.step.out:
            return True
        inputs = maker.step.inputs
        index = inputs.index(a.value)
        return not (
            inputs.count(a.value) == 1
            and same_place(a.value, out, self.found)
            and a.value.dtype == out.dtype
            and a.value.variable.broadcastable == out.variable.broadcastable
            and maker.step.recipe.may_share(index)
        )

    def _takes_strides(self, source: Value, writes: list[Access]) -> bool:
        """Whether what makes and reads the value copes with strided memory."""
        nodes = [a.step.node for a in writes if isinstance(a.step, Compute)]
        if any(node is not None and isinstance(node.op, Gather) for node in nodes):
            return False  # take would allocate
        views = [self.found.views.get(id(v)) for v in self._below(source)]
        return not any(view and "reshape" in view.text for view in views)

    def _below(self, value: Value) -> Iterator[Value]:
        """The views of a value, and theirs."""
        waiting = [value]
        while waiting:
            children = self.found.children.get(id(waiting.pop()), [])
            yield from children
            waiting += children

    def _rename(self, source: Value, out: Value) -> None:
        """Read and write `out` wherever a step names `source`."""
        for a in self.found.of(source):
            put(a.step, source, out)
            if a.value is source:
                a.value = out
        if not out.is_contiguous:
            for view in self._below(source):  # nothing is known of their order now
                view.contiguous_from, view.transposed = view.variable.ndim, False
        for child in self.found.children.pop(id(source), []):
            child.source = out
            row = self.found.rows.get(id(child))
            if row is not None:
                row.source = out
            self.found.children.setdefault(id(out), []).append(child)
        outputs = self.program.outputs
        outputs[:] = [out if v is source else v for v in outputs]
        self.found.merge(source, out)


def _is_join(step: Compute) -> bool:
    return (
        step.node is not None
        and isinstance(step.node.op, Join)
        and 1 < len(step.inputs) <= MOST_PARTS
        and len({id(v) for v in step.inputs}) == len(step.inputs)
    )


def _part_texts(step: Compute, axis: int) -> list[str] | None:
    """The views of a join's parts, where their places are known when compiled."""
    sizes = [size_of(v.variable.type.shape[axis]) for v in step.inputs]
    front = ":, " * axis
    texts = []
    for k, size in enumerate(sizes):
        before, behind = sizes[:k], sizes[k + 1 :]
        if None not in (*before, size):
            start = sum(n or 0 for n in before)
            text = f"{start}:{start + (size or 0)}"
        elif None not in before and None not in behind:
            after = sum(n or 0 for n in behind)
            text = f"{sum(n or 0 for n in before)}:{-after if after else ''}"
        elif None not in (*behind, size):
            start = sum(n or 0 for n in (size, *behind))
            after = start - (size or 0)
            if not size:
                return None
            text = f"{-start}:{-after if after else ''}"
        else:
            return None
        texts.append(f"{{0}}[{front}{text}]")
    return texts


def _may_move(out: Value, source: Value) -> bool:
    """Whether `source` is a whole buffer of `out`'s dtype and lengths."""
    return (
        source.kind is Kind.BUFFER
        and source is not out.root
        and out.kind is not Kind.DYNAMIC
        and out.dtype == source.dtype
        and out.variable.broadcastable == source.variable.broadcastable
    )


def put(step: Step, old: Value, new: Value) -> None:
    """Name `new` in a step where it names `old`."""

    def swap(values: tuple[Value, ...]) -> tuple[Value, ...]:
        return tuple(new if v is old else v for v in values)

    match step:
        case Kernel():
            step.inputs, step.temps = swap(step.inputs), swap(step.temps)
            step.out = new if step.out is old else step.out
        case Compute():
            step.inputs, step.temps = swap(step.inputs), swap(step.temps)
            step.outs = swap(step.outs)
        case Copy():
            step.out = new if step.out is old else step.out
            step.source = new if step.source is old else step.source
        case Loop():
            step.n_steps = new if step.n_steps is old else step.n_steps
            step.stop = new if step.stop is old else step.stop
            step.done = new if step.done is old else step.done
        case View():
            step.uses = swap(step.uses)


# -- numbers that are copied twice --------------------------------------------------


def spread_constants(program: Program) -> None:
    """Copy a number straight from where it stands, not from an array filled with it.

    copyto(zeros, 0); copyto(state, zeros[None]) → copyto(state, 0)
    """
    found = Accesses(program)
    for step in [*walk(program.steps), *walk(program.updates)]:
        while isinstance(step, Copy) and step.source.root.kind is Kind.BUFFER:
            writes = [a for a in found.of(step.source) if a.writes]
            filled = writes[0].step if len(writes) == 1 else None
            if not (isinstance(filled, Copy) and _is_number(filled, step.out)):
                break
            step.source = filled.source
    drop_unread(program)


def _is_number(filled: Copy, target: Value) -> bool:
    value = filled.source
    return (
        filled.out.source is None
        and value.kind in (Kind.CONSTANT, Kind.EARLY)
        and all(is_static_one(n) for n in value.variable.type.shape)
        and value.variable.ndim <= target.variable.ndim
        and value.dtype == filled.out.dtype
    )


def drop_unread(program: Program) -> None:
    """Drop the fillings of buffers that nobody reads any more."""
    found = Accesses(program)

    def needed(step: Step) -> bool:
        if not isinstance(step, Copy) or step.out.root.kind is not Kind.BUFFER:
            return True
        return any(not a.writes for a in found.of(step.out))

    for block in blocks_of(program):
        block[:] = [step for step in block if needed(step)]
