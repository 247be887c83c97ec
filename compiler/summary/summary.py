"""``summary``: a model by its parts: shapes, parameters, operations, bytes kept."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from symseq import lengths
from symseq.cost.given import Shapes
from symseq.cost.graph import CostedNode, costs
from symseq.cost.work import Amount
from symseq.errors import UsageError
from symseq.graph import Apply, SharedVariable, Variable
from symseq.groups import group_of, labels, shared_in_groups
from symseq.lengths import size_of
from symseq.printing.inside import insides, variables_of
from symseq.traverse import free_inputs
from symseq.types import TensorType

from ..profile import size_text
from ..walk.values import named_type
from .kept import backward, is_view_of_leaf

Path = tuple[str, ...]
WIDTH = 140


@dataclass(slots=True)
class Row:
    """A group with all that is in it. ``outputs``: what others read of it."""

    group: Path
    outputs: list[str] = field(default_factory=list)
    parameters: int = 0
    flops: Amount = 0
    kept: Amount = 0
    unknown: int = 0

    def data(self) -> dict[str, Any]:
        return {
            "group": "/".join(self.group),
            "depth": len(self.group),
            "outputs": self.outputs,
            "parameters": self.parameters,
            "flops": lengths.with_sizes(self.flops),
            "kept": lengths.with_sizes(self.kept),
            "unknown": self.unknown,
        }


class Summary:
    """A table by groups: printed, in a notebook, or as data in `rows`.

    The first row is the whole; each row counts what is in the groups below it. Amounts
    are numbers, or polynomials of the lengths that are not given.
    """

    def __init__(self, table: Sequence[Row], *, has_graph: bool = True) -> None:
        self._table, self._shown = list(table), SHOWN if has_graph else (0, 2)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One record a group: group, depth, outputs, parameters, flops, kept, unknown.

        ``unknown`` counts nodes whose cost is not known: the amounts are lower bounds.
        """
        return [row.data() for row in self._table]

    @property
    def total(self) -> dict[str, Any]:
        """The record of the whole."""
        return self._table[0].data()

    def _cells(self) -> Iterator[tuple[str, ...]]:
        for row in self._table:
            name = "  " * len(row.group) + row.group[-1] if row.group else "all"
            least = "≥ " if row.unknown else ""
            cells = (
                name,
                "\n".join(row.outputs),
                f"{row.parameters:,}" if row.parameters else "",
                least + amount_text(row.flops, count_text),
                least + amount_text(row.kept, size_text),
            )
            yield tuple(cells[k] for k in self._shown)

    def __rich__(self) -> Table:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for k in self._shown:
            table.add_column(TITLES[k], justify="left" if k < 2 else "right")
        for k, cells in enumerate(self._cells()):
            table.add_row(*map(Text, cells), style="bold" if k == 0 else "")
        return table

    def __str__(self) -> str:
        file = io.StringIO()
        console = Console(
            file=file, width=WIDTH, color_system=None, force_jupyter=False
        )
        console.print(self.__rich__())
        lines = filter(str.strip, file.getvalue().splitlines())
        return "\n".join(line[1:].rstrip() for line in lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        cell = "padding:2px 14px 2px 0;white-space:pre;vertical-align:top;text-align:"
        sides = ["left" if k < 2 else "right" for k in self._shown]
        titles = [TITLES[k] for k in self._shown]
        head = "".join(
            f'<th style="{cell}{side};border-bottom:1px solid #888">{title}</th>'
            for title, side in zip(titles, sides, strict=True)
        )
        body = "".join(
            "<tr>"
            + "".join(
                f'<td style="{cell}{side}">{escape(text)}</td>'
                for text, side in zip(cells, sides, strict=True)
            )
            + "</tr>"
            for cells in self._cells()
        )
        style = "border-collapse:collapse;font:13px system-ui,sans-serif"
        return f'<table style="{style}"><tr>{head}</tr>{body}</table>'


TITLES = ("group", "outputs", "parameters", "flops", "kept for backward")
SHOWN = tuple(range(len(TITLES)))


def amount_text(amount: Amount, show: Any) -> str:
    """A number in a fitting unit, or a polynomial in the lengths without a size."""
    size = size_of(amount)
    return str(lengths.with_sizes(amount)) if size is None else str(show(size))


def count_text(count: int) -> str:
    """A count with three digits: 12.3 M."""
    for unit, scale in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return str(count)


def summary(what: object, *inputs: Any, shapes: Shapes | None = None) -> Summary:
    """What a model or a cost is made of, by the groups of its modules and the user's.

    Of each group: the types of what others read of it, how many numbers it learns,
    operations of one forward pass (a loop's times its steps), and the bytes that are
    kept for the backward pass: what the gradient, as written, reads of the forward
    values, of loops a row for every step. A plan may keep less.

    Args:
        what: a variable, several, a function, or a model: an object with
            ``parameters()``. A model alone shows its parameters; with `inputs` it is
            called, and all is shown.
        shapes: lengths in numbers, such as ``{"T": 50}`` or ``{x: (50, 16)}``.
    Raises: UsageError, ShapeError for shapes that do not fit.

    >>> import symseq as ss
    >>> import numpy as np
    >>> x, w = ss.tensor.matrix("x"), ss.shared(np.ones((3, 2)), "w")
    >>> with ss.group("dense"):
    ...     y = ss.tensor.tanh(x @ w)
    >>> summary(y, shapes={x: (5, 3)}).total["flops"], summary(y).total["parameters"]
    (70, 6)
    """
    model = getattr(what, "parameters", None)
    own = model() if callable(model) and not isinstance(what, Variable) else None
    if inputs and not (own is not None and callable(what)):
        raise UsageError("only a model is called with inputs; got a graph and inputs")
    if own is not None and callable(what):
        if not inputs:
            return Summary(_parameter_rows(own), has_graph=False)
        what = what(*inputs)
    return Summary(_Tally(variables_of(what), shapes).rows())


def _parameter_rows(parameters: dict[str, SharedVariable]) -> list[Row]:
    """The groups of a model without a graph: the modules that hold the parameters."""
    found: dict[Path, Row] = {(): Row(())}
    for path, variable in parameters.items():
        parts = tuple(path.split(".")[:-1])
        for size in range(len(parts) + 1):
            row = found.setdefault(parts[:size], Row(parts[:size]))
            row.parameters += int(variable.storage.size)
    return list(found.values())


class _Tally:
    """Adds up what each group has, and all groups around it."""

    def __init__(self, outputs: Sequence[Variable], shapes: Shapes | None) -> None:
        self.outputs = outputs
        self.table: dict[Path, Row] = {(): Row(())}
        self.types: dict[Variable, TensorType] = {}
        parameters = {
            v: path for v, path in shared_in_groups(outputs).items() if v.type.is_float
        }
        leaves = [v for v in free_inputs(outputs) if v.type.is_float]
        back = backward(outputs, list(parameters) or leaves)
        forward = costs(list(outputs), shapes).nodes
        for node in forward:
            self._add_node(node)
        for v, path in parameters.items():
            for row in self._around(path):
                row.parameters += int(v.storage.size)
        self._add_outputs(forward, dict.fromkeys(outputs))
        both = costs([*outputs, *back.results], shapes).nodes
        self.types = _types(both)
        for one in back.kept():
            amount = one.bytes(self.types)
            for row in self._around(one.group):
                row.kept += amount or 0
                row.unknown += amount is None

    def rows(self) -> list[Row]:
        """Each group after the one around it, in the order of the graph."""
        place = {path: k for k, path in enumerate(self.table)}

        def key(path: Path) -> list[int]:
            return [place[path[: size + 1]] for size in range(len(path))]

        return [self.table[path] for path in sorted(self.table, key=key)]

    def _around(self, path: Path) -> list[Row]:
        """The rows of a group and of all around it."""
        starts = [path[:size] for size in range(len(path) + 1)]
        return [self.table.setdefault(start, Row(start)) for start in starts]

    def _add_node(self, costed: CostedNode) -> None:
        if costed.bodies:
            for body in costed.bodies:
                for inner in body:
                    self._add_node(inner)
            return
        total = costed.total
        for row in self._around(labels(group_of(costed.node))):
            row.flops += total.flops
            row.unknown += total.unknown

    def _add_outputs(
        self, nodes: Sequence[CostedNode], read: dict[Variable, None], step: str = ""
    ) -> None:
        """What a scope's groups hand on; ``read``: what leaves the scope."""
        readers: dict[Variable, list[Path]] = {}
        for costed in nodes:
            path = labels(group_of(costed.node))
            for v in costed.node.inputs:
                readers.setdefault(v, []).append(path)
        around = labels(group_of(nodes[0].around[-1])) if step and nodes else ()
        for v in read:
            readers.setdefault(v, []).append(around)
        types = _types(nodes)
        for costed in nodes:
            for v in costed.node.outputs:
                if v.held is None and not is_view_of_leaf(v):
                    text = named_type(v.type, types[v].shape) + step
                    self._hand_on(costed.node, text, readers.get(v, []))
            bodies = zip(insides(costed.node), costed.bodies, strict=True)
            for inside, inner in bodies:
                says = " each step" if inside.trips is not None else " of a branch"
                self._add_outputs(inner, dict.fromkeys(inside.outputs), says)

    def _hand_on(self, node: Apply, text: str, readers: Sequence[Path]) -> None:
        """Say `text`, what a node makes, of the groups that others read it from."""
        path = labels(group_of(node))
        for size in range(1, len(path) + 1):
            start = path[:size]
            leaves = any(reader[:size] != start for reader in readers)
            shown = self.table[start].outputs
            if leaves and text not in shown:
                shown.append(text)


def _types(nodes: Sequence[CostedNode]) -> dict[Variable, TensorType]:
    return {
        v: type_
        for costed in nodes
        for v, type_ in zip(costed.node.outputs, costed.types, strict=True)
    }
