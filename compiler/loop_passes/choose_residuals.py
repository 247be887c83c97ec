"""A loop reads the lightest rows that the others follow from.

    scan(stacks z, p = relu(z));  back(z_t, p_t)
    →  scan(stacks z);  back(z_t, relu(z_t))
    s = y * (1 - y);  scan(g_t * s_t)  →  scan(g_t * (y_t * (1 - y_t)))

What a loop reads is a cut of the graph that its rows are made of: through elementwise
work over stacks, and on into the loops that made the stacks. The lightest cut in bytes
is read. What is there in any case (inputs, what is read again after the loop) weighs
nothing. Only light elementwise work is done twice, never a product, a transcendental
function or a division.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symseq.graph import Apply, Constant, Variable
from symseq.ops.alloc import Alloc
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.indexing import getitem
from symseq.ops.keys import Range
from symseq.ops.shape import ShapeOf
from symseq.ops.subtensor import Subtensor
from symseq.scan.op import Scan
from symseq.scan.rows import flipped
from symseq.span import Origin, deriving
from symseq.traverse import depends_on, replace, sort_nodes

from .costs import VIEWS
from .cuts import UNBOUNDED, Cut
from .outside import KIND
from .parts import elements, stand_for, take_apart
from .row_sources import RowSources, Value, has_one_row, is_view, stacked_value
from .walk import anew, inside

MIRROR = Range(None, None, -1)


def choose_residuals(outputs: Sequence[Variable]) -> list[Variable]:
    """`outputs` over loops that read as little as they can, bodies included."""
    current = _in_bodies(outputs)
    loops = [node for node in sort_nodes(current) if isinstance(node.op, Scan)]
    for node in reversed(loops):  # what a loop is made of stays as it is
        made = choose_rows(node, current)
        if made is not None:
            current = replace(current, dict(zip(node.outputs, made, strict=True)))
    return current


def _in_bodies(outputs: Sequence[Variable]) -> list[Variable]:
    mapping: dict[Variable, Variable] = {}
    for node in sort_nodes(outputs):
        op = inside(node.op, choose_residuals)
        if op is not node.op:
            inputs = replace(node.inputs, mapping)
            made = anew(node, op, inputs)
            mapping.update(zip(node.outputs, made.outputs, strict=True))
    return replace(outputs, mapping) if mapping else list(outputs)


def choose_rows(node: Apply, outputs: Sequence[Variable]) -> Sequence[Variable] | None:
    """The outputs of the loop over other rows; None: it reads the lightest."""
    parts = take_apart(node)
    sources = RowSources()
    arrays = {id(a): a for a in (array_of(outer) for outer, _ in parts.sequences)}
    if all(sources.operands(Value(a)) is None for a in arrays.values()):
        return None
    weights = Weights(node, outputs)
    chosen = lightest(list(arrays.values()), sources, weights)
    before = sum(map(weights.of, arrays.values()))
    if sum(weights.of(v) for v in chosen) >= before:
        return None
    return Rows(node, sources, {id(v) for v in chosen}).result()


def array_of(v: Variable) -> Variable:
    """The array that v is rows or a view of."""
    while is_view(v):
        assert v.owner is not None
        v = v.owner.inputs[0]
    return v


def _memory_of(v: Variable) -> Variable:
    """The array in whose memory v lies."""
    while v.owner is not None and isinstance(v.owner.op, (Subtensor, *VIEWS)):
        if isinstance(v.owner.op, (Alloc, ShapeOf)):
            break
        v = v.owner.inputs[0]
    return v


class Weights:
    """Bytes per step of what one loop may read."""

    def __init__(self, node: Apply, outputs: Sequence[Variable]) -> None:
        self.there = {id(_memory_of(v)) for v in outputs}
        late = depends_on(outputs, node.outputs)
        for reader in sort_nodes(outputs):
            if reader is not node and any(id(v) in late for v in reader.outputs):
                self.there.update(id(_memory_of(v)) for v in reader.inputs)

    def of(self, v: Variable) -> int:
        """What it costs to have v until the loop reads it."""
        if v.owner is None or id(v) in self.there:
            return 0
        row = Variable(v.type.with_shape(v.type.shape[1:]))
        return elements([row]) * np.dtype(v.dtype).itemsize


def lightest(
    arrays: Sequence[Variable], sources: RowSources, weights: Weights
) -> list[Variable]:
    """The arrays of the lightest cut between `arrays` and what they are made of."""
    cut = Cut()
    seen: dict[tuple[int, int], Value] = {}
    stack = [Value(v) for v in arrays]
    for value in stack:
        cut.want(value.key)
    while stack:
        value = stack.pop()
        if value.key in seen:
            continue
        seen[value.key] = value
        reads = sources.operands(value)
        passed = value.loop is not None or is_view(value.variable)
        weight = UNBOUNDED if passed else weights.of(value.variable)
        cut.add(value.key, weight, None if reads is None else [r.key for r in reads])
        stack += reads or ()
    chosen = cut.least()
    return [value.variable for key, value in seen.items() if key in chosen]


# Slices of rows and the variables that bound them, the first first.
Chain = tuple[tuple[Range, tuple[Variable, ...]], ...]


def _named(chain: Chain) -> tuple[object, ...]:
    return tuple((rows, *map(id, bounds)) for rows, bounds in chain)


class Rows:
    """One loop over the rows of chosen arrays."""

    def __init__(self, node: Apply, sources: RowSources, chosen: set[int]) -> None:
        self.node, self.sources, self.chosen = node, sources, chosen
        self.parts = take_apart(node)
        self.made: dict[object, Variable] = {}

    def result(self) -> Sequence[Variable]:
        """The outputs of the loop that reads the chosen arrays alone."""
        parts, mapping = self.parts, {}
        pairs, parts.sequences = parts.sequences, []
        with deriving(self.node.spans, KIND):
            for outer, inner in pairs:
                if id(array_of(outer)) in self.chosen:
                    parts.sequences.append((outer, inner))
                else:
                    mapping[inner] = stand_for(inner, self.row(outer, ()))
            return parts.put_together(mapping).outputs

    def row(self, v: Variable, chain: Chain) -> Variable:
        """A row of v, after the views of `chain`, as a value of the loop's body."""
        key = (0, id(v), *_named(chain))
        if key not in self.made:
            self.made[key] = self._row(v, chain)
        return self.made[key]

    def _row(self, v: Variable, chain: Chain) -> Variable:
        node = v.owner
        if id(v) in self.chosen:
            return self._read(v, chain)
        assert node is not None
        if is_view(v):
            return self._view(node, chain)
        if isinstance(node.op, Scan):
            inner = stacked_value(v)
            assert inner is not None
            return self._computed(inner, node, chain)
        rows = [
            self._fixed(getitem(x, 0)) if has_one_row(x) else self.row(x, chain)
            for x in node.inputs
        ]
        return _anew(node, rows)

    def _view(self, node: Apply, chain: Chain) -> Variable:
        """A row of a view: the view of a row."""
        source = node.inputs[0]
        if isinstance(node.op, DimShuffle):
            order = [at if at == "x" else at - 1 for at in node.op.order[1:]]
            return DimShuffle(tuple(order))(self.row(source, chain))
        assert isinstance(node.op, Subtensor)
        rows, *rest = node.op.key
        assert isinstance(rows, Range)
        if not rows.is_full:
            chain = ((rows, node.inputs[1:]), *chain)
        row = self.row(source, chain)
        return Subtensor(tuple(rest))(row) if rest else row

    def _inside(self, v: Variable, loop: Apply, chain: Chain) -> Variable:
        """A value of another loop's body as a value of this one's."""
        key = (id(loop), id(v), *_named(chain))
        if key not in self.made:
            stack = self.sources.stacks(loop).mapped.get(id(v))
            self.made[key] = (
                self._computed(v, loop, chain)
                if stack is None
                else stand_for(v, self.row(stack, chain))
            )
        return self.made[key]

    def _computed(self, v: Variable, loop: Apply, chain: Chain) -> Variable:
        stacks = self.sources.stacks(loop)
        if isinstance(v, Constant):
            return v
        if id(v) in stacks.fixed:
            return stand_for(v, self._fixed(stacks.fixed[id(v)]))
        if id(v) in stacks.rows:
            return stand_for(v, self.row(stacks.rows[id(v)], chain))
        assert v.owner is not None
        return _anew(v.owner, [self._inside(x, loop, chain) for x in v.owner.inputs])

    def _read(self, v: Variable, chain: Chain) -> Variable:
        outer = v
        for rows, bounds in chain:
            mirrored = rows == MIRROR
            outer = flipped(outer) if mirrored else Subtensor((rows,))(outer, *bounds)
        inner = Variable(outer.type.with_shape(outer.type.shape[1:]), name=v.name)
        self.parts.sequences.append((outer, inner))
        return inner

    def _fixed(self, outer: Variable) -> Variable:
        if isinstance(outer, Constant):
            return outer
        key = ("fixed", id(outer))
        if key not in self.made:
            inner = self.made[key] = Variable(outer.type, name=outer.name)
            self.parts.constants.append((outer, inner))
        return self.made[key]


def _anew(node: Apply, inputs: Sequence[Variable]) -> Variable:
    return node.op.make_node(inputs, Origin(node.spans, node.kind)).outputs[0]
