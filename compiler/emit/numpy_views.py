"""What `bind` prepares once per signature: arrays, and the views of every step."""

from __future__ import annotations

from ..program import Fused, Kind, Loop, Program, Step, Value, View, reads, walk, writes
from .numpy_names import Names
from .source import Source

FETCHED = (Kind.INPUT, Kind.SHARED, Kind.CONSTANT, Kind.EARLY, Kind.BUFFER)


class Preparing:
    """Writes the part of `bind` that stands before `run`."""

    def __init__(self, program: Program, names: Names) -> None:
        self.program, self.names = program, names
        self.source = Source()
        self.all_steps = [*walk(program.steps), *walk(program.updates)]
        self.loops = [step for step in self.all_steps if isinstance(step, Loop)]
        self.blocks: dict[int, str] = {}  # names of the tables, by id of the step
        self.tables: list[tuple[Loop, list[str]]] = []  # and what their rows name

    def fetches(self) -> list[str]:
        """The lines that get every array, number and function that the text reads."""
        used = self._used()
        lines = []
        for value in self.program.values:
            if value.kind in FETCHED and id(value) in used:
                table = "early" if value.kind is Kind.EARLY else "buffer"
                lines.append(f'{value.name} = {table}["{value.name}"]')
        return lines + self.names.fetches()

    def _used(self) -> set[int]:
        used = {id(v) for step in self.all_steps for v in (*reads(step), *writes(step))}
        used.update(id(v) for v in self.program.outputs)
        for value in self.program.values:
            if value.kind is Kind.VIEW and value.source is not None:
                used.add(id(value.source))
        return used

    def views(self, loop: Loop | None) -> None:
        """The views that change with `loop` (None: with none), then nested tables."""
        for step in self.all_steps:
            if isinstance(step, View) and step.out.loop is loop:
                self.source.add(f"{step.out.name} = {self.view_text(step)}", step.node)
        for inner in self.loops:
            if inner.within is loop:
                self.table(inner)
        if loop is None:
            self._tables_of_blocks()

    def view_text(self, step: View) -> str:
        assert step.out.source is not None
        shape = f'shape["{step.out.name}"]'
        return step.text.replace("{0}", step.out.source.name).replace("{shape}", shape)

    def table(self, loop: Loop) -> None:
        """The views of each step of a loop, as rows of a table."""
        names = self.columns(loop)
        if not names:
            return
        self.tables.append((loop, names))
        source = self.source
        rows = [self._rows(row.source, row.offset, loop) for row in loop.rows]
        heads = ", ".join(row.out.name for row in loop.rows)
        unpacked = f"{heads}," if len(loop.rows) == 1 else heads
        views = self.names.free(f"{loop.name}_views")
        with source.block(f"def {views}():"):
            source.add("table = zip(")
            for row in rows:
                source.add(f"    {row},")
            source.add(")")
            with source.block(f"for {unpacked} in table:"):
                self.views(loop)
                source.add(f"yield {one_row(names)}")
        eager = ", True" if loop.within is not None else ""
        arguments = f'{views}, trips["{loop.name}"], {len(names)}{eager}'
        source.add(f"{loop.name} = {self.names.helper('prepare')}({arguments})")

    def _rows(self, value: Value, offset: int, loop: Loop) -> str:
        call = self.names.helper("rows")
        return f'{call}({value.name}, {offset}, trips["{loop.name}"])'

    def columns(self, loop: Loop) -> list[str]:
        """The names that each step of a loop unpacks: rows, and views of rows."""
        used: dict[str, None] = {}
        if loop.stop is not None and loop.stop.loop is loop:
            used[loop.stop.name] = None
        for step in walk(loop.body):
            if isinstance(step, View) or not self.unpacks(step):
                continue
            for value in (*reads(step), *writes(step)):
                if value.loop is loop:
                    used[value.name] = None
            if isinstance(step, Loop) and step.within is loop and self.columns(step):
                used[step.name] = None
        return list(used)

    def unpacks(self, step: Step) -> bool:
        """Whether a step reads its views by their names."""
        return True

    def _tables_of_blocks(self) -> None:
        """The parts of arrays that a fused step goes over, block by block."""
        fused = [s for s in self.all_steps if isinstance(s, Fused) and s.parts]
        for k, step in enumerate(fused):
            name = self.blocks[id(step)] = self.names.free(f"blocks_{k}")
            parts = ", ".join(v.source.name for v in step.parts if v.source is not None)
            temps = ", ".join(value.name for value in step.temps)
            call = f"{self.names.helper('blocks')}([{parts}], [{temps}])"
            self.source.add(f"{name} = {call}", step.node)


def one_row(names: list[str]) -> str:
    """a, b; a tuple also where it is one name."""
    return f"{', '.join(names)}{',' * (len(names) == 1)}"
