"""The numpy target: a Program as readable Python source over NumPy.

def bind(buffer, early, shape, op, trips):
    ...                      # arrays and views, made once per signature
    def run(): ...           # only crunches
    def update(): ...        # writes the shared variables
    return run, update, outputs
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symseq.graph import Apply
from symseq.ops.subtensor import IncSubtensor

from ..memory import Lifetimes
from ..program import (
    Compute,
    Copy,
    Fused,
    Kernel,
    Kind,
    Loop,
    Program,
    Step,
    Value,
    View,
    reads,
    walk,
    writes,
)
from ..recipe import Call, Slot
from .numpy_rules import FORMS
from .source import Source

COMPUTING = (Kernel, Compute, Copy)
FETCHED = (Kind.INPUT, Kind.SHARED, Kind.CONSTANT, Kind.EARLY, Kind.BUFFER)


class NumpyEmitter:
    """Writes the source of one Program.

    ``watched`` adds a line behind each step that shows its results to a watch.
    """

    def __init__(
        self, program: Program, lifetimes: Lifetimes, watched: bool = False
    ) -> None:
        self.program, self.lifetimes = program, lifetimes
        self.watched = watched
        # The steps shown to the watch, by number: their nodes and the loops around.
        self.seen: list[tuple[Apply, tuple[str, ...]]] = []
        self.source = Source()
        self.imports: set[str] = set()
        self.taken = {value.name for value in program.values}
        self.numbers: dict[tuple[str, str], str] = {}
        # Ops called by their NumPy meaning, by the name they have in the source.
        self.ops: dict[str, Apply] = {}
        self.blocks: dict[int, str] = {}  # names of the tables, by id of the step
        self.checked: set[str] = set()  # those that check the lengths they are given
        self.helpers: dict[str, str] = {}  # names in the text, by those in `op`
        self.all_steps = [*walk(program.steps), *walk(program.updates)]
        self.loops = [step for step in self.all_steps if isinstance(step, Loop)]
        self.taken.update(loop.name for loop in self.loops)

    def emit(self) -> str:
        """The whole text."""
        body = self.source = Source()
        with body.block("def bind(buffer, early, shape, op, trips):"):
            mark = len(body.lines)
            self._views(None)
            self._dynamic_names()
            self._run()
            self._updates()
            names = ", ".join(value.name for value in self.program.outputs)
            with body.block("def outputs():"):
                body.add(f"return [{names}]")
            body.add("")
            body.add("return run, update, outputs")
        self._insert(mark, self._fetches())
        return self._header() + body.finish()

    def helper(self, name: str) -> str:
        """A function of symseq's runtime that the text needs: its name there."""
        return self.helpers.setdefault(name, self._free(name))

    def _header(self) -> str:
        many = len(self.all_steps)
        text = f'"""{self.program.name}: the numpy plan of {many} steps."""\n\n'
        if self.imports:
            text += f"from numpy import {', '.join(sorted(self.imports))}\n\n"
        # Line numbers of nodes count from the first line of `bind`.
        self.offset = text.count("\n")
        return text

    def _insert(self, at: int, lines: list[str]) -> None:
        body = self.source
        body.lines[at:at] = ["    " + line for line in lines]
        moved = {n + len(lines) if n > at else n: v for n, v in body.nodes.items()}
        body.nodes = moved

    # -- what bind prepares -------------------------------------------------------

    def _used(self) -> set[int]:
        used = {id(v) for step in self.all_steps for v in (*reads(step), *writes(step))}
        used.update(id(v) for v in self.program.outputs)
        for value in self.program.values:
            if value.kind is Kind.VIEW and value.source is not None:
                used.add(id(value.source))
        return used

    def _fetches(self) -> list[str]:
        used = self._used()
        lines = []
        for value in self.program.values:
            if value.kind in FETCHED and id(value) in used:
                table = "early" if value.kind is Kind.EARLY else "buffer"
                lines.append(f'{value.name} = {table}["{value.name}"]')
        for (text, dtype), name in self.numbers.items():
            self.imports.add("array")
            lines.append(f'{name} = array({text}, "{dtype}")')
        called = self.helpers | {name: name for name in self.ops}
        lines += [f'{name} = op["{key}"]' for key, name in called.items()]
        return lines

    def _views(self, loop: Loop | None) -> None:
        """The views that change with `loop` (None: with none), then nested tables."""
        for step in self.all_steps:
            if isinstance(step, View) and step.out.loop is loop:
                self.source.add(f"{step.out.name} = {self._view_text(step)}", step.node)
        for inner in self.loops:
            if inner.within is loop:
                self._table(inner)
        if loop is None:
            self._tables_of_blocks()

    def _tables_of_blocks(self) -> None:
        """The parts of arrays that a fused step goes over, block by block."""
        fused = [s for s in self.all_steps if isinstance(s, Fused) and s.parts]
        for k, step in enumerate(fused):
            name = self.blocks[id(step)] = self._free(f"blocks_{k}")
            parts = ", ".join(v.source.name for v in step.parts if v.source is not None)
            temps = ", ".join(value.name for value in step.temps)
            call = f"{self.helper('blocks')}([{parts}], [{temps}])"
            self.source.add(f"{name} = {call}", step.node)

    def _view_text(self, step: View) -> str:
        assert step.out.source is not None
        shape = f'shape["{step.out.name}"]'
        return step.text.replace("{0}", step.out.source.name).replace("{shape}", shape)

    def _table(self, loop: Loop) -> None:
        """The views of each step of a loop, as rows of a table."""
        names = self._columns(loop)
        if not names:
            return
        source = self.source
        rows = [self._rows(row.source, row.offset, loop) for row in loop.rows]
        heads = ", ".join(row.out.name for row in loop.rows)
        unpacked = f"{heads}," if len(loop.rows) == 1 else heads
        views = self._free(f"{loop.name}_views")
        with source.block(f"def {views}():"):
            source.add("table = zip(")
            for row in rows:
                source.add(f"    {row},")
            source.add(")")
            with source.block(f"for {unpacked} in table:"):
                self._views(loop)
                source.add(f"yield {', '.join(names)}{',' * (len(names) == 1)}")
        eager = ", True" if loop.within is not None else ""
        arguments = f'{views}, trips["{loop.name}"], {len(names)}{eager}'
        source.add(f"{loop.name} = {self.helper('prepare')}({arguments})")

    def _rows(self, value: Value, offset: int, loop: Loop) -> str:
        call = self.helper("rows")
        return f'{call}({value.name}, {offset}, trips["{loop.name}"])'

    def _columns(self, loop: Loop) -> list[str]:
        """The names that each step of a loop unpacks: rows, and views of rows."""
        used: dict[str, None] = {}
        if loop.stop is not None and loop.stop.loop is loop:
            used[loop.stop.name] = None
        for step in walk(loop.body):
            if isinstance(step, View):
                continue
            for value in (*reads(step), *writes(step)):
                if value.loop is loop:
                    used[value.name] = None
            if isinstance(step, Loop) and step.within is loop and self._columns(step):
                used[step.name] = None
        return list(used)

    def _dynamic_names(self) -> None:
        self.dynamic = [v.name for v in self.program.values if v.kind is Kind.DYNAMIC]
        if self.dynamic:
            self.source.add(f"{' = '.join(self.dynamic)} = None")

    # -- what run does ------------------------------------------------------------

    def _run(self) -> None:
        self.source.add("")
        with self.source.block("def run():"):
            if self.dynamic:
                self.source.add(f"nonlocal {', '.join(self.dynamic)}")
            self._steps(self.program.steps)
        self.source.add("")

    def _updates(self) -> None:
        with self.source.block("def update():"):
            self._steps(self.program.updates, writing=True)
        self.source.add("")

    def _show(self, step: Step, loops: tuple[Loop, ...], writing: bool) -> None:
        """A line that shows the step's results to the watch; a writing one is timed."""
        node = None if isinstance(step, (View, Loop)) else step.node
        if not self.watched or node is None or not isinstance(step, COMPUTING):
            return
        number = len(self.seen)
        self.seen.append((node, tuple(loop.name for loop in loops)))
        outs = step.outs if isinstance(step, Compute) else (step.out,)
        shown = "".join(f"{value.name}, " for value in outs)
        if writing:
            self.source.add(f"{self.helper('watch_time')}({number}, ({shown}))")
            return
        at = "".join(f"{self._counter(loop)}, " for loop in loops)
        read = "".join(f"{value.name}, " for value in reads(step))
        call = f"{self.helper('watch')}({number}, ({at}), ({shown}), ({read}))"
        self.source.add(call, node)

    def _counter(self, loop: Loop) -> str:
        """The name of the number of a watched loop's step."""
        return self._free(f"{loop.name}_at")

    def _steps(
        self,
        steps: Sequence[Step],
        loops: tuple[Loop, ...] = (),
        writing: bool = False,
    ) -> None:
        for step in steps:
            before = len(self.source.lines)
            match step:
                case Kernel():
                    for line in self._kernel(step):
                        self.source.add(line, step.node)
                case Compute():
                    for line in self._compute(step):
                        self.source.add(line, step.node)
                case Copy():
                    if (
                        not self.lifetimes.same(step.out, step.source)
                        or not step.overwrites
                    ):
                        self.source.add(self.copy(step.out, step.source), step.node)
                case Loop():
                    self._loop(step, (*loops, step))
                case Fused():
                    self._in_blocks(step, loops, writing)
            if len(self.source.lines) > before:
                self._show(step, loops, writing)

    def _in_blocks(self, step: Fused, loops: tuple[Loop, ...], writing: bool) -> None:
        """Elementwise steps over one block of rows after the other."""
        names = [value.name for value in (*step.parts, *step.temps)]
        row = f"{', '.join(names)}{',' * (len(names) == 1)}"
        header = f"for {row} in {self.blocks[id(step)]}:"
        with self.source.block(header, step.node):
            self._steps(step.steps, loops, writing)

    def _loop(self, loop: Loop, loops: tuple[Loop, ...]) -> None:
        names = self._columns(loop)
        at = self._counter(loop) if self.watched else "_"
        header = f'for {at} in range(trips["{loop.name}"]):'
        if names:
            row = f"{', '.join(names)}{',' * (len(names) == 1)}"
            header = f"for {row} in {loop.name}:"
            if self.watched:
                header = f"for {at}, ({row}) in enumerate({loop.name}):"
        count = self._free(f"{loop.name}_done")
        if loop.done is not None:
            self.source.add(f"{count} = 0", loop.node)
        with self.source.block(header, loop.node):
            self._steps(loop.body, loops)
            if loop.done is not None and loop.stop is not None:
                self.source.add(f"{count} += 1", loop.node)
                with self.source.block(f"if {loop.stop.name}:", loop.node):
                    self.source.add("break", loop.node)
        if loop.done is not None:
            self.source.add(f"{loop.done.name}[...] = {count}", loop.node)

    def call(self, name: str) -> str:
        """A NumPy function that the text needs."""
        self.imports.add(name)
        return name

    def copy(self, out: Value, source: Value) -> str:
        if out.kind is Kind.DYNAMIC:
            return f"{out.name} = {source.name}"
        cast = ', "unsafe"' if out.dtype != source.dtype else ""
        return f"{self.call('copyto')}({out.name}, {source.name}{cast})"

    def number(self, value: float | int | bool, dtype: str) -> str:
        """A number of a recipe as a prepared array, by a name of its own."""
        text = repr(value)
        clean = text.replace("-", "m").replace(".", "_").replace("+", "")
        name = f"n_{clean}" if dtype == "float32" else f"n_{clean}_{dtype}"
        return self.numbers.setdefault((text, dtype), self._free(name))

    def _free(self, name: str) -> str:
        """`name`, or with an underscore behind it, in which no value's name ends."""
        return f"{name}_" if name in self.taken else name

    def _kernel(self, step: Kernel) -> Iterable[str]:
        for call in step.recipe.calls:
            yield from self._ufunc(step, call)

    def _ufunc(self, step: Kernel, call: Call) -> Iterable[str]:
        dtypes = [
            v.dtype for v in (step.inputs[a.index] for a in call.args if a.kind == "in")
        ]
        known = [step.temps[a.index].dtype for a in call.args if a.kind == "tmp"]
        beside = (dtypes + known or [step.out.dtype])[-1]
        if beside == "bool":
            beside = step.out.dtype

        def show(slot: Slot) -> str:
            if slot.kind == "num":
                return self.number(slot.number, beside)
            return self._slot(step, slot).name

        out = self._slot(step, call.out)
        if call.function == "copy":
            yield f'{self.call("copyto")}({out.name}, {show(call.args[0])}, "unsafe")'
        elif call.function == "where":
            condition, a, b = call.args
            beside = out.dtype
            if b.kind == "num" or not self._is_same(step, b, out):
                yield f"{self.call('copyto')}({out.name}, {show(b)})"
            chosen = f"{out.name}, {show(a)}, where={show(condition)}"
            yield f"{self.call('copyto')}({chosen})"
        else:
            arguments = ", ".join(map(show, call.args))
            # NumPy 2.4 wants the output of these two by its keyword.
            by_name = "out=" if call.function in ("maximum", "minimum") else ""
            yield f"{self.call(call.function)}({arguments}, {by_name}{out.name})"

    def _is_same(self, step: Kernel, slot: Slot, out: Value) -> bool:
        value = self._slot(step, slot)
        return value is out or (
            value.kind is Kind.BUFFER and self.lifetimes.same(value, out)
        )

    def _slot(self, step: Kernel, slot: Slot) -> Value:
        if slot.kind == "in":
            return step.inputs[slot.index]
        return step.out if slot.kind == "out" else step.temps[slot.index]

    def _compute(self, step: Compute) -> Iterable[str]:
        assert step.node is not None
        form = FORMS.get(type(step.node.op))
        static = all(v.kind is not Kind.DYNAMIC for v in (*step.outs, *step.inputs))
        if form is not None and static:
            yield from form(self, step)
        else:
            yield from self.by_meaning(step)

    def by_meaning(self, step: Compute) -> Iterable[str]:
        """A call of the op's NumPy meaning, its results copied to their buffers."""
        assert step.node is not None
        name = self.op_name(step.node, self._is_checked(step))
        arguments = ", ".join(value.name for value in step.inputs)
        if all(value.kind is Kind.DYNAMIC for value in step.outs):
            yield f"{', '.join(v.name for v in step.outs)}, = {name}({arguments})"
        elif len(step.outs) == 1:
            yield f"{self.call('copyto')}({step.outs[0].name}, {name}({arguments})[0])"
        else:
            yield f"{name}_made = {name}({arguments})"
            for k, out in enumerate(step.outs):
                made = f"{name}_made[{k}]"
                if out.kind is Kind.DYNAMIC:
                    yield f"{out.name} = {made}"
                else:
                    yield f"{self.call('copyto')}({out.name}, {made})"

    def _is_checked(self, step: Compute) -> bool:
        """Whether lengths, or bounds that only the run knows, are checked then."""
        assert step.node is not None
        values = (*step.outs, *step.inputs)
        bounds = isinstance(step.node.op, IncSubtensor)
        return bounds or any(v.kind is Kind.DYNAMIC for v in values)

    def op_name(self, node: Apply, checked: bool = False) -> str:
        """The name under which the source calls the op's NumPy meaning."""
        for name, known in self.ops.items():
            same = known is node if checked else known.op == node.op
            if same and (name in self.checked) == checked:
                return name
        clean = "".join(c if c.isalnum() else "_" for c in node.op.name)
        name = self._free(f"op_{clean}_{len(self.ops)}")
        self.ops[name] = node
        if checked:
            self.checked.add(name)
        return name
