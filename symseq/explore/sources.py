"""The texts beside a graph: the user's files, and the program that was emitted."""

from __future__ import annotations

import linecache
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from symseq.compiler.function import Function
from symseq.span import Span, place_of

# Of longer files only what is around the lines that are used is kept.
LONGEST, AROUND = 3000, 12


@dataclass(slots=True)
class Strings:
    """Each text once, by number."""

    texts: list[str] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)

    def number(self, text: str) -> int:
        if text not in self.known:
            self.known[text] = len(self.texts)
            self.texts.append(text)
        return self.known[text]


@dataclass(slots=True)
class Lines:
    """The user's lines that something on the page came from, each by number."""

    spans: list[Span] = field(default_factory=list)
    known: dict[tuple[str, int], int] = field(default_factory=dict)

    def number(self, span: Span) -> int:
        place = span.file, span.line
        if place not in self.known:
            self.known[place] = len(self.spans)
            self.spans.append(span)
        return self.known[place]

    def numbers(self, spans: Iterable[Span]) -> list[int]:
        """The lines, each once, in order; what has no line has no number."""
        return list(dict.fromkeys(self.number(span) for span in spans if span.line))

    def data(self) -> list[list[Any]]:
        """[[number of the file, line, text], ...]."""
        files = {file: k for k, file in enumerate(self.files())}
        return [[files[s.file], s.line, s.text] for s in self.spans]

    def files(self) -> list[str]:
        return list(dict.fromkeys(span.file for span in self.spans))

    def texts(self) -> list[dict[str, Any]]:
        """{name, rows: [[line, text], ...]} of each file; gaps are left out."""
        return [
            {"name": place_of(file), "rows": self.rows(file)} for file in self.files()
        ]

    def rows(self, file: str) -> list[list[Any]]:
        used = {s.line: s.text for s in self.spans if s.file == file}
        whole = linecache.getlines(file)
        if not whole:
            return [[line, used[line]] for line in sorted(used)]
        shown: Iterable[int] = range(1, len(whole) + 1)
        if len(whole) > LONGEST:
            near = {n for at in used for n in range(at - AROUND, at + AROUND + 1)}
            shown = sorted(n for n in near if 1 <= n <= len(whole))
        return [[n, whole[n - 1].rstrip("\n")] for n in shown]


def emitted(what: object, lines: Lines) -> dict[str, Any] | None:
    """The program that a function runs, each line with the user's that it came from."""
    plan = what.plan if isinstance(what, Function) else None
    if plan is None:
        return None
    text = plan.source.rstrip("\n").split("\n")
    came = {n: lines.number(s) for n, s in plan.line_map.items() if s.line}
    return {"rows": [[row, came.get(n, -1)] for n, row in enumerate(text, 1)]}
