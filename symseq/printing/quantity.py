"""What a textbook's equation is made of: symbols, products, sums, functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from symseq.graph import Apply, Variable
from symseq.lengths import Length, size_of

# A kernel of more blocks than this is not taken for joined kernels.
MOST_BLOCKS = 64
# Columns start:stop of the last axis.
Cut = tuple[Length, Length]


@dataclass(eq=False, slots=True)
class Quantity:
    """One value of a step.

    Kinds: 'symbol' (``text``, at time t + ``time`` where that is not None), 'product'
    of matrices, 'sum' (``signs`` says which parts are taken away), 'hadamard' (entry by
    entry), 'function' of one part (``text`` is its label), 'concat' of columns, and
    'call' of any other op. ``node`` is the application that it was read from.
    """

    kind: str
    parts: tuple[Quantity, ...] = ()
    text: str = ""
    time: int | None = None
    cut: Cut | None = None  # of a symbol: the columns of `of` that it is
    of: Variable | None = None
    signs: tuple[bool, ...] = ()
    node: Apply | None = None
    index: int = 0  # which output of ``node``
    rank: int = 1
    name: str = ""
    suffix: str = ""  # of a cut symbol: what its columns are called
    moving: bool = field(init=False)  # whether it differs from step to step

    def __post_init__(self) -> None:
        self.moving = self.time is not None or any(p.moving for p in self.parts)

    @property
    def is_symbol(self) -> bool:
        return self.kind == "symbol"

    @property
    def place(self) -> tuple[int, int] | None:
        """(k, n) where the cut is the k-th of n equal blocks."""
        if self.cut is None or self.of is None:
            return None
        start, stop = map(_number, self.cut)
        total = _number(self.of.type.shape[-1])
        if start is None or stop is None or total is None:
            return None
        width = stop - start
        k = next((k for k in range(MOST_BLOCKS) if start == k * width), None)
        n = next((n for n in range(1, MOST_BLOCKS + 1) if total == n * width), None)
        return None if k is None or n is None else (k, n)


def _number(length: Length) -> Length:
    size = size_of(length)
    return length if size is None else size


def cut_text(cut: Cut, rank: int) -> str:
    """[:, H:2H] for columns of a matrix."""
    start, stop = ("" if one in (0, None) else str(one) for one in cut)
    return f"[{':, ' * (rank - 1)}{start}:{stop}]"


def walk(results: Sequence[Quantity]) -> Iterator[Quantity]:
    """All that `results` are made of, parts before wholes, each once."""
    done: set[int] = set()
    stack = [(q, False) for q in reversed(results)]
    while stack:
        q, expanded = stack.pop()
        if id(q) in done:
            continue
        if expanded:
            done.add(id(q))
            yield q
        else:
            stack.append((q, True))
            stack.extend((part, False) for part in reversed(q.parts))


def count_uses(results: Sequence[Quantity]) -> Counter[int]:
    """How often each quantity is a part or a result, by its id."""
    uses = Counter(id(part) for q in walk(results) for part in q.parts)
    uses.update(id(q) for q in results)
    return uses


def flatten(results: Sequence[Quantity]) -> None:
    """(a + b) + c becomes a + b + c, where a + b has no name and no other reader."""
    uses = count_uses(results)
    for q in list(walk(results)):
        if q.kind not in ("sum", "hadamard"):
            continue
        parts: list[Quantity] = []
        signs: list[bool] = []
        outer = q.signs or (False,) * len(q.parts)
        for part, minus in zip(q.parts, outer, strict=True):
            if part.kind == q.kind and not part.name and uses[id(part)] == 1:
                parts += part.parts
                inner = part.signs or (False,) * len(part.parts)
                signs += [sign != minus for sign in inner]
            else:
                parts.append(part)
                signs.append(minus)
        q.parts, q.signs = tuple(parts), tuple(signs)
