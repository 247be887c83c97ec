"""One jitted function under construction: its table of numbers, its lines, its names.

A jitted function gets one table p of int64: addresses, strides and lengths that `bind`
worked out. The address of a row at step t is that of row 0 and t times a stride.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from symseq.graph import Apply
from symseq.types import DTYPES, FLOATS

from ..lower.places import APART, Places
from ..memory import Lifetimes
from ..program import Loop, Value
from .source import Source

# What generated text may call; no local has such a name.
FUNCTIONS = {
    "p", "math", "range", "entry", "row", "where", "maximum", "minimum", "add_freely",
    "floor", "ceil", "trunc", "rint", "sqrt", "fabs", "exp32", "log32", "tanh32",
    "sigmoid32", "quotient", "remainder", "whole_quotient", "whole_remainder",
    "fold_in", "word", "interrupted", *DTYPES, *(f"get_{d}" for d in DTYPES),
    *(f"put_{d}" for d in DTYPES), *(f"multiply_{d}" for d in FLOATS),
    *(f"pack_{d}" for d in FLOATS),
}  # fmt: skip


@dataclass(eq=False, slots=True)
class Block:
    """Lines under a header; ``head`` comes first, and may still grow."""

    header: str = ""
    node: Apply | None = None
    head: list[tuple[str, Apply | None]] = field(default_factory=list)
    body: list[tuple[str, Apply | None] | Block] = field(default_factory=list)

    def write(self, source: Source) -> None:
        for text, node in self.head:
            source.add(text, node)
        for item in self.body:
            if isinstance(item, Block):
                with source.block(item.header, item.node):
                    item.write(source)
            else:
                source.add(*item)


class Writer:
    """A jitted function: `emit` rules add lines; `bind` reads ``slots``."""

    def __init__(
        self, name: str, places: Places, lifetimes: Lifetimes, outer: Sequence[Loop]
    ) -> None:
        self.name, self.places, self.lifetimes = name, places, lifetimes
        self.outer = list(outer)  # loops around the function: their steps are arguments
        self.open: list[tuple[Loop, Block]] = []  # loops of the function around here
        self.top = Block()
        self.block: Block = self.top
        self.slots: dict[str, str] = {}  # what bind enters → the local name
        self.checks: list[str] = []  # what bind checks of the arrays
        self.imports: set[str] = {"entry"}
        self.counters: dict[str, bool] = {}  # names of counters, and if in use
        self.taken: set[str] = set(FUNCTIONS)
        self.used: dict[int, Value] = {}  # values whose addresses bind must know
        self.nests = 0
        self.sites: list[Apply] = []  # where it may fail
        self._addresses: dict[Hashable, str] = {}
        self._scalars: dict[int, str] = {}

    # -- names --------------------------------------------------------------------

    def fresh(self, wanted: str) -> str:
        """A local name that is not taken."""
        name, k = wanted, 1
        while name in self.taken or name in self.counters:
            k += 1
            name = f"{wanted}_{k}_"
        self.taken.add(name)
        return name

    @contextmanager
    def counter(self, wanted: str) -> Iterator[str]:
        """A name for a loop's counter: loops after this one may have it again."""
        name, k = wanted, 1
        while name in self.taken or self.counters.get(name):
            k += 1
            name = f"{wanted}_{k}_"
        self.counters[name] = True
        yield name
        self.counters[name] = False

    def scalar(self, value: Value) -> str:
        """The local name of one element of a value."""
        found = self._scalars.get(id(value))
        if found is None:
            found = self._scalars[id(value)] = self.fresh(value.name)
        return found

    def call(self, name: str) -> str:
        """A function of the runtime that the text needs."""
        self.imports.add(name)
        return name

    # -- lines --------------------------------------------------------------------

    def add(self, text: str, node: Apply | None = None) -> None:
        self.block.body.append((text, node))

    @contextmanager
    def under(self, header: str, node: Apply | None = None) -> Iterator[None]:
        """Lines that are added inside stand under `header`."""
        outside, made = self.block, Block(header, node)
        outside.body.append(made)
        self.block = made
        yield
        if not made.head and not made.body:
            self.add("pass")
        self.block = outside

    @contextmanager
    def counting(
        self, name: str, length: str, node: Apply | None = None
    ) -> Iterator[str]:
        """A loop ``for name in range(length)``; gives the counter's name."""
        with (
            self.counter(name) as counter,
            self.under(f"for {counter} in range({length}):", node),
        ):
            yield counter

    # -- what bind knows ----------------------------------------------------------

    def slot(self, text: str, wanted: str) -> str:
        """A local name for an integer that `bind` works out from `text`."""
        found = self.slots.get(text)
        if found is None:
            found = self.slots[text] = self.fresh(wanted)
        return found

    def key(self, value: Value) -> tuple[Hashable, ...]:
        """Equal for values at one address: one storage, one way into it."""
        storage = self.lifetimes.of(value)
        path = self.places.path(value)
        return (path[0] if storage is None else id(storage), *path[1:])

    def address(self, value: Value) -> str:
        """The local name of a value's address, at the step of the loops around."""
        key = self.key(value)
        found = self._addresses.get(key)
        if found is None:
            found = self._addresses[key] = self._address(value)
        self.used[id(value)] = value
        return found

    def _address(self, value: Value) -> str:
        loops = self.loops_of(value)
        if not loops:
            return self.slot(f"address_({value.name})", f"{value.name}_at")
        made = self.slot(f"address_({value.name})", f"{value.name}_0_at")
        for loop in loops:
            step = self.slot(
                f"step_({value.name}, {next_name(value, loop)})",
                f"{value.name}_by_{loop.name}",
            )
            made = f"{self.call('row')}({made}, {counter_of(loop)}, {step})"
        name = self.fresh(f"{value.name}_at")
        inside = [block for loop, block in self.open if loop in loops]
        (inside[-1] if inside else self.top).head.append((f"{name} = {made}", None))
        return name

    def loops_of(self, value: Value) -> list[Loop]:
        """The loops with whose steps the value's address changes, outermost first."""
        found = []
        above: Value | None = value
        while above is not None:
            if id(above) in self.places.rows:
                found.append(self.places.rows[id(above)][0])
            above = above.source
        return sorted(found, key=lambda loop: loop.depth)

    def length(self, value: Value, axis: int) -> str:
        """The local name of a length."""
        shape = value.variable.type.shape[axis]
        wanted = (
            f"n_{shape}" if str(shape).isidentifier() and shape is not None else "n"
        )
        if self.places.is_sure(value):
            return self.slot(f'shape["{value.name}"][{axis}]', wanted)
        self.used[id(value)] = value
        return self.slot(f"length_({value.name}, {axis})", wanted)

    def product(self, value: Value, axes: Sequence[int]) -> str:
        """The local name of a product of lengths."""
        if len(axes) == 1:
            return self.length(value, axes[0])
        if self.places.is_sure(value):
            parts = [f'shape["{value.name}"][{k}]' for k in axes]
        else:
            self.used[id(value)] = value
            parts = [f"length_({value.name}, {k})" for k in axes]
        return self.slot(" * ".join(parts), "n")

    def stride(self, value: Value, axis: int) -> str:
        """The local name of the elements from one place of an axis to the next."""
        self.used[id(value)] = value
        return self.slot(f"stride_({value.name}, {axis})", f"{value.name}_by_{axis}")

    def bytes(self, value: Value, axis: int) -> str:
        """The local name of the bytes from one place of an axis to the next."""
        self.used[id(value)] = value
        return self.slot(f"bytes_({value.name}, {axis})", f"{value.name}_bytes_{axis}")

    def fail(self, index: str, length: str, node: Apply) -> None:
        """Leave with an index out of bounds; `bind` raises at the node's line."""
        self.sites.append(node)
        put = self.call("put_int64")
        for place, number in enumerate((len(self.sites), index, length)):
            self.add(f"{put}(p, {place}, {number}, 0)", node)
        self.add("return 0", node)

    @property
    def reserved(self) -> int:
        """The first places of the table, where a failed check leaves its numbers."""
        return 3 if self.sites else 0

    # -- aliasing -----------------------------------------------------------------

    def scopes(self, values: Sequence[Value]) -> dict[int, int]:
        """A number per value: values with two numbers share no element, ever."""
        numbers: dict[int, int] = {}
        classes: list[list[Value]] = []
        for value in values:
            home = None
            for members in classes:
                if any(not self._always_apart(value, other) for other in members):
                    if home is None:
                        home = members
                        home.append(value)
                    else:
                        home += members
                        members.clear()
            if home is None:
                classes.append([value])
        for number, members in enumerate([m for m in classes if m]):
            numbers.update((id(value), number) for value in members)
        return numbers

    def _always_apart(self, a: Value, b: Value) -> bool:
        """Whether two values share no element, at whatever steps of the loops.

        Other rows of one history meet at other steps; parts of a joined array do not.
        """
        one, other = self.key(a), self.key(b)
        if one[0] != other[0]:
            return True
        if self.places.relation(a, b) != APART:
            return False
        for x, y in zip(one, other, strict=False):
            if x != y:
                return isinstance(x, tuple) and x[0] == "view"
        return False

    # -- the text -----------------------------------------------------------------

    def text(self, source: Source) -> None:
        """Write the function, its table unpacked first."""
        arguments = ", ".join(["p", *map(counter_of, self.outer)])
        with source.block(f"def {self.name}({arguments}):"):
            names = list(self.slots.values())
            for k, name in enumerate(names, self.reserved):
                source.add(f"{name} = entry(p, {k})")
            self.top.write(source)
            source.add("return 0")
        source.add("")


def counter_of(loop: Loop) -> str:
    """The name of a loop's step number."""
    return f"{loop.name}_t_"


def next_name(value: Value, loop: Loop) -> str:
    """The name of the value at the next step of a loop, in `bind`."""
    return f"{value.name}_{loop.name}_"
