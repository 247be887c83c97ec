"""The text of a plan, loaded; an error in one of its lines gets the user's line."""

from __future__ import annotations

import linecache
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from symseq.errors import SymseqError
from symseq.graph import Apply, operands
from symseq.span import Span


class LoadedText:
    """Python text under a file name of its own; `nodes` are by number of the line.

    The `given` lines, counted from 0, are shown and not executed: what they define is
    in the namespace already.
    """

    def __init__(
        self,
        name: str,
        source: str,
        nodes: Mapping[int, Apply],
        given: range = range(0),
    ) -> None:
        self.source, self.nodes, self.given = source, nodes, given
        self.file = f"<symseq plan {name} {id(self):x}>"
        lines = source.splitlines(True)
        linecache.cache[self.file] = (len(source), None, lines, self.file)
        weakref.finalize(self, linecache.cache.pop, self.file, None)

    def function(self, name: str, namespace: dict[str, Any]) -> Callable[..., Any]:
        """A function that the text defines; it finds the names of `namespace`."""
        lines = self.source.splitlines(True)
        lines[self.given.start : self.given.stop] = "\n" * len(self.given)
        exec(compile("".join(lines), self.file, "exec"), namespace)
        made: Callable[..., Any] = namespace[name]
        return made

    @property
    def line_map(self) -> dict[int, Span]:
        """Line of the source → the user's line."""
        return {line: node.spans[0] for line, node in self.nodes.items() if node.spans}

    def blame(self, error: Exception) -> Exception:
        """`error`, raised while running, with the user's line that it came from."""
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self.file:
                node = self.nodes.get(trace.tb_lineno)
                if node is not None:
                    return blamed(error, node)
            trace = trace.tb_next
        return error


def blamed(error: Exception, node: Apply) -> Exception:
    """`error` with the line of a node: among its rows, or as a note to NumPy's own."""
    if isinstance(error, SymseqError):
        return error.at(node.spans[0], operands(node.inputs))
    error.add_note(f"at {node.spans[0]}  {node.spans[0].text}")
    return error
