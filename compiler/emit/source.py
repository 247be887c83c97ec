"""Source text that knows which node each line came from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from symseq.graph import Apply
from symseq.span import Span

INDENT = "    "


class Source:
    """Lines under construction; `nodes` maps a line's number to its graph node."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.nodes: dict[int, Apply] = {}
        self._depth = 0

    def add(self, text: str, node: Apply | None = None) -> None:
        self.lines.append(INDENT * self._depth + text if text else "")
        if node is not None:
            self.nodes[len(self.lines)] = node

    def insert(self, at: int, lines: list[str]) -> None:
        """Lines of no node, one level deep, before the line with index `at`."""
        self.lines[at:at] = [INDENT + line for line in lines]
        moved = {n + len(lines) if n > at else n: v for n, v in self.nodes.items()}
        self.nodes = moved

    @contextmanager
    def block(self, header: str, node: Apply | None = None) -> Iterator[None]:
        """A header line and an indented body; `pass` where the body stays empty."""
        self.add(header, node)
        self._depth += 1
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.add("pass")
        self._depth -= 1

    def finish(self) -> str:
        """The text, each line of a node ending in the user's line, aligned."""
        shown = []
        last: Span | None = None
        for number, line in enumerate(self.lines, 1):
            node = self.nodes.get(number)
            span = node.spans[0] if node is not None else None
            if span is not None and span != last and span.line:
                line = f"{line:<64}  # {span}"
            last = span or last
            shown.append(line.rstrip())
        return "\n".join(shown) + "\n"
