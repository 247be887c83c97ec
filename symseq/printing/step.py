"""One step of a loop, named: its results, its gates, the blocks of its kernels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from symseq.errors import UsageError
from symseq.graph import Apply
from symseq.printing.inside import Inside, Result, insides, variables_of
from symseq.printing.pprint import Names, initial_name, named_views, plain_name
from symseq.printing.quantity import MOST_BLOCKS, Quantity, count_uses, flatten, walk
from symseq.printing.textbook import Reader, written_names
from symseq.scan.merge import merge_scans
from symseq.scan.op import Scan
from symseq.traverse import sort_nodes


@dataclass(slots=True)
class Line:
    """name(t) = quantity; ``result`` says what the loop makes of it, '' for inside."""

    name: str
    quantity: Quantity
    result: str = ""  # 'state', 'output', 'until'
    index: int = -1  # which result of the body

    @property
    def moving(self) -> bool:
        return bool(self.result) or self.quantity.moving


@dataclass(slots=True)
class Step:
    """One step of a loop.

    ``lines`` are in an order in which each reads only those before it; ``kernels`` say
    what the blocks of joined parameters are called: ("W", ["W_i", "W_f"]).
    """

    title: str
    backwards: bool
    lines: list[Line]
    kernels: list[tuple[str, list[str]]]
    uses: Counter[int] = field(default_factory=Counter)

    def bound(self) -> dict[int, Line]:
        """The line that defines a quantity, by the quantity's id."""
        return {
            id(line.quantity): line
            for line in reversed(self.lines)
            if not line.quantity.is_symbol
        }

    @property
    def results(self) -> list[Line]:
        """The lines of what the loop makes, in the order of the body."""
        found = [line for line in self.lines if line.result]
        return sorted(found, key=lambda line: line.index)


def loops_of(what: object) -> list[Apply]:
    """The loops that `what` needs, the first first.

    Raises: UsageError where there is none.
    """
    # A cost and its gradient are one loop forward: so they run.
    outputs = merge_scans(variables_of(what))
    found = [node for node in sort_nodes(outputs) if isinstance(node.op, Scan)]
    if not found:
        raise UsageError(
            "a cell is the body of a scan; what was given needs none",
            hint="give an output of ss.scan, or a variable that is computed from one",
        )
    return found


def steps_of(what: object) -> list[Step]:
    """Each loop that `what` needs as a textbook's step."""
    loops = loops_of(what)
    views = named_views(sort_nodes(variables_of(what)))
    return [read_step(node, views) for node in loops]


def read_step(node: Apply, views: dict[int, str]) -> Step:
    """The step of one scan node; `views` are the user's names of its outputs."""
    (body,) = insides(node)
    names = Names({"t"})
    results = _result_names(body, views, names)
    states = [
        n for r, n in zip(body.results, results, strict=True) if r.role == "state"
    ]
    reader = Reader(body, states, names)
    made = [reader.read(result.inner) for result in body.results]
    for name, q in reversed(list(zip(results, made, strict=True))):
        q.name = "" if q.is_symbol else name  # not flattened into another
    flatten(made)
    lines = _lines(made, results, [r.role for r in body.results], names)
    step = Step(body.title, reader.direction < 0, lines, [], count_uses(made))
    step.kernels = _name_blocks(step)
    return step


def _result_names(body: Inside, views: dict[int, str], names: Names) -> list[str]:
    nodes = sort_nodes(body.outputs, body.inputs)
    written = written_names(nodes)
    return [names.fresh(_wanted(result, views, written)) for result in body.results]


def _wanted(result: Result, views: dict[int, str], written: dict[int, str]) -> str:
    """What the user calls a result: outside, in the step, by its initial value."""
    outer = views.get(id(result.outer))
    if outer is None and result.outer is not None:
        outer = result.outer.name
    if result.inner.owner is None and outer == result.inner.name:
        outer = ""  # not the user's: a view is called as what the body hands on
    inner = plain_name(result.inner.name) if result.inner.owner is not None else ""
    started = initial_name(result)
    stem = {"state": "h", "output": "y", "until": "until"}[result.role]
    if result.role == "until":
        return stem
    return (
        plain_name(outer) or inner or written.get(id(result.inner)) or started or stem
    )


def _lines(
    made: Sequence[Quantity], results: Sequence[str], roles: Sequence[str], names: Names
) -> list[Line]:
    """What gets a line: results, what is named, gates, and what is read twice."""
    uses = count_uses(made)
    ends: dict[int, list[Line]] = {}
    for k, (q, name) in enumerate(zip(made, results, strict=True)):
        ends.setdefault(id(q), []).append(Line(name, q, roles[k], k))
    lines: list[Line] = []
    for q in walk(made):
        if id(q) in ends:
            lines += ends[id(q)]
        elif not q.is_symbol and (q.name or uses[id(q)] > 1 or _is_gate(q)):
            lines.append(Line(_primed(q.name, names) if q.name else "", q))
    lines = _in_order(lines)
    for line in sorted(lines, key=lambda line: _block_of(line.quantity)):
        line.name = line.name or _unnamed(line.quantity, names)
    return lines


def _in_order(lines: Sequence[Line]) -> list[Line]:
    """Each line after those that it reads; else gates as their blocks lie in a kernel.

    Both ways to be first meet in a heap of the lines that could come next.
    """
    bound = {id(line.quantity) for line in lines}
    first = {id(line.quantity): k for k, line in reversed(list(enumerate(lines)))}
    waits: list[int] = []
    readers: dict[int, list[int]] = {}
    for k, line in enumerate(lines):
        needed = {first[id(q)] for q in _direct(line.quantity, bound) if id(q) in first}
        waits.append(len(needed))
        for n in needed:
            readers.setdefault(n, []).append(k)
    ready = [
        (_block_of(lines[k].quantity), k) for k in range(len(lines)) if not waits[k]
    ]
    heapify(ready)
    ordered = []
    while ready:
        _, k = heappop(ready)
        ordered.append(lines[k])
        for reader in readers.get(k, ()):
            waits[reader] -= 1
            if not waits[reader]:
                heappush(ready, (_block_of(lines[reader].quantity), reader))
    return ordered


def _direct(q: Quantity, bound: set[int]) -> list[Quantity]:
    """What stands in the formula of `q`: symbols, and what has a line of its own."""
    found, stack = [], list(reversed(q.parts))
    while stack:
        part = stack.pop()
        if part.is_symbol or id(part) in bound:
            found.append(part)
        else:
            stack += reversed(part.parts)
    return found


def _block_of(q: Quantity) -> int:
    """The least place of the blocks of joined parameters that a gate reads."""
    (inner,) = q.parts if q.kind == "function" else (q,)
    places = [
        part.place[0]
        for term in inner.parts
        for part in (term.parts if term.kind == "product" else (term,))
        if part.is_symbol and part.time is None and part.place is not None
    ]
    return min(places, default=MOST_BLOCKS)


def _unnamed(q: Quantity, names: Names) -> str:
    """a3 for what reads the third block of a joined kernel, else the next number."""
    stem, block = "a" if q.moving else "k", _block_of(q)
    wanted = f"{stem}{block + 1}"
    if block < MOST_BLOCKS and wanted not in names.taken:
        return names.fresh(wanted)
    return names.numbered(stem)


def _primed(name: str, names: Names) -> str:
    while name in names.taken:
        name += "′"
    names.taken.add(name)
    return name


def _is_gate(q: Quantity) -> bool:
    """A function of a sum of products: what textbooks give a line of its own."""
    (inner,) = q.parts if q.kind == "function" else (q,)
    if inner is q or inner.kind != "sum" or inner.name:
        return False
    return any(part.kind == "product" and part.moving for part in inner.parts)


# The names of blocks.
def _name_blocks(step: Step) -> list[tuple[str, list[str]]]:
    """W[:, H:2H] is called W_f where only f reads it, else by its number."""
    readers = _readers(step)
    blocks: dict[str, dict[int, list[Quantity]]] = {}
    counts: dict[str, int] = {}
    for line in step.lines:
        for q in walk([line.quantity]):
            place = q.place if q.is_symbol else None
            if place is not None and place[1] > 1:
                found = blocks.setdefault(q.text, {}).setdefault(place[0], [])
                found.append(q)
                counts[q.text] = place[1]
    kernels = []
    for base, by_place in blocks.items():
        wanted = [_reader_name(by_place[k], readers) for k in sorted(by_place)]
        if "" in wanted or len(set(wanted)) < len(wanted):
            wanted = [str(k + 1) for k in sorted(by_place)]
        called = dict(zip(sorted(by_place), wanted, strict=True))
        for k, suffix in called.items():
            for q in by_place[k]:
                q.suffix = suffix
        if any(q.time is None for found in by_place.values() for q in found):
            everything = range(counts[base])
            parts = [f"{base}_{called[k]}" if k in called else "…" for k in everything]
            kernels.append((base, parts))
    return kernels


def _reader_name(found: Sequence[Quantity], readers: dict[int, set[str]]) -> str:
    """The one name of what reads a block, '' where there are more."""
    names = set().union(*(readers.get(id(q), set()) for q in found))
    return names.pop() if len(names) == 1 else ""


def _readers(step: Step) -> dict[int, set[str]]:
    """The names of the lines in whose formulas each symbol stands, by its id."""
    bound = set(step.bound())
    readers: dict[int, set[str]] = {}
    for line in step.lines:
        suffix = re.sub(r"^a(?=\d+$)", "", line.name)
        for q in _direct(line.quantity, bound):
            readers.setdefault(id(q), set()).add(suffix)
    return readers
