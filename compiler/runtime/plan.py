"""A plan: an emitted Program, bound to memory once per signature and run."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from types import MappingProxyType

import numpy as np

from symseq.draw.scene import Scene
from symseq.errors import UsageError
from symseq.graph import SharedVariable, Variable
from symseq.span import Span
from symseq.types import Array

from ..lower.function import lower_function
from ..lower.scope import Lengths, Scope
from ..memory import Lifetimes
from ..program import Kind, Program
from ..watch import StepWatch, Watch
from . import kernels
from .bind import Sizes
from .buffers import Buffers, Shapes
from .forecast import Forecast, forecast, stand_ins
from .loaded_text import LoadedText
from .meanings import checked_meaning, meaning
from .nested import Nested
from .plan_scene import plan_scene
from .report import report
from .save import save
from .signatures import Signature, Signatures
from .targets import BACKENDS
from .threads import chosen_threads

MOST_BINDINGS = 64


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
        source = emitter.emit()
        nodes = {n + emitter.offset: v for n, v in emitter.source.nodes.items()}
        self.text = LoadedText(program.name, source, nodes, emitter.given)
        self.watch = watch
        made_inside = partial(plan_inside, watch, target)
        self.nested = nested or Nested(made_inside, BranchesDiffer)
        self.called, self.helpers = emitter.names.ops, tuple(emitter.names.helpers)
        self.ops = {
            name: checked_meaning(node, self.nested)
            if name in emitter.names.checked
            else meaning(node, self.nested)
            for name, node in self.called.items()
        }
        if watch is not None:
            steps = StepWatch(watch, emitter.seen)
            self.ops |= {"watch": steps, "watch_time": steps.only_time}
        self.signatures = Signatures(scope, lengths)
        self.loops, self.tables = emitter.loops, emitter.tables
        # What callers may keep until the next call: outputs, and ids of their storages.
        asked = [*borrowed, *[False] * (len(program.outputs) - len(borrowed))]
        places = [lifetimes.of(value) for value in program.outputs]
        pairs = list(zip(places, asked, strict=True))
        self.keeps = [flag and place is not None for place, flag in pairs]
        lent = frozenset(id(place) for place, flag in pairs if flag)
        self.memory = Buffers(program, lifetimes, lent)
        # Shared variables that the last outputs replace: updates of other lengths.
        self.replaced: tuple[SharedVariable, ...] = ()
        self.remarks: tuple[str, ...] = ()  # what was chosen for it, in the report
        self.bindings: OrderedDict[Signature, Binding] = OrderedDict()
        self._bind = self.text.function("bind", self.backend.namespace(emitter))

    @property
    def source(self) -> str:
        return self.text.source

    @property
    def line_map(self) -> dict[int, Span]:
        """Line of the source → the user's line."""
        return self.text.line_map

    def scene(self) -> Scene:
        """Its steps for `draw`, in the order in which they run."""
        return plan_scene(self.program)

    def blame(self, error: Exception) -> Exception:
        """`error`, raised while running, with the user's line that it came from."""
        return self.text.blame(error)

    def signature(
        self, arrays: Mapping[int, Array], shared: Sequence[SharedVariable]
    ) -> Signature:
        """Lengths of inputs and shared variables, and those that values decide."""
        return self.signatures.of(arrays, shared)

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
        sizes = self._sizes(arrays)
        early = {
            value.name: self.early(sizes, value.variable)
            for value in self.program.values
            if value.kind is Kind.EARLY
        }
        trips_known = all(id(loop.node) in sizes.trips for loop in self.loops)
        if not (self.memory.are_known(sizes) and trips_known):
            raise BranchesDiffer
        shape = Shapes(self.program, sizes)
        buffer, nbytes, moved = self.memory.make(sizes)
        if moved:
            self.bindings.clear()
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

    def _sizes(self, arrays: Mapping[int, Array]) -> Sizes:
        """Every length of a call with such inputs and shared variables."""
        sizes = Sizes(arrays, self.lengths.early - self.lengths.by_value)
        with np.errstate(all="ignore"):
            sizes.infer_scope(self.scope)
        return sizes

    def sizes_of(self, inputs: Mapping[int, Array]) -> Sizes:
        """The same with the shared variables as they are."""
        shared = (v.variable for v in self.program.values)
        held = {id(v): v.storage for v in shared if isinstance(v, SharedVariable)}
        return self._sizes({**inputs, **held})

    def early(self, sizes: Sizes, variable: Variable) -> Array:
        """A value that is known before the run.

        Raises: BranchesDiffer where it is not.
        """
        with np.errstate(all="ignore"):
            value = sizes.value(variable)
        if value is None:
            raise BranchesDiffer
        return np.array(value, variable.dtype)

    def results(self, binding: Binding) -> list[Array]:
        """The outputs: fresh arrays; borrowed ones are overwritten by the next call."""
        pairs = zip(binding.outputs(), self.keeps, strict=True)
        return [array if keeps else np.array(array) for array, keeps in pairs]

    # -- what users ask -----------------------------------------------------------

    def needs(self, arrays: Mapping[int, Array]) -> tuple[int, int]:
        """The bytes of the arena for a call, and the steps of its longest loop.

        Raises: BranchesDiffer where only the run will know a length.
        """
        sizes = self.sizes_of(arrays)
        if not self.memory.are_known(sizes):
            raise BranchesDiffer
        return self.memory.placed(sizes)[1], max(sizes.trips.values(), default=1)

    def forecast(self, *shapes: object, **named: object) -> Forecast:
        """What a call with inputs of such shapes will need; nothing runs.

        A tuple is an array's shape; a number is the value of an input of rank 0.

        Raises: UsageError, ShapeError where the shapes do not fit.
        """
        sizes = self.sizes_of(stand_ins(self.program.inputs, shapes, named))
        return forecast(self.program, self.memory, self.tables, sizes)

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
        save(self, path, shapes, named)

    def report(self, *shapes: object, **named: object) -> str:
        """Steps, bindings and memory, and the lines that take the allocating path.

        With the inputs' shapes (by position or name) also what a call will need, before
        anything runs: the peak and a table of the buffers (`forecast`).
        """
        lines = report(self)
        if shapes or named:
            lines.append(str(self.forecast(*shapes, **named)))
        return "\n".join(lines)


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
