"""The memory under all bindings of a plan, and the arrays of one binding in it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod

import numpy as np

from symseq.graph import Constant, SharedVariable
from symseq.types import Array

from ..memory import ALIGNMENT, Layout, Lifetimes, layout, place, shape_of
from ..program import Kind, Program, Value
from .bind import Sizes


class Arena:
    """One block of memory; it only grows."""

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


class Buffers:
    """Where the values of a Program lie.

    ``lent`` holds the ids of storages that callers may read until the next call: they
    lie side by side in an arena of their own.
    """

    def __init__(
        self, program: Program, lifetimes: Lifetimes, lent: frozenset[int] = frozenset()
    ) -> None:
        self.program, self.lifetimes, self.lent = program, lifetimes, lent
        self.layout: Layout = layout(lifetimes)
        self.arena, self.lent_arena = Arena(), Arena()

    def are_known(self, sizes: Sizes) -> bool:
        """Whether every length is known before the run."""
        owners = (storage.owner.variable for storage in self.layout.storages)
        return not any(-1 in sizes.of(variable) for variable in owners)

    def needed(self, sizes: Sizes) -> list[int]:
        """The bytes of each storage."""
        return [
            max(prod(shape_of(v, sizes.of(v.variable))) * np.dtype(v.dtype).itemsize, 0)
            for v in (storage.owner for storage in self.layout.storages)
        ]

    def placed(self, sizes: Sizes) -> tuple[list[int], int]:
        """The offset of each storage, and their end, were all of them in one arena."""
        return place(self.layout, self.needed(sizes))

    def _parted(self, needed: Sequence[int]) -> tuple[list[int], list[int]]:
        """The bytes that stay in the plan, and those that are lent."""
        lent = [id(storage) in self.lent for storage in self.layout.storages]
        pairs = list(zip(needed, lent, strict=True))
        return [0 if is_lent else n for n, is_lent in pairs], [
            n if is_lent else 0 for n, is_lent in pairs
        ]

    def nbytes(self, needed: Sequence[int]) -> int:
        """The bytes of both arenas."""
        kept, lent = self._parted(needed)
        return place(self.layout, kept)[1] + sum(lent)

    def make(self, sizes: Sizes) -> tuple[dict[str, Array], int, bool]:
        """Arrays by name, the arena's bytes, and whether older arrays are void."""
        kept, lent = self._parted(self.needed(sizes))
        offsets, top = place(self.layout, kept)
        starts = [0, *accumulate(-(-n // ALIGNMENT) * ALIGNMENT for n in lent)]
        grown = self.arena.reserve(top)
        moved = self.lent_arena.reserve(starts[-1]) or grown
        ids = [id(storage) for storage in self.layout.storages]
        at = {
            key: (self.lent_arena, start) if key in self.lent else (self.arena, offset)
            for key, start, offset in zip(ids, starts, offsets, strict=False)
        }
        made = {
            value.name: self._array(value, sizes, at) for value in self.program.values
        }
        arrays = {name: array for name, array in made.items() if array is not None}
        return arrays, top, moved

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


class Shapes:
    """shape["name"] → the lengths of a value of the plan."""

    def __init__(self, program: Program, sizes: Sizes) -> None:
        self.values = {value.name: value for value in program.values}
        self.sizes = sizes

    def __getitem__(self, name: str) -> tuple[int, ...]:
        return self.sizes.of(self.values[name].variable)
