"""Loops unrolled over a few steps: which value of which step reads which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from numbers import Integral

from symseq.draw.reads import ROW, WHOLE, Mode, Read, reads_of
from symseq.errors import UsageError
from symseq.graph import Apply, Variable, known_length
from symseq.printing.formula import length_term
from symseq.printing.inside import Inside, Port, insides
from symseq.printing.pprint import named_views
from symseq.printing.rows import runs_backwards
from symseq.printing.step import Step, loops_of, read_step
from symseq.scan.op import Scan
from symseq.traverse import depends_on, sort_nodes

MOST = 8  # loops in one picture
DOTS = "…"

# (what, who, which result or part, column): one value of one step.
Key = tuple[str, int, int, int]


@dataclass(eq=False)
class Chain:
    """One loop: its body, its place (block of columns, row), what its results read."""

    number: int
    node: Apply
    body: Inside
    step: Step
    backwards: bool
    block: int = 0
    row: int = 0
    sequences: dict[int, list[Read]] = field(default_factory=dict)  # by the port's id
    constants: dict[int, list[Read]] = field(default_factory=dict)
    initial: dict[int, list[Read]] = field(default_factory=dict)  # by the state
    ports_of: list[list[Port]] = field(default_factory=list)  # by the result

    @property
    def names(self) -> list[str]:
        """What the boxes show at each step: the states."""
        return [line.name for line in self.step.results if line.result == "state"]

    @property
    def title(self) -> str:
        """The loop's name, '' where it has none but the op's."""
        return "" if self.step.title == "scan" else self.step.title

    @property
    def first(self) -> str:
        """What the user calls the first value of the only state, '' for several."""
        leaves = [read.source.name for reads in self.initial.values() for read in reads]
        return (leaves[0] or "") if len(leaves) == len(self.initial) == 1 else ""

    @property
    def starts_from_loop(self) -> bool:
        """Whether a first value is computed from another loop's."""
        reads = [read for reads in self.initial.values() for read in reads]
        return any(read.source.owner is not None for read in reads)

    @property
    def way(self) -> int:
        return -1 if self.backwards else 1

    def all_reads(self) -> Iterator[Read]:
        for table in (self.sequences, self.constants, self.initial):
            for reads in table.values():
                yield from reads


@dataclass(eq=False)
class Output:
    """A variable that the user asked for; ``state``: it is just a chain's state."""

    number: int
    variable: Variable
    name: str
    reads: list[Read]
    block: int | None = None  # None: one value, not one for each step
    mirrored: bool = False
    state: int | None = None


@dataclass(eq=False)
class Unrolled:
    """Chains and outputs over blocks of columns, and the edges between their values."""

    chains: list[Chain]
    outputs: list[Output]
    columns: list[list[str]]  # per block what its columns are called
    leaves: list[Variable] = field(default_factory=list)
    edges: list[tuple[Key, Key]] = field(default_factory=list)

    def chain_of(self, variable: Variable) -> Chain | None:
        return next((c for c in self.chains if c.node is variable.owner), None)

    def reads_memory(self, block: int) -> bool:
        """Whether a chain of a block reads all steps of one to its left."""
        reads = [r for c in self.chains if c.block == block for r in c.all_reads()]
        return any(r.mode.rows == "whole" and self.chain_of(r.source) for r in reads)

    def is_staggered(self, block: int) -> bool:
        """Whether a chain of a block does not read the one under it: lines pass by."""
        rows = {c.row: c for c in self.chains if c.block == block}
        for row, chain in rows.items():
            below = rows.get(row - 1)
            sources = [read.source.owner for read in chain.all_reads()]
            if below is not None and all(node is not below.node for node in sources):
                return True
        return False

    def seen_from(self, targets: Sequence[Key]) -> set[Key]:
        """All values that `targets` are computed from, themselves included."""
        sources: dict[Key, list[Key]] = {}
        for source, target in self.edges:
            sources.setdefault(target, []).append(source)
        seen, waiting = set(targets), list(targets)
        while waiting:
            for source in sources.get(waiting.pop(), ()):
                if source not in seen:
                    seen.add(source)
                    waiting.append(source)
        return seen


def unroll(outputs: Sequence[Variable], steps: int) -> Unrolled:
    """The loops that `outputs` need over the first steps and the last.

    Raises: UsageError without loops, with more than MOST, for steps below 2.
    """
    if not isinstance(steps, Integral) or steps < 2:
        raise UsageError(f"an unrolled picture needs at least 2 steps; got {steps!r}")
    loops = loops_of(list(outputs))
    if len(loops) > MOST:
        raise UsageError(
            f"an unrolled picture shows at most {MOST} loops; got {len(loops)}",
            hint="ask for an output that needs fewer",
        )
    views = named_views(sort_nodes(outputs))
    chains = [_chain(k, node, views) for k, node in enumerate(loops)]
    taken: set[str] = set()
    for chain in chains:
        for line in chain.step.results:
            while line.name in taken:
                line.name += "′"
        taken |= {line.name for line in chain.step.results}
    made = Unrolled(chains, [], [])
    _place(made)
    made.outputs = [_output(k, v, made) for k, v in enumerate(outputs)]
    made.columns = _columns(made, steps)
    _connect(made)
    return made


def _chain(number: int, node: Apply, views: dict[int, str]) -> Chain:
    (body,) = insides(node)
    chain = Chain(number, node, body, read_step(node, views), runs_backwards(body))
    for port in body.ports:
        assert port.outer is not None
        if port.role == "sequence":
            chain.sequences[id(port.inner)] = reads_of(port.outer, ROW)
        elif port.role == "constant":
            chain.constants[id(port.inner)] = reads_of(port.outer, WHOLE)
        else:
            chain.initial[port.state] = reads_of(port.outer, WHOLE)
    for result in body.results:
        read = [
            port
            for port in body.ports
            if id(result.inner) in depends_on([result.inner], [port.inner])
        ]
        chain.ports_of.append(read)
    return chain


# Places.
def _place(made: Unrolled) -> None:
    """What a chain reads row by row is under it, what it reads whole left of it."""
    for chain in made.chains:
        below = -1
        for read in chain.all_reads():
            source = made.chain_of(read.source)
            if source is None:
                continue
            if read.mode.rows == "row" and source.block >= chain.block:
                chain.block, below = source.block, max(below, source.row)
            elif read.mode.rows != "row":
                chain.block = max(chain.block, source.block + 1)
        before = made.chains[: chain.number]
        rows = {other.row for other in before if other.block == chain.block}
        chain.row = below + 1
        while chain.row in rows:
            chain.row += 1


def _output(number: int, variable: Variable, made: Unrolled) -> Output:
    reads = reads_of(variable, ROW)
    rows = [r for r in reads if r.mode.rows == "row" and made.chain_of(r.source)]
    output = Output(number, variable, variable.name or "y", reads)
    chains = [made.chain_of(r.source) for r in rows]
    if rows and variable.ndim:
        output.block = max(chain.block for chain in chains if chain is not None)
        turned = [
            r.mode.flip != (c is not None and c.backwards)
            for r, c in zip(rows, chains, strict=True)
        ]
        output.mirrored = all(turned)
    only = chains[0] if len(rows) == len(reads) == 1 else None
    if only is not None and _is_view(variable):
        result = only.body.results[rows[0].source.index]
        output.name = variable.name or only.step.results[rows[0].source.index].name
        if result.role == "state" and output.block is not None:
            output.state = only.number
    return output


def _is_view(v: Variable) -> bool:
    """Whether a value is rows of a loop's output, with nothing computed."""
    while v.owner is not None and v.owner.op.name == "subtensor":
        v = v.owner.inputs[0]
    return v.owner is not None and isinstance(v.owner.op, Scan)


def _columns(made: Unrolled, steps: int) -> list[list[str]]:
    found: list[list[str]] = []
    for block in range(1 + max(chain.block for chain in made.chains)):
        trips = next(c.body.trips for c in made.chains if c.block == block)
        held = None if trips is None else known_length(trips)
        if isinstance(held, int) and held <= steps + 1:
            found.append([str(k + 1) for k in range(held)])
            continue
        last = "T" if held is None else length_term(held).text
        while any(names and names[-1] == last for names in found) and held is None:
            last += "′"
        found.append([*(str(k + 1) for k in range(steps - 1)), DOTS, last])
    return found


# Edges.
def _connect(made: Unrolled) -> None:
    for chain in made.chains:
        count = len(made.columns[chain.block])
        for k, ports in enumerate(chain.ports_of):
            for column in range(count):
                target = ("step", chain.number, k, column)
                for port in ports:
                    made.edges += [
                        (source, target) for source in _read(made, chain, port, column)
                    ]
    for output in made.outputs:
        columns = [0] if output.block is None else range(_count(made, output.block))
        for column in columns:
            target = ("out", output.number, 0, column)
            at = _mirror(made, output.block, column, output.mirrored)
            for read in output.reads:
                sources = _rows(made, read, at, output.block)
                made.edges += [(source, target) for source in sources]


def _count(made: Unrolled, block: int | None) -> int:
    return len(made.columns[block or 0])


def _mirror(made: Unrolled, block: int | None, column: int, turned: bool) -> int:
    return _count(made, block) - 1 - column if turned else column


def _read(made: Unrolled, chain: Chain, port: Port, column: int) -> Iterator[Key]:
    """What one port of a chain's body reads at one column."""
    count = _count(made, chain.block)
    if port.role == "state":
        source = column + chain.way * port.tap
        if 0 <= source < count:
            yield ("step", chain.number, port.state, source)
        else:
            yield ("first", chain.number, port.state, 0)
            for read in chain.initial[port.state]:
                if made.chain_of(read.source) is not None:
                    yield from _rows(made, read, 0, None)
        return
    table = chain.sequences if port.role == "sequence" else chain.constants
    row = _mirror(made, chain.block, column, chain.backwards)
    for read in table[id(port.inner)]:
        yield from _rows(made, read, row, chain.block)


def _rows(made: Unrolled, read: Read, row: int, block: int | None) -> Iterator[Key]:
    """The values that a reader of row `row` reads."""
    chain = made.chain_of(read.source)
    if chain is None:
        yield from _leaf(made, read, row, block)
        return
    count = _count(made, chain.block)
    for at in _indices(read.mode, row, count):
        column = count - 1 - at if chain.backwards else at
        yield ("step", chain.number, read.source.index, column)


def _indices(mode: Mode, row: int, count: int) -> list[int]:
    if mode.rows == "whole":
        return list(range(count))
    at = {"last": count - 1, "first": 0}.get(mode.rows, row + mode.shift)
    at = count - 1 - at if mode.flip else at
    return [at] if 0 <= at < count else []


def _leaf(made: Unrolled, read: Read, row: int, block: int | None) -> Iterator[Key]:
    if all(read.source is not leaf for leaf in made.leaves):
        made.leaves.append(read.source)
    number = next(k for k, v in enumerate(made.leaves) if v is read.source)
    if read.mode.rows != "row" or block is None or read.is_parameter:
        yield ("leaf", number, 0, -1)
        return
    for at in _indices(read.mode, row, _count(made, block)):
        yield ("leaf", number, block, at)
