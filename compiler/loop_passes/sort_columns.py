"""Columns of pre-activations in the order of what is applied to them.

    z = dot(h, U) + b;  σ(z[:, :n]), tanh(z[:, n:2n]), σ(z[:, 2n:])
    →  z = dot(h, U') + b';  σ(−z[:, :2n]), tanh(z[:, 2n:])

U' and b' are made once, before the loop (`hoist`): U's columns in another order, those
of sigmoids with the other sign. So what is applied to the columns is one call for all
of a kind (`merge_slices`), and a sigmoid is 1 / (1 + exp(z)), a call less. Nothing is
lost: −x is exact, and rounding knows no sign.

U' is a copy, about as much work as one more step with one example. It must be small:
then the calls that a step saves soon earn it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from symseq.graph import Apply, Op, Variable, known_length
from symseq.lengths import size_of
from symseq.ops import math
from symseq.ops.elementwise import Elementwise
from symseq.ops.join import Join
from symseq.ops.linalg import Dot
from symseq.ops.subtensor import Range, Subtensor
from symseq.span import deriving
from symseq.traverse import rebuild

from ..rewrite.intervals import slice_of
from .accumulators import readers_of
from .levels import Level, Levels
from .parts import Parts, elements, stand_for, take_apart
from .walk import over_loops

ADD, SIGMOID = math.add.op, math.sigmoid.op
MOST_COPIED = 1 << 16  # elements of one weight
FEW_STEPS, MOST_TERMS = 16, 16


def sort_columns(outputs: Sequence[Variable]) -> list[Variable]:
    """`outputs` with the columns of weights in bodies of loops sorted."""
    return over_loops(outputs, _sort_one)


def _sort_one(node: Apply) -> Sequence[Variable] | None:
    parts = take_apart(node)
    steps = size_of(known_length(parts.n_steps))
    if steps is not None and steps < FEW_STEPS:
        return None
    mapping = _Sorting(parts).mapping()
    return parts.put_together(mapping).outputs if mapping else None


@dataclass(slots=True)
class Piece:
    """Some columns, [start, stop), and the one op that reads them, if it is one."""

    value: Variable
    start: int
    stop: int
    read_by: Op | None

    @property
    def negated(self) -> bool:
        return self.read_by is SIGMOID

    @property
    def width(self) -> int:
        return self.stop - self.start


class _Sorting:
    """One body: the sums of products of which the columns are sorted."""

    def __init__(self, parts: Parts) -> None:
        self.parts, self.levels = parts, Levels(parts)
        self.readers = readers_of(self.levels.nodes)
        self.shown = {id(v) for v in parts.outputs}
        self.new: dict[int, Variable] = {}

    def mapping(self) -> dict[Variable, Variable]:
        """The body's outputs that change → what they become."""
        new = self.new
        for node in self.levels.nodes:
            done = [id(v) in new for v in node.outputs]
            if all(done):
                continue
            pieces = self._pieces(node)
            if pieces:
                with deriving(node.spans, node.kind):
                    self._sort(node.outputs[0], pieces)
            elif any(id(v) in new for v in node.inputs):
                rebuild(node, [new.get(id(v), v) for v in node.inputs], new)
        return {v: new[id(v)] for v in self.parts.outputs if id(v) in new}

    # -- what is sorted -----------------------------------------------------------

    def _pieces(self, node: Apply) -> list[Piece]:
        """The columns of what the node makes, in their new order; none: it stays."""
        z = node.outputs[0]
        if node.op is not ADD and node.op != Dot():
            return []
        fits = z.type.is_float and z.ndim and self.levels[z] is Level.STATE
        pieces = self._read(z) if fits and self._is_root(z) else []
        leaves = self._leaves(z) if pieces else []
        if not 0 < len(leaves) <= MOST_TERMS or not all(
            self._may_sort(leaf, leaf is z) for leaf in leaves
        ):
            return []
        kinds = list(dict.fromkeys(_kind(piece) for piece in pieces))
        ordered = sorted(pieces, key=lambda piece: kinds.index(_kind(piece)))
        changes = _runs(ordered) < _runs(pieces) or any(p.negated for p in pieces)
        return ordered if changes else []

    def _is_root(self, z: Variable) -> bool:
        """Whether z is no mere term of one larger sum, and no output."""
        read = self.readers.get(id(z), [])
        return id(z) not in self.shown and not (len(read) == 1 and read[0].op is ADD)

    def _read(self, z: Variable) -> list[Piece]:
        """Where z is read: slices that cover its columns once; none otherwise."""
        width, read = z.type.sizes[-1], self.readers.get(id(z), [])
        if width is None:
            return []
        found: dict[int, Piece] = {}
        for reader in read:
            value = reader.outputs[0]
            cut = slice_of(value)
            if cut is None or cut[1].axis != z.ndim - 1:
                whole = [Piece(z, 0, width, self._reader(z))]
                return whole if whole[0].read_by is not None else []
            start, stop = size_of(cut[1].start), size_of(cut[1].stop)
            if start is None or stop is None or start in found:
                return []
            found[start] = Piece(value, start, stop, self._reader(value))
        pieces = [found[start] for start in sorted(found)]
        stops = [0, *(piece.stop for piece in pieces)]
        starts = [*(piece.start for piece in pieces), width]
        return pieces if stops == starts else []

    def _reader(self, v: Variable) -> Op | None:
        """The one elementwise function that is applied to v."""
        read = self.readers.get(id(v), [])
        if len(read) != 1 or id(v) in self.shown:
            return None
        op = read[0].op
        return op if isinstance(op, Elementwise) and op.arity == 1 else None

    def _leaves(self, z: Variable) -> list[Variable]:
        """The terms of the sum z; a term that is read elsewhere too is one itself."""
        leaves, stack = [], [z]
        while stack:
            v = stack.pop()
            inner = v is z or len(self.readers.get(id(v), [])) == 1
            if inner and v.owner is not None and self._is_sum(v):
                stack += v.owner.inputs
            else:
                leaves.append(v)
        return leaves

    def _is_sum(self, v: Variable) -> bool:
        """Whether v is a sum that is not fixed as a whole."""
        summed = v.owner is not None and v.owner.op is ADD
        return summed and self.levels[v] is not Level.FIXED

    def _may_sort(self, leaf: Variable, is_root: bool) -> bool:
        """Whether the leaf's columns are those of a small fixed array."""
        if self.levels[leaf] is Level.FIXED:
            return self._is_small(leaf)
        node = leaf.owner
        if node is None or node.op != Dot() or id(leaf) in self.shown:
            return False
        right = node.inputs[1]
        sole = is_root or len(self.readers[id(leaf)]) == 1
        return sole and right.ndim == 2 and self._is_small(right)

    def _is_small(self, v: Variable) -> bool:
        """Whether v is a fixed array of columns that costs little to copy."""
        known = None not in v.type.sizes and not v.broadcastable[-1]
        fixed = self.levels[v] is Level.FIXED
        return fixed and known and elements([v]) <= MOST_COPIED

    # -- how ----------------------------------------------------------------------

    def _sort(self, z: Variable, pieces: Sequence[Piece]) -> None:
        """Enter what stands for the pieces."""
        whole = self._sorted(z, pieces)
        start = 0
        for piece in pieces:
            made = _columns(whole, start, start + piece.width)
            start += piece.width
            made = math.neg(made) if piece.negated else made
            self.new[id(piece.value)] = stand_for(piece.value, made)

    def _sorted(self, v: Variable, pieces: Sequence[Piece]) -> Variable:
        """v, a sum or a leaf, its columns in the order of the pieces."""
        new, node = self.new, v.owner
        if self.levels[v] is Level.FIXED:
            return _arranged(new.get(id(v), v), pieces)
        assert node is not None
        if node.op is ADD:
            return ADD(*(self._sorted(x, pieces) for x in node.inputs))
        left, right = (new.get(id(x), x) for x in node.inputs)
        return Dot()(left, _arranged(right, pieces))


def _kind(piece: Piece) -> object:
    return piece.read_by or piece.start


def _runs(pieces: Sequence[Piece]) -> int:
    """How many neighbouring pieces of one kind there are."""
    return 1 + sum(_kind(a) != _kind(b) for a, b in pairwise(pieces))


def _columns(x: Variable, start: int, stop: int) -> Variable:
    if (start, stop) == (0, x.type.sizes[-1]):
        return x
    full: list[Range] = [Range()] * (x.ndim - 1)
    return Subtensor((*full, Range(start, stop)))(x)


def _arranged(x: Variable, pieces: Sequence[Piece]) -> Variable:
    """A fixed array with the columns of the pieces, some with the other sign."""
    runs: list[tuple[int, int, bool]] = []
    for piece in pieces:
        if runs and runs[-1][1:] == (piece.start, piece.negated):
            runs[-1] = (runs[-1][0], piece.stop, piece.negated)
        else:
            runs.append((piece.start, piece.stop, piece.negated))
    parts = [(_columns(x, start, stop), negated) for start, stop, negated in runs]
    made = [math.neg(part) if negated else part for part, negated in parts]
    return made[0] if len(made) == 1 else Join(x.ndim - 1)(*made)
