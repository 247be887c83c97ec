"""The numpy target: a Program as readable Python source over NumPy.

def bind(buffer, early, shape, op, trips):
    ...                      # arrays and views, made once per signature
    def run(): ...           # only crunches
    def update(): ...        # writes the shared variables
    return run, update, outputs
"""

from __future__ import annotations

from collections.abc import Sequence

from symseq.graph import Apply

from ..memory import Lifetimes
from ..program import Compute, Copy, Fused, Kernel, Kind, Loop, Program, Step, reads
from .numpy_lines import StepLines
from .numpy_views import Preparing, one_row

COMPUTING = (Kernel, Compute, Copy)


class NumpyEmitter(Preparing):
    """Writes the source of one Program.

    ``watched`` adds a line behind each step that shows its results to a watch.
    """

    target = "numpy"

    def __init__(
        self, program: Program, lifetimes: Lifetimes, watched: bool = False
    ) -> None:
        self.lines = StepLines(program, lifetimes)
        super().__init__(program, self.lines)
        self.lifetimes, self.watched = lifetimes, watched
        # The steps shown to the watch, by number: their nodes and the loops around.
        self.seen: list[tuple[Apply, tuple[str, ...]]] = []

    @property
    def given(self) -> range:
        """The lines of the text, from 0, that define what is compiled already."""
        return range(0)

    def emit(self) -> str:
        """The whole text."""
        body = self.source
        with body.block("def bind(buffer, early, shape, op, trips):"):
            mark = len(body.lines)
            self.views(None)
            self._dynamic_names()
            self._run()
            self._updates()
            names = ", ".join(value.name for value in self.program.outputs)
            with body.block("def outputs():"):
                body.add(f"return [{names}]")
            body.add("")
            body.add("return run, update, outputs")
        body.insert(mark, self.fetches())
        # Line numbers of nodes count from the first line of `bind`.
        header = self._header()
        self.offset = header.count("\n")
        return header + body.finish()

    def _header(self) -> str:
        many = len(self.all_steps)
        title = f"{self.program.name}: the {self.target} plan of {many} steps."
        return f'"""{title}"""\n\n{self.names.import_line()}'

    def _dynamic_names(self) -> None:
        self.dynamic = [v.name for v in self.program.values if v.kind is Kind.DYNAMIC]
        if self.dynamic:
            self.source.add(f"{' = '.join(self.dynamic)} = None")

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

    def _steps(
        self,
        steps: Sequence[Step],
        loops: tuple[Loop, ...] = (),
        writing: bool = False,
    ) -> None:
        for step in steps:
            before = len(self.source.lines)
            match step:
                case Loop():
                    self._loop(step, (*loops, step))
                case Fused():
                    self._in_blocks(step, loops, writing)
                case Kernel() | Compute() | Copy():
                    for line in self.lines.of(step):
                        self.source.add(line, step.node)
            if len(self.source.lines) > before:
                self._show(step, loops, writing)

    def _in_blocks(self, step: Fused, loops: tuple[Loop, ...], writing: bool) -> None:
        """Elementwise steps over one block of rows after the other."""
        row = one_row([value.name for value in (*step.parts, *step.temps)])
        header = f"for {row} in {self.blocks[id(step)]}:"
        with self.source.block(header, step.node):
            self._steps(step.steps, loops, writing)

    def _loop(self, loop: Loop, loops: tuple[Loop, ...]) -> None:
        names = self.columns(loop)
        at = self._counter(loop) if self.watched else "_"
        header = f'for {at} in range(trips["{loop.name}"]):'
        if names:
            row = one_row(names)
            header = f"for {row} in {loop.name}:"
            if self.watched:
                header = f"for {at}, ({row}) in enumerate({loop.name}):"
        count = self.names.free(f"{loop.name}_done")
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

    # -- what a watch sees --------------------------------------------------------

    def _show(self, step: Step, loops: tuple[Loop, ...], writing: bool) -> None:
        """A line that shows the step's results to the watch; a writing one is timed."""
        if not self.watched or not isinstance(step, COMPUTING) or step.node is None:
            return
        node, number = step.node, len(self.seen)
        self.seen.append((node, tuple(loop.name for loop in loops)))
        outs = step.outs if isinstance(step, Compute) else (step.out,)
        shown = "".join(f"{value.name}, " for value in outs)
        if writing:
            timed = self.names.helper("watch_time")
            self.source.add(f"{timed}({number}, ({shown}))")
            return
        at = "".join(f"{self._counter(loop)}, " for loop in loops)
        read = "".join(f"{value.name}, " for value in reads(step))
        watch = self.names.helper("watch")
        self.source.add(f"{watch}({number}, ({at}), ({shown}), ({read}))", node)

    def _counter(self, loop: Loop) -> str:
        """The name of the number of a watched loop's step."""
        return self.names.free(f"{loop.name}_at")
