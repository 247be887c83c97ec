"""A loop's body read as a textbook writes it: no joined kernels, no views, x(t)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from symseq.graph import Apply, Constant, Variable, known_length
from symseq.ops.alloc import Alloc
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.elementwise import Elementwise
from symseq.ops.gradient_ops import Identity
from symseq.ops.join import Join, Split
from symseq.ops.linalg import Dot
from symseq.ops.reduce import Reduction
from symseq.ops.reshape import Reshape
from symseq.ops.shape import SpecifyShape
from symseq.ops.softmax import Normalized
from symseq.ops.subtensor import Range, Subtensor
from symseq.printing.columns import columns_of, cuts_columns, split_columns, within
from symseq.printing.formula import length_term
from symseq.printing.inside import Inside, Port
from symseq.printing.pprint import Names, constant_term, plain_name
from symseq.printing.quantity import Cut, Quantity, cut_text
from symseq.printing.rows import (
    counts_steps,
    first_rows,
    history_depth,
    loop_name,
    reversed_source,
    runs_backwards,
    saved_tap,
)
from symseq.scan.op import Scan
from symseq.traverse import sort_nodes
from symseq.types import is_static_one

LABELS = {"sigmoid": "σ", "sum": "Σ"}
ONES = ("1", "1.0")
# A constant of a loop that takes more nodes than this is written as one symbol.
SMALL = 8
LONGEST = 24  # letters of a symbol
INSIDE, ROW, WHOLE = "inside", "row", "whole"
_ASSIGNED = re.compile(r"([^\W\d]\w*)\s*(?::[^=]*)?=(?!=)")


def written_names(nodes: Sequence[Apply]) -> dict[int, str]:
    """What the user's lines call their results: `i = sigmoid(...)` makes an i.

    Only where one value leaves the line, so that it is plain which one is meant.
    """
    by_line: dict[tuple[str, int], list[Apply]] = {}
    for node in nodes:
        if len(node.spans) == 1:
            by_line.setdefault((node.spans[0].file, node.spans[0].line), []).append(
                node
            )
    found: dict[int, str] = {}
    for group in by_line.values():
        assigned = _ASSIGNED.match(group[0].spans[0].text)
        read = {id(v) for node in group for v in node.inputs}
        left = [v for node in group for v in node.outputs if id(v) not in read]
        if assigned and len(left) == 1:
            found[id(left[0])] = re.sub(r"_(t|new|next)$", "", assigned[1])
    return found


class Reader:
    """Reads the variables of one body, or blocks of their columns."""

    def __init__(self, body: Inside, states: Sequence[str], names: Names) -> None:
        self.states, self.names = states, names
        self.direction = -1 if runs_backwards(body) else 1
        self.ports = {id(port.inner): port for port in body.ports}
        self.firsts = first_rows(body)
        self.known: dict[tuple[int, Cut | None, str], Quantity] = {}
        self.bases: dict[int, str] = {}
        self.stems: dict[int, str] = {}  # what the step calls rows that have no name
        nodes = sort_nodes(body.outputs, body.inputs)
        self.written = written_names(nodes)
        for node in nodes:  # so that reading never goes deep
            for variable in node.outputs:
                self.read(variable)

    def read(
        self, v: Variable, cut: Cut | None = None, where: str = INSIDE
    ) -> Quantity:
        """What `v` is: all of it, or the columns `cut` of its last axis."""
        key = (id(v), cut, where)
        if key not in self.known:
            self.known[key] = self._read(v, cut, where)
        return self.known[key]

    def _read(self, v: Variable, cut: Cut | None, where: str) -> Quantity:
        if cut is not None and is_static_one(v.type.shape[-1]):
            cut = None  # a column that repeats
        port = self.ports.get(id(v)) if where == INSIDE else None
        if port is not None:
            return self._port(port, cut)
        if v.owner is None or known_length(v) is not None:
            return self._symbol(v, cut, where)
        if where != INSIDE and (v.name or not self._is_plain(v, where)):
            return self._symbol(v, cut, where)
        found = self._applied(v.owner, v, cut, where)
        if cut is None and where == INSIDE and not found.is_symbol:
            found.name = found.name or plain_name(v.name) or self.written.get(id(v), "")
        return found

    def _port(self, port: Port, cut: Cut | None) -> Quantity:
        assert port.outer is not None
        if port.role == "state":
            made = self._make("symbol", port.inner, text=self.states[port.state])
            made.time, made.moving = self.direction * port.tap, True
            made.cut, made.of = cut, port.inner if cut else None
            return made
        if port.role == "constant":
            return self.read(port.outer, cut, WHOLE)
        outer = port.outer
        if counts_steps(outer):
            return Quantity("symbol", text="t", time=None, rank=0)
        if self.direction < 0:
            outer = reversed_source(outer) or outer
        shift = self.firsts.get(id(port.inner)) or saved_tap(port, outer)
        if shift is not None:
            source, time, stem = shift
            made = self._symbol(source, cut, ROW, stem)
            return Quantity(
                "symbol", text=made.text, time=time, cut=cut, of=made.of, rank=made.rank
            )
        self.stems.setdefault(
            id(outer), plain_name(port.inner.name) or self._made_as(outer)
        )
        return self.read(outer, cut, ROW)

    def _made_as(self, rows: Variable) -> str:
        """What the step of the loop that made these rows calls one of them."""
        node = rows.owner
        if node is None or not isinstance(node.op, Scan):
            return ""
        body = node.op.body
        if rows.index >= len(body.outputs):
            return ""
        made = body.outputs[rows.index]
        name = plain_name(made.name) or written_names(body.nodes).get(id(made), "y")
        return "" if name in self.names.taken else name

    def _symbol(
        self, v: Variable, cut: Cut | None, where: str, stem: str = ""
    ) -> Quantity:
        """A name, a number or a length."""
        length = known_length(v)
        if length is not None and v.ndim == 0:
            return Quantity("symbol", text=length_term(length).text, rank=0)
        if isinstance(v, Constant) and not v.name:
            return Quantity("symbol", text=constant_term(v).text, rank=v.ndim)
        row = where == ROW
        return Quantity(
            "symbol",
            text=self._base(v, stem or self.stems.get(id(v)) or ("x" if row else "k")),
            time=0 if row else None, cut=cut, of=v, rank=v.ndim - row,
        )  # fmt: skip

    def _base(self, v: Variable, stem: str) -> str:
        """The variable's name: the last word of a.b.W where that is free."""
        if id(v) not in self.bases:
            name = _short(v.name or loop_name(v) or stem)
            short = name.rsplit(".", 1)[-1] if re.fullmatch(r"[\w.]+", name) else name
            self.bases[id(v)] = self.names.fresh(
                name if short in self.names.taken else short
            )
        return self.bases[id(v)]

    def _is_plain(self, v: Variable, where: str) -> bool:
        """Whether an outer value is worth writing out at each step that reads it."""
        node = v.owner
        assert node is not None
        if where == WHOLE:
            return _is_small(v)
        return (_is_shown(node) and not isinstance(node.op, Subtensor)) or cuts_columns(
            node
        )

    # What an application is.
    def _applied(
        self, node: Apply, v: Variable, cut: Cut | None, where: str
    ) -> Quantity:
        op = node.op
        if isinstance(op, Subtensor) and (own := columns_of(node)) is not None:
            return self.read(node.inputs[0], within(own, cut), where)
        if isinstance(op, Split) and op.axis == node.inputs[0].ndim - 1:
            own = split_columns(node, v.index)
            if own is not None:
                return self.read(node.inputs[0], within(own, cut), where)
        if isinstance(op, (Identity, SpecifyShape)) or op.name.startswith("cast_"):
            return self.read(node.inputs[0], cut, where)
        if _skips_first(node):
            return self.read(node.inputs[0], cut, where)
        if isinstance(op, DimShuffle) and (through := self._view(node, cut, where)):
            return through
        if isinstance(op, Alloc) and node.inputs[0].ndim == 0:
            return self.read(node.inputs[0], None, where)
        if isinstance(op, Elementwise):
            return self._elementwise(op, node, cut, where)
        if isinstance(op, Dot):
            return self._product(node, (node.inputs[0], node.inputs[1]), cut, where)
        if isinstance(op, Reshape) and (factors := _tall_product(node)):
            return self._product(node, factors, cut, where)
        if isinstance(op, Join) and op.axis == v.ndim - 1 and cut is None:
            return self._make("concat", v, node.inputs, where=where)
        if cut is not None:
            return self._cut_call(v, cut, where)
        if isinstance(op, (Normalized, Reduction)):
            label = LABELS.get(op.name, op.name)
            return self._make("function", v, node.inputs, text=label, where=where)
        inputs = node.inputs[1:] if isinstance(op, Scan) else node.inputs
        return self._make("call", v, inputs, text=op.name, where=where)

    def _make(
        self, kind: str, v: Variable, inputs: Sequence[Variable] = (),
        text: str = "", where: str = INSIDE, signs: tuple[bool, ...] = (),
        cut: Cut | None = None,
    ) -> Quantity:  # fmt: skip
        parts = tuple(self._part(x, v, cut, where) for x in inputs)
        return Quantity(
            kind, parts, text, signs=signs, node=v.owner, index=v.index,
            rank=_rank(v) - (where == ROW),
        )  # fmt: skip

    def _part(self, x: Variable, of: Variable, cut: Cut | None, where: str) -> Quantity:
        """An operand; under a row, one without the axis of steps is read whole."""
        if where == ROW and _source(x) is not x:
            return self.read(_source(x), cut, WHOLE)
        return self.read(x, cut, where)

    def _elementwise(
        self, op: Elementwise, node: Apply, cut: Cut | None, where: str
    ) -> Quantity:
        v, inputs = node.outputs[0], node.inputs
        if op.name in ("add", "sub", "neg"):
            signs = {"add": (False, False), "sub": (False, True), "neg": (True,)}
            return self._make("sum", v, inputs, "", where, signs[op.name], cut)
        if op.name == "mul":
            made = self._make("hadamard", v, inputs, "", where, cut=cut)
            factors = tuple(part for part in made.parts if part.text not in ONES)
            if len(factors) == 1 and factors[0].is_symbol:
                return factors[0]
            made.parts = factors or made.parts[:1]
            return made
        kind = "function" if op.arity == 1 else "call"
        return self._make(kind, v, inputs, LABELS.get(op.name, op.name), where, cut=cut)

    def _product(
        self, node: Apply, factors: tuple[Variable, Variable], cut: Cut | None,
        where: str,
    ) -> Quantity:  # fmt: skip
        a, b = factors
        right = WHOLE if where == ROW else where
        if b.ndim == 1:  # its only axis is summed: a cut is of the left's rows
            parts = (self.read(a, None, where), self.read(b, None, right))
            made = Quantity("product", parts, node=node, rank=a.ndim - 1)
            return made if cut is None else self._cut_of_call(made, node, cut)
        parts = (self.read(a, None, where), self.read(b, cut, right))
        return Quantity("product", parts, node=node, rank=_rank(node.outputs[0]))

    def _view(self, node: Apply, cut: Cut | None, where: str) -> Quantity | None:
        """Axes of length 1 put in or taken out are not worth ink."""
        assert isinstance(node.op, DimShuffle)
        order, x = node.op.order, node.inputs[0]
        kept = [axis for axis in order if axis != "x"]
        if where == ROW:
            source = _source(node.outputs[0])
            return self.read(source, cut, WHOLE) if source is x else None
        if kept != sorted(kept):
            return None
        last = bool(order) and order[-1] == x.ndim - 1
        return self.read(x, cut if last else None, where)

    def _cut_call(self, v: Variable, cut: Cut, where: str) -> Quantity:
        whole = self.read(v, None, where)
        if whole.is_symbol:
            return Quantity(
                "symbol", text=whole.text, time=whole.time, cut=cut, of=v,
                rank=whole.rank,
            )  # fmt: skip
        assert v.owner is not None
        return self._cut_of_call(whole, v.owner, cut)

    def _cut_of_call(self, whole: Quantity, node: Apply, cut: Cut) -> Quantity:
        return Quantity(
            "call", (whole,), cut_text(cut, whole.rank), cut=cut, rank=whole.rank
        )


def _rank(v: Variable) -> int:
    return _source(v).ndim


def _source(v: Variable) -> Variable:
    """The variable behind axes of length 1 put in front."""
    while (node := v.owner) is not None and isinstance(node.op, DimShuffle):
        (x,) = node.inputs
        lead = len(node.op.order) - x.ndim
        if node.op.order != ("x",) * lead + tuple(range(x.ndim)) or not lead:
            break
        v = x
    return v


def _is_small(v: Variable) -> bool:
    """Whether a value is made by a few applications that a formula can show."""
    nodes: dict[int, Apply] = {}
    waiting = [v]
    while waiting and len(nodes) <= SMALL:
        v = waiting.pop()
        if v.owner is not None and id(v.owner) not in nodes and not v.name:
            if not _is_shown(v.owner):
                return False
            nodes[id(v.owner)] = v.owner
            waiting += v.owner.inputs
    return len(nodes) <= SMALL


def _is_shown(node: Apply) -> bool:
    """Whether an outer application has a form of its own in a formula."""
    if isinstance(node.op, Elementwise):
        return True
    shown = (Dot, DimShuffle, SpecifyShape, Identity)
    return (
        isinstance(node.op, shown)
        or cuts_columns(node)
        or _tall_product(node) is not None
    )


def _skips_first(node: Apply) -> bool:
    """Whether a node cuts the first values off what a loop in the step has made."""
    if not isinstance(node.op, Subtensor):
        return False
    depth = history_depth(node.inputs[0])
    return bool(depth) and node.op.key == (Range(depth),)


def _tall_product(node: Apply) -> tuple[Variable, Variable] | None:
    """(x, W) of a product that merges the leading axes of x and parts them after."""
    inner = node.inputs[0].owner
    if not isinstance(node.op, Reshape) or inner is None:
        return None
    if not isinstance(inner.op, Dot):
        return None
    a, b = inner.inputs
    if a.owner is None or not isinstance(a.owner.op, Reshape) or a.ndim != 2:
        return None
    x = a.owner.inputs[0]
    return (x, b) if node.outputs[0].ndim == x.ndim - 1 + (b.ndim - 1) else None


def _short(name: str) -> str:
    """A name that stands in a line: without line breaks, not too long."""
    name = " ".join(name.split())
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
