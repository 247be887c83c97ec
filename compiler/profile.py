"""Where the time of a function's calls goes: by graph node, by line, inside loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from symseq.graph import Apply
from symseq.span import UNKNOWN, Span
from symseq.types import Array

MOST_ROWS = 40
WIDEST = 60  # characters of a line of code


@dataclass(eq=False, slots=True)
class Entry:
    """What one node has cost so far; ``loops`` are those around it, outermost first.

    ``bytes`` counts what it wrote.
    """

    node: Apply
    loops: tuple[str, ...]
    seconds: float = 0.0
    count: int = 0
    bytes: int = 0

    @property
    def span(self) -> Span:
        return self.node.spans[0] if self.node.spans else UNKNOWN


class Profile:
    """Seconds, counts and bytes of every node, over all calls of one function.

    ``print(f.profile)`` shows the tables; `rows` and `lines` are the same as data.
    A node inside a loop counts once a step. ``inside`` is the time within nodes,
    ``seconds`` that of whole calls: copying inputs and outputs stands between them.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.clear()

    def clear(self) -> None:
        """Forget what was measured."""
        self.calls, self.seconds = 0, 0.0
        self._entries: dict[tuple[int, tuple[str, ...]], Entry] = {}
        self._since = 0.0

    # -- measuring ----------------------------------------------------------------

    def entry(self, node: Apply, loops: tuple[str, ...]) -> Entry:
        """The record of a node, made when it is first met."""
        key = (id(node), loops)
        found = self._entries.get(key)
        if found is None:
            found = self._entries[key] = Entry(node, loops)
        return found

    def resume(self) -> None:
        """The clock of the next node starts now."""
        self._since = perf_counter()

    def add(self, entry: Entry, outputs: Iterable[Array]) -> None:
        """Count the time since the clock started as one run of a node."""
        entry.seconds += perf_counter() - self._since
        entry.count += 1
        entry.bytes += sum(array.nbytes for array in outputs)

    def add_call(self, seconds: float) -> None:
        """Count one call of the function."""
        self.calls += 1
        self.seconds += seconds

    # -- reading ------------------------------------------------------------------

    @property
    def inside(self) -> float:
        return sum(entry.seconds for entry in self._entries.values())

    def entries(self) -> list[Entry]:
        """The nodes that ran, the costliest first."""
        ran = [entry for entry in self._entries.values() if entry.count]
        return sorted(ran, key=lambda entry: -entry.seconds)

    def rows(self) -> list[dict[str, Any]]:
        """One record a node: op, loop, seconds, percent, count, bytes, line, text."""
        total = self.inside or 1.0
        return [
            {
                "op": str(entry.node.op),
                "loop": "/".join(entry.loops),
                "seconds": entry.seconds,
                "percent": 100 * entry.seconds / total,
                "count": entry.count,
                "bytes": entry.bytes,
                "line": str(entry.span),
                "text": entry.span.text,
            }
            for entry in self.entries()
        ]

    def lines(self) -> list[dict[str, Any]]:
        """One record a line of the user's, with what all its nodes cost."""
        found: dict[str, dict[str, Any]] = {}
        for row in self.rows():
            line = found.setdefault(
                row["line"],
                {"line": row["line"], "text": row["text"]}
                | dict.fromkeys(("seconds", "percent", "count", "bytes"), 0),
            )
            for field in ("seconds", "percent", "count", "bytes"):
                line[field] += row[field]
        return sorted(found.values(), key=lambda line: -line["seconds"])

    def summary(self) -> None:
        """Print the tables."""
        print(self)

    def __str__(self) -> str:
        head = (
            f"profile of {self.name}: {self.calls} calls, {_time(self.seconds)}; "
            f"{_time(self.inside)} of it in the {len(self.entries())} nodes below"
        )
        by_node = _table(self.rows(), [*SHARED, ("loop", _text), ("op", _text),
                                       ("line", _text)])  # fmt: skip
        by_line = _table(self.lines(), [*SHARED, ("line", _text), ("text", _short)])
        return "\n".join([head, "", *by_node, "", "by line", *by_line])

    __repr__ = __str__


def _time(seconds: float) -> str:
    """Seconds in the unit that shows three digits."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def size_text(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


Show = Callable[[Any], str]


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else text[: WIDEST - 3] + "..."


_text: Show = str
SHARED: list[tuple[str, Show]] = [
    ("percent", lambda value: f"{value:.1f} %"),
    ("seconds", _time),
    ("count", str),
    ("bytes", size_text),
]


def _table(
    rows: Sequence[dict[str, Any]], columns: list[tuple[str, Show]]
) -> list[str]:
    """Aligned text: numbers to the right, names to the left."""
    shown = [[show(row[name]) for name, show in columns] for row in rows[:MOST_ROWS]]
    titles = [name for name, _ in columns]
    widths = [max(map(len, column)) for column in zip(titles, *shown, strict=True)]
    lines = []
    for cells in (titles, *shown):
        padded = [
            cell.ljust(width) if show in (_text, _short) else cell.rjust(width)
            for cell, width, (_, show) in zip(cells, widths, columns, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    if len(rows) > MOST_ROWS:
        lines.append(f"... and {len(rows) - MOST_ROWS} more")
    return lines
