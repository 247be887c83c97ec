"""A plan: an emitted Program, bound to memory once per signature and run."""

from __future__ import annotations

import linecache
import re
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from math import prod
from os import PathLike
from types import MappingProxyType
from typing import Any

import numpy as np

from symseq.errors import SymseqError, UsageError
from symseq.graph import (
    Apply,
    BodyOp,
    Constant,
    SharedVariable,
    Variable,
    operands,
)
from symseq.scan.op import Scan
from symseq.span import Span
from symseq.types import Array

from ..lower.function import VIEWS, lower_function
from ..lower.scope import Lengths, Scope, shaping_nodes
from ..memory import ALIGNMENT, Layout, Lifetimes, layout, place, shape_of
from ..program import Kind, Program, Value
from ..reference import Evaluator
from ..watch import StepWatch, Watch
from . import kernels
from .bind import Sizes
from .forecast import Forecast, forecast, stand_ins
from .nested import Nested
from .save import Layout as SavedLayout
from .save import save as write_plan
from .targets import BACKENDS
from .threads import chosen_threads

MOST_BINDINGS = 64
Signature = tuple[Any, ...]


class BranchesDiffer(Exception):
    """Branches of an ifelse have other lengths: they must be allocated when taken."""


@dataclass(slots=True)
class Binding:
    """One signature's views and the closures that run over them."""

    inputs: list[Array]
    run: Callable[[], None]
    update: Callable[[], None]
    outputs: Callable[[], list[Array]]
    nbytes: int
    threads: int | None  # of BLAS while it runs; None: as they are


class Arena:
    """The one block of memory under all bindings of a plan; it only grows."""

    def __init__(self) -> None:
        self.block = np.empty(ALIGNMENT, np.uint8)

    def reserve(self, nbytes: int) -> bool:
        """Make room; True where the block moved, so that older views are void."""
        if nbytes + ALIGNMENT <= self.block.size:
            return False
        self.block = np.empty(nbytes + ALIGNMENT, np.uint8)
        return True

    def array(self, offset: int, shape: Sequence[int], dtype: str) -> Array:
        start = -self.block.ctypes.data % ALIGNMENT
        return np.ndarray(tuple(shape), dtype, self.block, start + offset)


class Plan:
    """The compiled form of one function for a target that runs a Program.

    ``source`` is the text that runs. ``report()`` says what it holds.
    """

    def __init__(
        self,
        program: Program,
        scope: Scope,
        lengths: Lengths,
        borrowed: Sequence[bool] = (),
        watch: Watch | None = None,
        target: str = "numpy",
        nested: Nested | None = None,
    ) -> None:
        # A watch sees single steps, which only the numpy target has.
        self.backend = BACKENDS[target if watch is None else "numpy"]
        if watch is None or watch.guard is None:  # a guard sees whole arrays
            program = self.backend.prepare(program)
        self.program, self.scope, self.lengths = program, scope, lengths
        lifetimes = Lifetimes(program)
        emitter = self.backend.emitter(program, lifetimes, watch is not None)
        self.source = emitter.emit()
        self.watch = watch
        made_inside = partial(plan_inside, watch, target)
        self.nested = nested or Nested(made_inside, BranchesDiffer)
        self.ops = {
            name: _checked(node, self.nested)
            if name in emitter.names.checked
            else _meaning(node, self.nested)
            for name, node in emitter.names.ops.items()
        }
        if watch is not None:
            steps = StepWatch(watch, emitter.seen)
            self.ops |= {"watch": steps, "watch_time": steps.only_time}
        self.called, self.helpers = emitter.names.ops, tuple(emitter.names.helpers)
        self.file = f"<symseq plan {program.name} {id(self):x}>"
        self.nodes = {n + emitter.offset: v for n, v in emitter.source.nodes.items()}
        self.shaping = shaping_nodes(scope, lengths)
        self.loops = emitter.loops
        self.layout: Layout = layout(lifetimes)
        self.lifetimes = lifetimes
        # What callers may keep until the next call: outputs, and ids of their storages.
        asked = [*borrowed, *[False] * (len(program.outputs) - len(borrowed))]
        places = [lifetimes.of(value) for value in program.outputs]
        pairs = list(zip(places, asked, strict=True))
        self.keeps = [flag and place is not None for place, flag in pairs]
        self.lent = {id(place) for place, flag in pairs if flag}
        # Shared variables that the last outputs replace: updates of other lengths.
        self.replaced: tuple[SharedVariable, ...] = ()
        self.arena, self.lent_arena = Arena(), Arena()
        self.bindings: OrderedDict[Signature, Binding] = OrderedDict()
        self._bind = self._load(self.backend.namespace(emitter))

    def _load(self, namespace: dict[str, Any]) -> Callable[..., Any]:
        lines = self.source.splitlines(True)
        linecache.cache[self.file] = (len(self.source), None, lines, self.file)
        weakref.finalize(self, linecache.cache.pop, self.file, None)
        exec(compile(self.source, self.file, "exec"), namespace)
        made: Callable[..., Any] = namespace["bind"]
        return made

    # -- signatures ---------------------------------------------------------------

    def signature(
        self, arrays: dict[int, Array], shared: list[SharedVariable]
    ) -> Signature:
        """Lengths of inputs and shared variables, and those that values decide."""
        lengths = tuple([array.shape for array in arrays.values()])
        versions = tuple([variable.version for variable in shared])
        if not self.lengths.deciders:
            return lengths, versions
        sizes = Sizes(arrays)
        decided: list[Any] = []
        deciders = {id(node) for node in self.lengths.deciders}
        for node in self.shaping:
            sizes.infer(node)
            if id(node) in deciders:
                decided.append([sizes.of(v) for v in node.outputs])
                if isinstance(node.op, Scan):
                    reads = node.op.length_inputs()
                    decided.append([sizes.held(node.inputs[k]) for k in reads])
        return lengths, versions, repr(decided)

    # -- bind ---------------------------------------------------------------------

    def bind(
        self,
        signature: Signature,
        arrays: dict[int, Array],
        held: Mapping[int, Array] = MappingProxyType({}),
    ) -> Binding:
        """The binding of a signature, made when first met; the oldest is dropped.

        ``held`` are inputs to be read where they lie, by id of the variable.
        """
        found = self.bindings.get(signature)
        if found is not None:
            self.bindings.move_to_end(signature)
            return found
        made = self._make_binding(arrays, held)
        self.bindings[signature] = made
        if len(self.bindings) > MOST_BINDINGS:
            self.bindings.popitem(last=False)
        return made

    def _make_binding(
        self, arrays: dict[int, Array], held: Mapping[int, Array]
    ) -> Binding:
        sizes = Sizes(arrays, self.lengths.early - self.lengths.by_value)
        with np.errstate(all="ignore"):
            sizes.infer_scope(self.scope)
            early = {
                value.name: self._early(sizes, value.variable)
                for value in self.program.values
                if value.kind is Kind.EARLY
            }
        unknown = any(-1 in sizes.of(s.owner.variable) for s in self.layout.storages)
        if unknown or any(id(loop.node) not in sizes.trips for loop in self.loops):
            raise BranchesDiffer
        shape = _Shapes(self.program, sizes)
        buffer, nbytes = self._buffers(sizes)
        for value in self.program.inputs:
            lengths = sizes.of(value.variable)
            mine = held.get(id(value.variable))
            buffer[value.name] = (
                np.empty(lengths, value.dtype) if mine is None else mine
            )
        trips = {loop.name: sizes.trips[id(loop.node)] for loop in self.loops}
        ops = self.ops | kernels.HELPERS
        run, update, outputs = self._bind(buffer, early, shape, ops, trips)
        inputs = [buffer[value.name] for value in self.program.inputs]
        threads = chosen_threads(self.program.steps, shape.__getitem__, trips)
        return Binding(inputs, run, update, outputs, nbytes, threads)

    def _early(self, sizes: Sizes, variable: Variable) -> Array:
        value = sizes.value(variable)
        if value is None:
            raise BranchesDiffer
        return np.array(value, variable.dtype)

    def _needed(self, sizes: Sizes) -> list[int]:
        """The bytes of each storage of the arena."""
        return [
            max(prod(shape_of(v, sizes.of(v.variable))) * np.dtype(v.dtype).itemsize, 0)
            for v in (storage.owner for storage in self.layout.storages)
        ]

    def _known(self, arrays: dict[int, Array]) -> Sizes:
        """Every length of a call with such inputs; shared variables are as they are."""
        for value in self.program.values:
            if isinstance(value.variable, SharedVariable):
                arrays[id(value.variable)] = value.variable.storage
        sizes = Sizes(arrays, self.lengths.early - self.lengths.by_value)
        with np.errstate(all="ignore"):
            sizes.infer_scope(self.scope)
        return sizes

    def needs(self, arrays: dict[int, Array]) -> tuple[int, int]:
        """The bytes of the arena for a call, and the steps of its longest loop.

        Raises: BranchesDiffer where only the run will know a length.
        """
        sizes = self._known(dict(arrays))
        if any(-1 in sizes.of(s.owner.variable) for s in self.layout.storages):
            raise BranchesDiffer
        needed = place(self.layout, self._needed(sizes))[1]
        return needed, max(sizes.trips.values(), default=1)

    def forecast(self, *shapes: object, **named: object) -> Forecast:
        """What a call with inputs of such shapes will need; nothing runs.

        A tuple is an array's shape; a number is the value of an input of rank 0.

        Raises: UsageError, ShapeError where the shapes do not fit.
        """
        sizes = self._known(stand_ins(self.program.inputs, shapes, named))
        needed = self._needed(sizes)
        ids = [id(storage) for storage in self.layout.storages]
        pairs = list(zip(ids, needed, strict=True))
        kept = [0 if key in self.lent else n for key, n in pairs]
        lent = sum(n for key, n in pairs if key in self.lent)
        arena = place(self.layout, kept)[1] + lent
        return forecast(self.program, self.layout, self.lifetimes, sizes, needed, arena)

    def save(self, path: str | PathLike[str], *shapes: object, **named: object) -> None:
        """Write a Python file that gives the same numbers with NumPy alone.

        Its ``step`` takes inputs of the given shapes (as `report`), or else of the last
        call's. Shared variables and large constants lie beside it in an .npz file.

        Raises: UsageError for a plan of another target, for ops that call the user's
            Python, for lengths that only the run knows.
        """
        if self.backend is not BACKENDS["numpy"] or self.watch is not None:
            raise UsageError("only a plan of the numpy target is saved as a file",
                             hint='compile with target="numpy"')  # fmt: skip
        if shapes or named:
            arrays = stand_ins(self.program.inputs, shapes, named)
        elif self.bindings:
            last = next(reversed(self.bindings.values()))
            pairs = zip(self.program.inputs, last.inputs, strict=True)
            arrays = {id(value.variable): array for value, array in pairs}
        else:
            raise UsageError("save needs the inputs' shapes before the first call",
                             hint="save(path, x=(100, 16), ...)")  # fmt: skip
        dynamic = [v for v in self.program.values if v.kind is Kind.DYNAMIC]
        if dynamic:
            raise UsageError("a plan with lengths that only the run knows cannot be "
                             "saved").at(dynamic[0].variable.span)  # fmt: skip
        nodes = {name: self.called[name] for name in self.ops if name in self.called}
        sizes = self._known(arrays)
        first = len(self.program.outputs) - len(self.replaced)
        for shared, value in zip(
            self.replaced, self.program.outputs[first:], strict=True
        ):
            if sizes.of(value.variable) != shared.storage.shape:
                raise UsageError(
                    f"a plan whose update changes the lengths of {shared.label} "
                    "cannot be saved"
                ).at(value.variable.span)
        layout = self._saved_layout(sizes)
        write_plan(
            path, self.program, self.source, nodes, self.helpers, layout, self.replaced
        )

    def _saved_layout(self, sizes: Sizes) -> SavedLayout:
        needed = self._needed(sizes)
        offsets, top = place(self.layout, needed)
        pairs = zip(self.layout.storages, offsets, strict=True)
        at = {id(storage): offset for storage, offset in pairs}
        buffers, early = {}, {}
        for value in self.program.values:
            storage = self.lifetimes.of(value) if value.kind is Kind.BUFFER else None
            if storage is not None:
                shape = shape_of(value, sizes.of(value.variable))
                buffers[value.name] = (at[id(storage)], shape, value.dtype)
            elif value.kind is Kind.EARLY:
                early[value.name] = self._early(sizes, value.variable)
        table = _Shapes(self.program, sizes)
        asked = re.findall(r'shape\["(\w+)"\]', self.source)
        return SavedLayout(
            buffers,
            top,
            [(v, sizes.of(v.variable)) for v in self.program.inputs],
            early,
            {name: table[name] for name in asked},
            {loop.name: sizes.trips[id(loop.node)] for loop in self.loops},
        )

    def _buffers(self, sizes: Sizes) -> tuple[dict[str, Array], int]:
        needed = self._needed(sizes)
        ids = [id(storage) for storage in self.layout.storages]
        lent = [
            n if key in self.lent else 0 for key, n in zip(ids, needed, strict=True)
        ]
        kept = [
            0 if key in self.lent else n for key, n in zip(ids, needed, strict=True)
        ]
        offsets, top = place(self.layout, kept)
        starts = [0, *accumulate(-(-n // ALIGNMENT) * ALIGNMENT for n in lent)]
        grown = self.arena.reserve(top)
        if self.lent_arena.reserve(starts[-1]) or grown:
            self.bindings.clear()
        at = {
            key: (self.lent_arena, start) if key in self.lent else (self.arena, offset)
            for key, start, offset in zip(ids, starts, offsets, strict=False)
        }
        buffer: dict[str, Array] = {}
        for value in self.program.values:
            made = self._array(value, sizes, at)
            if made is not None:
                buffer[value.name] = made
        return buffer, top

    def _array(
        self, value: Value, sizes: Sizes, at: dict[int, tuple[Arena, int]]
    ) -> Array | None:
        match value.kind:
            case Kind.BUFFER:
                storage = self.lifetimes.of(value)
                if storage is None:
                    return None
                arena, offset = at[id(storage)]
                shape = shape_of(value, sizes.of(value.variable))
                return arena.array(offset, shape, value.dtype)
            case Kind.SHARED:
                assert isinstance(value.variable, SharedVariable)
                return value.variable.storage
            case Kind.CONSTANT:
                assert isinstance(value.variable, Constant)
                return value.variable.data
        return None

    def results(self, binding: Binding) -> list[Array]:
        """The outputs: fresh arrays; borrowed ones are overwritten by the next call."""
        pairs = zip(binding.outputs(), self.keeps, strict=True)
        return [array if keeps else np.array(array) for array, keeps in pairs]

    # -- errors and reports -------------------------------------------------------

    def node_at(self, line: int) -> Apply | None:
        """The graph node that a line of the source came from."""
        return self.nodes.get(line)

    @property
    def line_map(self) -> dict[int, Span]:
        """Line of the source → the user's line."""
        return {line: node.spans[0] for line, node in self.nodes.items() if node.spans}

    def blame(self, error: Exception) -> Exception:
        """`error`, raised while running, with the user's line that it came from."""
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self.file:
                node = self.node_at(trace.tb_lineno)
                if node is not None:
                    return blamed(error, node)
            trace = trace.tb_next
        return error

    def _threads_line(self) -> list[str]:
        chosen = {b.threads for b in self.bindings.values() if b.threads is not None}
        shown = ", ".join(map(str, sorted(chosen)))
        return [f"BLAS threads: {shown}"] if chosen else []

    def report(self, *shapes: object, **named: object) -> str:
        """Steps, bindings and memory, and the lines that take the allocating path.

        With the inputs' shapes (by position or name) also what a call will need, before
        anything runs: the peak and a table of the buffers (`forecast`).
        """
        kinds: dict[str, int] = {}
        for value in self.program.values:
            kinds[value.kind.value] = kinds.get(value.kind.value, 0) + 1
        lines = [
            f"plan {self.program.name}: {len(self.source.splitlines())} lines, "
            f"{len(self.loops)} loops",
            "values: " + ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())),
            f"bindings: {len(self.bindings)}, arena: {self.arena.block.size} bytes",
            *self._threads_line(),
        ]
        dynamic = [v for v in self.program.values if v.kind is Kind.DYNAMIC]
        places = dict.fromkeys(str(v.variable.span) for v in dynamic)
        lines += [f"allocates at each call: {place_}" for place_ in places]
        if shapes or named:
            lines.append(str(self.forecast(*shapes, **named)))
        return "\n".join(lines)


def blamed(error: Exception, node: Apply) -> Exception:
    """`error` with the line of a node: among its rows, or as a note to NumPy's own."""
    if isinstance(error, SymseqError):
        return error.at(node.spans[0], operands(node.inputs))
    error.add_note(f"at {node.spans[0]}  {node.spans[0].text}")
    return error


class _Shapes:
    """shape["name"] → the lengths of a value of the plan."""

    def __init__(self, program: Program, sizes: Sizes) -> None:
        self.values = {value.name: value for value in program.values}
        self.sizes = sizes

    def __getitem__(self, name: str) -> tuple[int, ...]:
        return self.sizes.of(self.values[name].variable)


def plan_inside(
    watch: Watch | None,
    target: str,
    outputs: Sequence[Variable],
    inputs: Sequence[Variable],
    nested: Nested,
    differ: bool,
) -> Plan:
    """The plan of a graph inside another plan's."""
    lowered = lower_function("inside", inputs, outputs, (), differ)
    return Plan(*lowered, watch=watch, target=target, nested=nested)


def _meaning(node: Apply, nested: Nested) -> Callable[..., Any]:
    """The node's NumPy meaning, with results of their own: no view of a buffer."""
    op = node.op
    if isinstance(op, BodyOp):
        return nested.meaning(node)
    if isinstance(op, VIEWS):
        return lambda *inputs: tuple(np.array(x) for x in op.numpy(*inputs))
    return op.numpy


def _checked(node: Apply, nested: Nested) -> Callable[..., Any]:
    """The same for lengths that only the run knows: the type rule checks them."""
    if isinstance(node.op, BodyOp):
        made = nested.meaning(node)
        return lambda *inputs: tuple(np.array(x) for x in made(*inputs))
    evaluate = Evaluator()
    return lambda *inputs: tuple(
        made if made.base is None and made.flags.owndata else np.array(made)
        for made in evaluate.apply(node, inputs)
    )
