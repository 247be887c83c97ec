"""The Program: steps over named arrays, between the graph and a target's source.

A `Value` is a named array: an input, a shared variable's buffer, a constant, an early
value (made at bind, from lengths), a buffer of the arena, a view of another value, or
(dynamic) an array made while running, where its lengths depend on contents. A step
computes values from values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from symseq.graph import Apply, Variable

from .recipe import Recipe


class Kind(Enum):
    """Where a value's memory is."""

    INPUT = "input"
    SHARED = "shared"
    CONSTANT = "constant"
    EARLY = "early"
    BUFFER = "buffer"
    VIEW = "view"
    DYNAMIC = "dynamic"


@dataclass(eq=False, slots=True)
class Value:
    """A named array of the plan, of the lengths of ``variable`` at bind.

    ``source`` is what a view looks into. ``contiguous_from`` is the first axis from
    which the elements lie side by side (0: C order; the rank: nothing is known).
    ``loop`` is the loop whose step it changes with, for rows and views of rows. ``cut``
    buffers have only the first rows, as many as a block (see `Fused`).
    """

    name: str
    variable: Variable
    kind: Kind
    dtype: str
    source: Value | None = None
    contiguous_from: int = 0
    transposed: bool = False
    loop: Loop | None = None
    cut: bool = False

    @property
    def root(self) -> Value:
        """The value whose memory this is."""
        value = self
        while value.source is not None:
            value = value.source
        return value

    @property
    def is_contiguous(self) -> bool:
        return self.contiguous_from == 0

    def __repr__(self) -> str:
        return self.name


@dataclass(eq=False, slots=True)
class View:
    """out looks into its source; ``text`` is the expression, made once, at bind.

    ``uses`` are the early values (bounds of slices) that the expression names. Views of
    one source whose ``part`` differ share no element; part -d is the first d rows.
    """

    out: Value
    text: str
    node: Apply | None = None
    uses: tuple[Value, ...] = ()
    part: int | None = None


@dataclass(eq=False, slots=True)
class Kernel:
    """out = an elementwise expression of the inputs, over a broadcast index space."""

    out: Value
    inputs: tuple[Value, ...]
    recipe: Recipe
    temps: tuple[Value, ...]
    node: Apply | None = None


@dataclass(eq=False, slots=True)
class Compute:
    """outs = op(inputs): a product, reduction, gather, scatter, draw or host step.

    ``overwrites`` marks an op that updates its first input: where that input's memory
    is free it becomes the output's (else the step copies it first).
    """

    outs: tuple[Value, ...]
    inputs: tuple[Value, ...]
    temps: tuple[Value, ...] = ()
    overwrites: bool = False
    node: Apply | None = None


@dataclass(eq=False, slots=True)
class Copy:
    """out[...] = source, which may broadcast; ``overwrites`` as of `Compute`."""

    out: Value
    source: Value
    node: Apply | None = None
    overwrites: bool = False


@dataclass(eq=False, slots=True)
class Fused:
    """Elementwise steps over one index space as one loop nest, for targets that fuse.

    ``inputs`` are the values that it loads, ``outs`` those that it stores: what no
    other step reads stays inside, and has no memory. ``sums`` are reductions, over the
    same axes, of values that the steps make. Where a target goes over blocks of
    rows instead (NumPy), the steps name ``parts``, views of inputs and outs, and
    ``temps``, which have the memory of one block.
    """

    steps: tuple[Kernel | Copy, ...]
    outs: tuple[Value, ...]
    inputs: tuple[Value, ...]
    node: Apply | None = None
    temps: tuple[Value, ...] = ()
    parts: tuple[Value, ...] = ()
    sums: tuple[Compute, ...] = ()


@dataclass(eq=False, slots=True)
class Row:
    """out is row t + offset of the source at step t."""

    out: Value
    source: Value
    offset: int


@dataclass(eq=False, slots=True)
class Loop:
    """The body's steps for t = 0 ... trips - 1; ``trips`` is held by `n_steps` at bind.

    ``stop`` ends the loop after the step in which it is true; ``done`` gets the count.
    ``within`` is the enclosing loop whose rows its own table of views depends on.
    """

    name: str
    n_steps: Value
    node: Apply
    rows: list[Row] = field(default_factory=list)
    body: list[Step] = field(default_factory=list)
    stop: Value | None = None
    done: Value | None = None
    within: Loop | None = None
    parent: Loop | None = None

    @property
    def depth(self) -> int:
        return 0 if self.parent is None else self.parent.depth + 1


Step: TypeAlias = "View | Kernel | Compute | Copy | Fused | Loop"


@dataclass(eq=False, slots=True)
class Program:
    """A function: ``steps`` compute, then ``updates`` write shared variables."""

    name: str
    values: list[Value] = field(default_factory=list)
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    updates: list[Step] = field(default_factory=list)


def fresh_names(program: Program) -> Callable[[str], str]:
    """Gives names that no value of the program has."""
    taken = {value.name for value in program.values}

    def fresh(wanted: str) -> str:
        name, k = wanted, 0
        while name in taken:
            k += 1
            name = f"{wanted}_{k}"
        taken.add(name)
        return name

    return fresh


def blocks_of(program: Program) -> list[list[Step]]:
    """The lists of steps of a program: outermost, of the updates, of each loop."""
    every = (*walk(program.steps), *walk(program.updates))
    bodies = [step.body for step in every if isinstance(step, Loop)]
    return [program.steps, program.updates, *bodies]


def walk(steps: list[Step]) -> Iterator[Step]:
    """Every step, loops before their bodies."""
    for step in steps:
        yield step
        if isinstance(step, Loop):
            yield from walk(step.body)


def reads(step: Step) -> tuple[Value, ...]:
    """The values that a step reads itself (a loop: what its rows look into)."""
    match step:
        case View():
            return (
                *(() if step.out.source is None else (step.out.source,)),
                *step.uses,
            )
        case Kernel() | Compute() | Fused():
            return step.inputs
        case Copy():
            return (step.source,)
        case Loop():
            stop = () if step.stop is None else (step.stop,)
            return (*(row.source for row in step.rows), step.n_steps, *stop)


def writes(step: Step) -> tuple[Value, ...]:
    """The values that a step writes itself, its temporaries included."""
    match step:
        case View():
            return ()
        case Kernel():
            return (step.out, *step.temps)
        case Compute():
            return (*step.outs, *step.temps)
        case Copy():
            return (step.out,)
        case Fused():
            return (*step.outs, *step.temps)
        case Loop():
            return () if step.done is None else (step.done,)
