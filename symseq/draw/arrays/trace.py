"""What happens to each axis on one line of the user's: linked, summed, stretched.

A line's products, sums and elementwise ops are read from the result down: each axis of
the result is a `Letter`; an op says which letters its inputs' axes have, and which of
them are new there (a sum takes those away).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from symseq import lengths
from symseq.draw.labels import inline
from symseq.graph import Apply, Variable
from symseq.lengths import Length, size_of
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.elementwise import Elementwise
from symseq.ops.keys import Range
from symseq.ops.linalg import BatchedDot, Dot
from symseq.ops.rearrange import Unbroadcast
from symseq.ops.reduce import Reduction
from symseq.ops.reshape import Reshape
from symseq.ops.shape import ShapeOf, SpecifyShape
from symseq.ops.subtensor import Subtensor
from symseq.printing.formula import ATOM, BINDING, Term, term_of
from symseq.types import is_static_one

HOLES = 0xE000  # private characters stand for arrays in a formula


@dataclass(eq=False)
class Letter:
    """One axis of a line: `parts` where a reshape splits it; `summed` by which sum."""

    length: Length = None
    parts: tuple[Letter, ...] = ()
    summed: int | None = None

    def leaves(self) -> list[Letter]:
        return [leaf for part in self.parts for leaf in part.leaves()] or [self]


Letters = tuple[Letter, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """An array that a line reads: its axes' letters, and those around it."""

    variable: Variable
    own: Letters
    frame: Letters
    upright: bool = False  # a vector that is the right factor of a product


@dataclass
class Line:
    """The formula of a node and the nodes folded into it, with holes for arrays."""

    folded: set[int]  # nodes that are written within the line that reads them
    texts: Mapping[int, Term] = field(default_factory=dict)  # written in place
    leaves: list[Leaf] = field(default_factory=list)
    sums: int = 0

    def read(self, node: Apply) -> tuple[Term, Letters]:
        """The formula of a node, and the letters of its result."""
        letters = tuple(map(Letter, node.outputs[0].type.shape))
        return self.node(node, letters, letters), letters

    def node(self, node: Apply, own: Letters, frame: Letters) -> Term:
        """The formula of a node whose result's axes are `own`."""
        op = node.op
        if isinstance(op, (Dot, BatchedDot)):
            return self.product(node, own)
        if isinstance(op, Reduction):
            return self.reduction(node, op.axes, own)
        if isinstance(op, DimShuffle):
            (x,) = node.inputs
            kept = list(map(Letter, x.type.shape))
            for axis, letter in zip(op.order, own, strict=True):
                if axis != "x":
                    kept[axis] = letter
            return self.operand(x, tuple(kept), frame)
        if isinstance(op, Reshape):
            return self.operand(node.inputs[0], resplit(node, own) or (), frame)
        if isinstance(op, Elementwise):
            return term_of(node, [self.operand(x, own, frame) for x in node.inputs])
        return term_of(node, [self.whole(x) for x in node.inputs])

    def whole(self, x: Variable) -> Term:
        """An input of which nothing is known but that it is read."""
        letters = tuple(map(Letter, x.type.shape))
        return self.operand(x, letters, letters)

    def product(self, node: Apply, own: Letters) -> Term:
        """Σ over the last axis of the left and the last but one of the right."""
        left, right = node.inputs
        known = left.type.shape[-1]
        if known is None:
            known = right.type.shape[right.ndim - 2 if right.ndim > 2 else 0]
        inner = Letter(known, summed=self.next_sum())
        pair: tuple[Letters, Letters]
        if isinstance(node.op, BatchedDot):
            batch, rows, columns = own
            pair = (batch, rows, inner), (batch, inner, columns)
        else:
            pair = (*own[: left.ndim - 1], inner), (inner, *own[left.ndim - 1 :])
        terms = [self.operand(left, pair[0], pair[0], view=True)]
        before = len(self.leaves)
        terms.append(self.operand(right, pair[1], pair[1], view=True))
        self.leaves[before:] = [
            replace(leaf, upright=len(leaf.own) == 1) for leaf in self.leaves[before:]
        ]
        binding = BINDING["@"]
        text = f"{terms[0].within(binding)} · {terms[1].within(binding + 1)}"
        return Term(text, binding)

    def next_sum(self) -> int:
        self.sums += 1
        return self.sums - 1

    def reduction(self, node: Apply, axes: Sequence[int], own: Letters) -> Term:
        kept, count = iter(own), self.next_sum()
        inner = tuple(
            Letter(length, summed=count) if axis in axes else next(kept)
            for axis, length in enumerate(node.inputs[0].type.shape)
        )
        term = self.operand(node.inputs[0], inner, inner)
        name = {"sum": "Σ", "prod": "Π"}.get(node.op.name, node.op.name)
        return Term(f"{name}({term.text})", ATOM)

    def operand(
        self, x: Variable, own: Letters, frame: Letters, *, view: bool = False
    ) -> Term:
        """What an input is in the formula: text, a formula, or a hole for an array."""
        x, own = _peel(x, own)
        text = self.texts.get(id(x)) or inline(x)
        if text is not None:
            return text
        node = x.owner
        if node is not None and (length := _length(node)):
            return length
        if node is not None and not x.name:
            if view and (looked := self.look(node, own)):
                return self.operand(*looked, looked[1], view=True)
            if is_axis_view(node) or id(node) in self.folded:
                return self.node(node, own, frame)
        self.leaves.append(Leaf(x, own, frame))
        return Term(chr(HOLES + len(self.leaves) - 1))

    def look(self, node: Apply, own: Letters) -> tuple[Variable, Letters] | None:
        """A factor behind a view that only moves, merges or splits its axes."""
        if isinstance(node.op, DimShuffle):
            kept = list(map(Letter, node.inputs[0].type.shape))
            for axis, letter in zip(node.op.order, own, strict=True):
                if axis != "x":
                    kept[axis] = letter
            return node.inputs[0], tuple(kept)
        if isinstance(node.op, Reshape):
            letters = resplit(node, own)
            return None if letters is None else (node.inputs[0], letters)
        return None


def is_axis_view(node: Apply | None) -> bool:
    """Whether a node only inserts axes of length 1, or drops them."""
    if node is None or not isinstance(node.op, DimShuffle):
        return False
    kept = [axis for axis in node.op.order if axis != "x"]
    return kept == sorted(kept)


def _is_full(entry: object) -> bool:
    return isinstance(entry, Range) and entry.is_full


def is_same(node: Apply | None) -> bool:
    """Whether a node changes nothing that a picture shows."""
    return node is not None and (
        node.op.name.startswith("cast_")
        or isinstance(node.op, (SpecifyShape, Unbroadcast))
        or (isinstance(node.op, Subtensor) and all(map(_is_full, node.op.key)))
    )


def _length(node: Apply) -> Term | None:
    """x.shape[0], of an array without a name for its length."""
    behind = node.inputs[0].owner if isinstance(node.op, Subtensor) else None
    if behind is None or not isinstance(behind.op, ShapeOf) or len(node.inputs) > 1:
        return None
    return term_of(node, [Term(f"{behind.inputs[0].label}.shape")])


def _peel(x: Variable, own: Letters) -> tuple[Variable, Letters]:
    while not x.name and is_same(x.owner):
        assert x.owner is not None
        x = x.owner.inputs[0]
    return x, own


def can_fold(node: Apply) -> bool:
    """Whether a node may be written within the line that reads it."""
    return isinstance(node.op, (Elementwise, Dot, BatchedDot, Reduction)) or (
        isinstance(node.op, Reshape) and has_product(node)
    )


def has_product(node: Apply) -> bool:
    """Whether a reshape is the last step of a product of higher rank."""
    inner = node.inputs[0].owner
    return (
        inner is not None
        and isinstance(inner.op, (Dot, BatchedDot))
        and inner.spans[0] == node.spans[0]
        and not inner.outputs[0].name
        and resplit(node, tuple(map(Letter, node.outputs[0].type.shape))) is not None
    )


def resplit(node: Apply, own: Letters) -> Letters | None:
    """The letters of a reshape's input, whose output's are `own`; None: no telling."""
    x, y = node.inputs[0], node.outputs[0]
    pairs = segments(x.type.shape, y.type.shape)
    if pairs is None:
        return None
    made: list[Letter] = []
    for old, new in pairs:
        letters = [leaf for k in new for leaf in own[k].leaves()]
        if len(old) == 1:
            made.append(
                letters[0] if len(letters) == 1 else Letter(None, tuple(letters))
            )
        elif len(letters) == len(old):
            made += letters
        elif len(letters) == 1:
            (whole,) = letters
            whole.parts = tuple(
                Letter(x.type.shape[k], summed=whole.summed) for k in old
            )
            made += whole.parts
        else:
            return None
    return tuple(made)


Segments = list[tuple[list[int], list[int]]]


def segments(old: Sequence[Length], new: Sequence[Length]) -> Segments | None:
    """Axes that a reshape keeps, merges or splits, where lengths tell.

    >>> T, B, D = lengths.dims("T B D")
    >>> segments([T, B, D], [T * B, D])
    [([0, 1], [0]), ([2], [1])]
    """
    front: Segments = []
    back: Segments = []
    i, j, m, n = 0, 0, len(old), len(new)
    while i < m and j < n and _equal(old[i], new[j]):
        front.append(([i], [j]))
        i, j = i + 1, j + 1
    while m > i and n > j and _equal(old[m - 1], new[n - 1]):
        m, n = m - 1, n - 1
        back.insert(0, ([m], [n]))
    middle = _grow(old, new, (i, m), (j, n))
    return None if middle is None else front + middle + back


def _grow(
    old: Sequence[Length], new: Sequence[Length], mine: tuple[int, int],
    theirs: tuple[int, int],
) -> Segments | None:  # fmt: skip
    """Segments between two places: the shortest runs of equal products."""
    (i, m), (j, n) = mine, theirs
    if i == m and j == n:
        return []
    if 1 in (m - i, n - j) and i < m and j < n:
        return [([*range(i, m)], [*range(j, n)])]
    for a in range(i + 1, m + 1):
        for b in range(j + 1, n + 1):
            if _equal(lengths.total(old[i:a]), lengths.total(new[j:b])):
                rest = _grow(old, new, (a, m), (b, n))
                if rest is not None:
                    return [([*range(i, a)], [*range(j, b)]), *rest]
    return None


def _equal(a: Length, b: Length) -> bool:
    if a is None or b is None:
        return False
    return a == b or (size_of(a) is not None and size_of(a) == size_of(b))


def stretched(leaf: Leaf) -> list[bool]:
    """Which letters around a leaf it is repeated along."""
    lengths_ = dict(zip(leaf.own, leaf.variable.type.shape, strict=True))
    return [
        not is_static_one(letter.length) and is_static_one(lengths_.get(letter, 1))
        for letter in leaf.frame
    ]
