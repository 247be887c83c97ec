"""Loop nests over an index space: which axes run as one loop, where elements are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from math import prod

from ..lower.places import ONE
from ..program import Value
from .numba_writer import Writer

COUNTERS = ("i", "j", "k", "l", "m", "n")


@dataclass(eq=False)
class Operand:
    """A value of a nest: for each axis of the space its own axis, or None."""

    value: Value
    axes: tuple[int | None, ...]

    @classmethod
    def of(cls, writer: Writer, value: Value, rank: int) -> Operand:
        """Axes from the right; a static 1 is read again and again."""
        own = writer.places.axes(value)
        missing = rank - len(own)
        axes: list[int | None] = [None] * missing
        axes += [None if axis == ONE else k for k, axis in enumerate(own)]
        return cls(value, tuple(axes))

    def is_unit(self, writer: Writer, axis: int) -> bool:
        """Whether neighbours along the own axis lie side by side."""
        later = writer.places.axes(self.value)[axis + 1 :]
        return self.value.contiguous_from <= axis and all(n == ONE for n in later)

    def merges(self, first: int, second: int) -> bool:
        """Whether two axes of the space are one for this operand."""
        a, b = self.axes[first], self.axes[second]
        if a is None or b is None:
            return a is b
        return self.value.contiguous_from <= a


@dataclass(eq=False)
class Nest:
    """Loops over ``groups`` of axes of a space; gives addresses and indices inside."""

    writer: Writer
    operands: list[Operand]
    groups: list[list[int]]
    lengths: list[str]
    sizes: list[int | None]  # of the groups, where known before a call
    places: dict[int, tuple[str, str]] = field(default_factory=dict)
    counters: list[str] = field(default_factory=list)
    depth: int = 0

    @contextmanager
    def open(self, levels: int | None = None) -> Iterator[None]:
        """Enter the next loops (all without a number)."""
        stop = len(self.groups) if levels is None else self.depth + levels
        before = self.depth
        with ExitStack() as stack:
            while self.depth < stop:
                stack.enter_context(self._enter())
            yield
        self.depth = before

    @contextmanager
    def _enter(self) -> Iterator[None]:
        writer, level = self.writer, self.depth
        taken = COUNTERS[min(level, len(COUNTERS) - 1)]
        with writer.counting(taken, self.lengths[level]) as counter:
            self.counters.append(counter)
            self.depth += 1
            saved = dict(self.places)
            if level + 1 < len(self.groups):
                self._offset(level, counter)
            yield
            self.places = saved
            self.counters.pop()

    @contextmanager
    def inner(self, start: str, stop: str) -> Iterator[str]:
        """The innermost loop, over a range of its places; more than once if need be."""
        writer = self.writer
        wanted = COUNTERS[min(self.depth, len(COUNTERS) - 1)]
        span = stop if start == "0" else f"{start}, {stop}"
        with (
            writer.counter(wanted) as counter,
            writer.under(f"for {counter} in range({span}):"),
        ):
            self.counters.append(counter)
            yield counter
            self.counters.pop()

    def is_short(self, most: int) -> bool:
        """Whether the innermost loop is known to have at most so many steps."""
        size = self.sizes[-1]
        return size is not None and size <= most

    def move(self, value: Value, address: str) -> None:
        """Have the value's elements counted from another address inside this loop."""
        self.places[id(value)] = (address, "")

    def _offset(self, level: int, counter: str) -> None:
        """Addresses of rows, for the operands that move with an outer loop."""
        for operand in self.operands:
            axis = operand.axes[self.groups[level][-1]]
            if axis is None:
                continue
            writer, value = self.writer, operand.value
            base = self.base(value)
            step = writer.bytes(value, axis)
            name = writer.fresh(f"{value.name}_{counter}")
            writer.add(f"{name} = {writer.call('row')}({base}, {counter}, {step})")
            self.places[id(value)] = (name, "")

    def base(self, value: Value) -> str:
        """The address from which the value's elements are counted here."""
        known = self.places.get(id(value))
        return known[0] if known else self.writer.address(value)

    def at(self, value: Value) -> tuple[str, str]:
        """(address, index) of the value's element, inside all loops."""
        operand = next(o for o in self.operands if o.value is value)
        base = self.base(value)
        if not self.groups:
            return base, "0"
        axis = operand.axes[self.groups[-1][-1]]
        if axis is None:
            return base, "0"
        counter = self.counters[-1]
        if operand.is_unit(self.writer, axis):
            return base, counter
        return base, f"{counter} * {self.writer.stride(value, axis)}"


def group_axes(
    axes: Sequence[object], operands: Sequence[Operand], kinds: Sequence[object] = ()
) -> list[list[int]]:
    """The axes longer than 1, neighbours together where they run as one loop."""
    groups: list[list[int]] = []
    for k, axis in enumerate(axes):
        if axis == ONE:
            continue
        last = groups[-1][-1] if groups else None
        if (
            last is not None
            and all(operand.merges(last, k) for operand in operands)
            and (not kinds or kinds[last] == kinds[k])
        ):
            groups[-1].append(k)
        else:
            groups.append([k])
    return groups


def broadcast(writer: Writer, whole: Value, values: Sequence[Value]) -> list[Operand]:
    """Values as operands of a nest over the index space of `whole`."""
    rank = len(writer.places.axes(whole))
    return [Operand.of(writer, value, rank) for value in values]


def nest_over(
    writer: Writer,
    whole: Value,
    operands: list[Operand],
    kinds: Sequence[object] = (),
) -> Nest:
    """The nest over the index space of `whole`; axes of two kinds stay apart."""
    groups = group_axes(writer.places.axes(whole), operands, kinds)
    lengths = [writer.product(whole, group) for group in groups]
    for operand in operands:
        _check(writer, whole, operand, groups)
    shape = writer.places.type(whole).sizes
    sizes = [_product([shape[k] for k in group]) for group in groups]
    return Nest(writer, operands, groups, lengths, sizes)


def _product(sizes: Sequence[int | None]) -> int | None:
    known = [size for size in sizes if size is not None]
    return prod(known) if len(known) == len(sizes) else None


def _check(
    writer: Writer, whole: Value, operand: Operand, groups: list[list[int]]
) -> None:
    """Have `bind` check what the loops rely on: lengths, and strides within groups."""
    value = operand.value
    if not operand.axes:
        return
    shape = f'shape["{whole.name}"]'
    if not writer.places.is_sure(whole):
        shape = f"lengths_({whole.name})"
    unit = operand.axes[groups[-1][-1]] if groups else None
    is_unit = unit is not None and operand.is_unit(writer, unit)
    writer.used[id(value)] = value
    merged = [[operand.axes[k] for k in group] for group in groups]
    writer.checks.append(
        f"fits_({value.name}, {shape}, {operand.axes}, {merged}, {is_unit})"
    )


@dataclass(eq=False)
class Elements:
    """Loads and stores of a nest's elements."""

    nest: Nest
    number: int
    scopes: dict[int, int]

    @classmethod
    def of(cls, nest: Nest) -> Elements:
        nest.writer.nests += 1
        values = [operand.value for operand in nest.operands]
        return cls(nest, nest.writer.nests, nest.writer.scopes(values))

    def _marks(self, value: Value) -> str:
        count = max(self.scopes.values(), default=0) + 1
        return f"{self.number}_{self.scopes[id(value)]:02}_{count:02}"

    def load(self, value: Value) -> str:
        address, index = self.nest.at(value)
        function = self.nest.writer.call(f"get_{value.dtype}")
        return f"{function}({address}, {index}, {self._marks(value)})"

    def store(self, value: Value, text: str) -> str:
        address, index = self.nest.at(value)
        function = self.nest.writer.call(f"put_{value.dtype}")
        return f"{function}({address}, {index}, {text}, {self._marks(value)})"
