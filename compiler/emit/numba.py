"""The numba target: a Program as jitted loops over addresses, and the plan around.

Every maximal run of steps that have a jitted form becomes one function of a table of
addresses, strides and lengths; `bind` fills the tables. What is left stays NumPy.

    @jitted_
    def run_0(p):
        x_at = entry(p, 0)
        ...
    def bind(buffer, early, shape, op, trips):
        run_0_p_ = table_(0, address_(x), ...)
        def run():
            run_0(run_0_at_)
"""

from __future__ import annotations

from collections.abc import Sequence

from symseq.graph import Apply

from ..lower.places import Places
from ..memory import Lifetimes
from ..program import (
    Compute,
    Copy,
    Fused,
    Loop,
    Program,
    Step,
    Value,
    View,
    walk,
)
from . import numba_index, numba_reduce
from .numba_fused import write_fused
from .numba_rules import WRITERS, can_write
from .numba_writer import Writer, counter_of, next_name
from .numpy import NumpyEmitter
from .source import Source

RULE_MODULES = (numba_index, numba_reduce)  # importing them enters their rules


# A longer run becomes several functions: the time to compile one grows faster than it.
MOST_IN_ONE = 30
STEPS_UNSEEN = 16  # a loop looks for signals (Ctrl-C) once in so many steps


def weight(step: Step) -> int:
    """How many steps there are in one, for the time that it takes to compile."""
    match step:
        case Fused():
            return len(step.steps) + 2 * len(step.sums)
        case Loop():
            return sum(map(weight, step.body))
        case View():
            return 0
    return 3


class NumbaEmitter(NumpyEmitter):
    """Writes what numba can do as jitted functions, the rest as NumPy."""

    target = "numba"

    def __init__(
        self, program: Program, lifetimes: Lifetimes, watched: bool = False
    ) -> None:
        super().__init__(program, lifetimes, watched)
        self.places = Places(program)
        self.writers: dict[int, Writer] = {}  # by id of a run's first step
        self.inside: set[int] = set()  # ids of the steps that are jitted
        self.functions: set[str] = set()  # their names
        self.updating = False  # once updates are being written, nothing may raise
        self._plan(program.steps, (), "run")
        self.updating = True
        self._plan(program.updates, (), "update")
        self.kernels = self._kernels()

    # -- what is jitted -----------------------------------------------------------

    def _plan(self, steps: Sequence[Step], loops: tuple[Loop, ...], kind: str) -> None:
        run: list[Step] = []
        for step in steps:
            if isinstance(step, View):
                continue
            if self._is_able(step):
                if run and sum(map(weight, (*run, step))) > MOST_IN_ONE:
                    self._write(run, loops, kind)
                    run = []
                run.append(step)
                continue
            self._write(run, loops, kind)
            run = []
            if isinstance(step, Loop):
                self._plan(step.body, (*loops, step), step.name)
        self._write(run, loops, kind)

    def _is_able(self, step: Step) -> bool:
        match step:
            case Fused() | View():
                return True
            case Copy():
                return step.overwrites and all(
                    v.kind.value != "dynamic" for v in (step.out, step.source)
                )
            case Compute():
                return can_write(step)
            case Loop():
                return all(map(self._is_able, step.body))
        return False

    def _write(self, run: list[Step], loops: tuple[Loop, ...], kind: str) -> None:
        """One function for the steps of a run."""
        run = [step for step in run if not self._is_nothing(step)]
        if not run:
            return
        writer = Writer(self._function(kind), self.places, self.lifetimes, loops)
        for step in run:
            self._step(writer, step)
        for step in walk(run):
            self.inside.add(id(step))
        self.writers[id(run[0])] = writer

    def _function(self, kind: str) -> str:
        """A fresh name: run_0, update_0, lstm_0."""
        k = 0
        while f"{kind}_{k}_" in self.functions:
            k += 1
        self.functions.add(f"{kind}_{k}_")
        return f"{kind}_{k}_"

    def _is_nothing(self, step: Step) -> bool:
        """Whether a copy finds its value where it should be."""
        if isinstance(step, Copy) and self.lifetimes.same(step.out, step.source):
            self.inside.add(id(step))
            return True
        return False

    def _step(self, writer: Writer, step: Step) -> None:
        match step:
            case Fused():
                write_fused(writer, step)
            case Copy() if not self._is_nothing(step):
                alone = Fused((step,), (step.out,), (step.source,), step.node)
                write_fused(writer, alone)
            case Compute():
                assert step.node is not None
                WRITERS[type(step.node.op)](writer, step)
            case Loop():
                self._jitted_loop(writer, step)

    def _jitted_loop(self, writer: Writer, loop: Loop) -> None:
        trips = writer.slot(f'trips["{loop.name}"]', f"{loop.name}_n")
        count = writer.fresh(f"{loop.name}_done")
        if loop.done is not None:
            writer.add(f"{count} = 0", loop.node)
        header = f"for {counter_of(loop)} in range({trips}):"
        with writer.under(header, loop.node):
            if not writer.open and not self.updating:
                self._look_for_signals(writer, loop)
            writer.open.append((loop, writer.block))
            for step in loop.body:
                self._step(writer, step)
            if loop.done is not None and loop.stop is not None:
                writer.add(f"{count} += 1", loop.node)
                stop = writer.address(loop.stop)
                test = f"if {writer.call('get_bool')}({stop}, 0, 0):"
                with writer.under(test, loop.node):
                    writer.add("break", loop.node)
            writer.open.pop()
        if loop.done is not None:
            put = writer.call("put_int64")
            done = writer.address(loop.done)
            writer.add(f"{put}({done}, 0, {count}, 0)", loop.node)

    def _look_for_signals(self, writer: Writer, loop: Loop) -> None:
        """Lines that leave the function where a signal's handler has raised."""
        address = writer.slot("signals_()", "signals")
        look = f"{writer.call('interrupted')}({address})"
        test = f"if {counter_of(loop)} % {STEPS_UNSEEN} == 0 and {look}:"
        with writer.under(test, loop.node):
            writer.add("return 0", loop.node)

    # -- the text of the functions ------------------------------------------------

    def _kernels(self) -> Source:
        source = Source()
        for writer in self.writers.values():
            source.add("@jitted_")
            writer.text(source)
        return source

    @property
    def needed(self) -> dict[str, None]:
        """The names that the functions call."""
        found: dict[str, None] = {}
        for writer in self.writers.values():
            found.update(dict.fromkeys(sorted(writer.imports)))
        return found

    @property
    def plain_kernels(self) -> str:
        """The functions without the user's lines: what the cache is keyed by."""
        return "\n".join(self.kernels.lines) + "\n"

    @property
    def sites(self) -> dict[str, list[Apply]]:
        """For each function that may fail the nodes where it may."""
        return {w.name: w.sites for w in self.writers.values() if w.sites}

    def emit(self) -> str:
        text = super().emit()
        first = self.header_lines - self.offset
        self.source.nodes |= {n + first: v for n, v in self.kernels.nodes.items()}
        return text

    @property
    def given(self) -> range:
        return range(self.header_lines, self.offset)

    def _header(self) -> str:
        text = super()._header()
        self.header_lines = text.count("\n")
        return text + (self.kernels.finish() + "\n" if self.writers else "")

    # -- the plan around ----------------------------------------------------------

    def _steps(
        self,
        steps: Sequence[Step],
        loops: tuple[Loop, ...] = (),
        writing: bool = False,
    ) -> None:
        for step in steps:
            writer = self.writers.get(id(step))
            if writer is not None:
                self._call(writer)
            if id(step) not in self.inside:
                super()._steps([step], loops, writing)

    def _call(self, writer: Writer) -> None:
        table = f"{writer.name}p_"
        arguments = ", ".join([f"{writer.name}at_", *map(counter_of, writer.outer)])
        self.source.add(f"{writer.name}({arguments})")
        if writer.sites:
            self.source.add(f'check_({table}, "{writer.name}")')

    def _loop(self, loop: Loop, loops: tuple[Loop, ...]) -> None:
        """A loop that is not jitted as a whole; it counts for what is in its body."""
        before = len(self.source.lines)
        super()._loop(loop, loops)
        at = next(
            k for k in range(before, len(self.source.lines))
            if self.source.lines[k].lstrip().startswith("for ")
        )  # fmt: skip
        if any(loop in writer.outer for writer in self.writers.values()):
            line = self.source.lines[at]
            head, _, table = line.rpartition(" in ")
            names = head.lstrip().removeprefix("for ")
            indent = line[: len(line) - len(line.lstrip())]
            shown = f"for {counter_of(loop)}, ({names}) in enumerate({table[:-1]}):"
            self.source.lines[at] = indent + shown

    def unpacks(self, step: Step) -> bool:
        """Only what is not jitted."""
        return id(step) not in self.inside

    def table(self, loop: Loop) -> None:
        if id(loop) not in self.inside:
            super().table(loop)

    # -- tables -------------------------------------------------------------------

    def _run(self) -> None:
        self._first_rows()
        for writer in self.writers.values():
            self._fill(writer)
        super()._run()
        kept = dict.fromkeys(f"{writer.name}p_" for writer in self.writers.values())
        for value in self.needed_values():
            kept[value.root.name] = None
        self.source.add(f"run.kept_ = [{', '.join(kept)}]  # what the tables look into")
        self.source.add("")

    def needed_values(self) -> list[Value]:
        """The values whose addresses are in tables."""
        needed: dict[int, Value] = {}
        for writer in self.writers.values():
            needed.update(writer.used)
        return list(needed.values())

    def _fill(self, writer: Writer) -> None:
        source = self.source
        for check in writer.checks:
            source.add(check)
        source.add(f"{writer.name}p_ = table_(")
        source.add(f"    {writer.reserved},")
        for text, name in writer.slots.items():
            source.add(f"    {text},  # {name}")
        source.add(")")
        source.add(f"{writer.name}at_ = address_({writer.name}p_)")

    def _first_rows(self) -> None:
        """Views of the first two steps of each loop: addresses go on in equal steps."""
        groups: dict[int, tuple[list[Loop], list[Value]]] = {}
        for value in self.needed_values():
            loops = self._around(value)
            if loops:
                groups.setdefault(id(loops[-1]), (loops, []))[1].append(value)
        for loops, values in groups.values():
            self._rows_of(loops, values)

    def _around(self, value: Value) -> list[Loop]:
        """The loop that a value changes with and those around it, outermost first."""
        found: list[Loop] = []
        loop = value.loop
        while loop is not None:
            found.insert(0, loop)
            loop = loop.parent
        return found

    def _rows_of(self, loops: list[Loop], values: list[Value]) -> None:
        source, inner = self.source, loops[-1]
        name = f"{inner.name}_at_"
        counters = ", ".join(map(counter_of, loops))
        with source.block(f"def {name}({counters}):"):
            for value in self._chain(values):
                if id(value) in self.places.rows:
                    loop, row = self.places.rows[id(value)]
                    place = counter_of(loop)
                    if row.offset:
                        place += f" + {row.offset}"
                    source.add(f"{value.name} = {row.source.name}[{place}, ...]")
                else:
                    view = self.places.views[id(value)]
                    source.add(f"{value.name} = {self.view_text(view)}", view.node)
            source.add(f"return {', '.join(v.name for v in values)},")
        trips = [f'trips["{loop.name}"]' for loop in loops]
        first = ["0"] * len(loops)
        self._unpack([v.name for v in values], f"{name}({', '.join(first)})", trips)
        for k, loop in enumerate(loops):
            places = list(first)
            places[k] = f"min(1, {trips[k]} - 1)"
            names = [next_name(v, loop) for v in values]
            self._unpack(names, f"{name}({', '.join(places)})", trips)

    def _unpack(self, names: list[str], call: str, trips: list[str]) -> None:
        """No step, no row: then nothing is looked at."""
        test = " and ".join(trips)
        left = ", ".join(names)
        nothing = f"[None] * {len(names)}"
        self.source.add(f"{left}, = {call} if {test} else {nothing}")

    def _chain(self, values: list[Value]) -> list[Value]:
        """The values and what they look into, as far as it changes in a loop."""
        found: dict[int, Value] = {}

        def enter(value: Value) -> None:
            if id(value) in found or value.loop is None:
                return
            if value.source is not None:
                enter(value.source)
            found[id(value)] = value

        for value in values:
            enter(value)
        return list(found.values())
