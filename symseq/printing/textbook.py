"""A loop's body read as a textbook writes it: no joined kernels, no views, x(t)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from symseq import lengths
from symseq.graph import Apply, Constant, Variable, known_length
from symseq.lengths import Dim, Length
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
from symseq.ops.subtensor import INPUT, Range, Subtensor
from symseq.printing.formula import length_term
from symseq.printing.inside import Inside, Port
from symseq.printing.pprint import Names, constant_term, plain_name
from symseq.printing.quantity import Cut, Quantity, cut_text
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


def reversed_source(variable: Variable) -> Variable | None:
    """x of x[::-1]."""
    node = variable.owner
    if node is None or not isinstance(node.op, Subtensor):
        return None
    return node.inputs[0] if node.op.key == (Range(None, None, -1),) else None


def runs_backwards(body: Inside) -> bool:
    """Whether every sequence of a loop is read from its end."""
    outer = [p.outer for p in body.ports if p.role == "sequence" and p.outer]
    moving = [v for v in outer if not _counts_steps(v)]
    return bool(moving) and all(reversed_source(v) is not None for v in moving)


def _counts_steps(variable: Variable) -> bool:
    return variable.owner is not None and variable.owner.op.name == "arange"


class Reader:
    """Reads the variables of one body, or blocks of their columns."""

    def __init__(self, body: Inside, states: Sequence[str], names: Names) -> None:
        self.states, self.names = states, names
        self.direction = -1 if runs_backwards(body) else 1
        self.ports = {id(port.inner): port for port in body.ports}
        self.firsts = _first_rows(body)
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
        if _counts_steps(outer):
            return Quantity("symbol", text="t", time=None, rank=0)
        if self.direction < 0:
            outer = reversed_source(outer) or outer
        shift = self.firsts.get(id(port.inner)) or _saved_tap(port, outer)
        if shift is not None:
            source, time, stem = shift
            made = self._symbol(source, cut, ROW, stem)
            return Quantity(
                "symbol", text=made.text, time=time, cut=cut, of=made.of, rank=made.rank
            )
        self.stems.setdefault(id(outer), plain_name(port.inner.name))
        return self.read(outer, cut, ROW)

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
            name = _short(v.name or _loop_name(v) or stem)
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
        return (_is_shown(node) and not isinstance(node.op, Subtensor)) or _cuts(node)

    # What an application is.
    def _applied(
        self, node: Apply, v: Variable, cut: Cut | None, where: str
    ) -> Quantity:
        op = node.op
        if isinstance(op, Subtensor) and (own := _cut_of(node)) is not None:
            return self.read(node.inputs[0], _within(own, cut), where)
        if isinstance(op, Split) and op.axis == node.inputs[0].ndim - 1:
            own = _split_cut(node, v.index)
            if own is not None:
                return self.read(node.inputs[0], _within(own, cut), where)
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
    return isinstance(node.op, shown) or _cuts(node) or _tall_product(node) is not None


def _skips_first(node: Apply) -> bool:
    """Whether a node cuts the first values off what a loop in the step has made."""
    history = node.inputs[0] if node.inputs else None
    loop = None if history is None else history.owner
    if history is None or loop is None or not isinstance(loop.op, Scan):
        return False
    if not isinstance(node.op, Subtensor) or history.index >= len(loop.op.states):
        return False
    return node.op.key == (Range(loop.op.states[history.index].depth),)


def _cuts(node: Apply) -> bool:
    return isinstance(node.op, Subtensor) and _cut_of(node) is not None


def _cut_of(node: Apply) -> Cut | None:
    """The columns that a node keeps, where it keeps all of the other axes."""
    assert isinstance(node.op, Subtensor)
    x, key = node.inputs[0], node.op.key
    if len(key) != x.ndim or not key or not isinstance(key[-1], Range):
        return None
    if not all(isinstance(entry, Range) and entry.is_full for entry in key[:-1]):
        return None
    if key[-1].step is not None:
        return None
    held = iter(node.inputs[1:])
    bounds = [_bound(b, held) for b in (key[-1].start, key[-1].stop)]
    total = x.type.shape[-1]
    start, stop = (
        _counted(bound, total, at) for bound, at in zip(bounds, (0, total), strict=True)
    )
    return None if start is None or stop is None else (start, stop)


def _bound(bound: object, inputs: Iterator[Variable]) -> Length | str:
    if bound is None:
        return ""
    if bound == INPUT:
        return known_length(next(inputs))
    assert isinstance(bound, int)
    return bound


def _counted(bound: Length | str, total: Length, default: Length) -> Length:
    if bound == "":
        return default
    assert not isinstance(bound, str)
    size = lengths.size_of(bound)
    return lengths.add(total, bound) if size is not None and size < 0 else bound


def _within(own: Cut, cut: Cut | None) -> Cut:
    """The columns `cut` of the columns `own`."""
    if cut is None:
        return own
    return (lengths.add(own[0], cut[0]), lengths.add(own[0], cut[1]))


def _split_cut(node: Apply, index: int) -> Cut | None:
    sizes = [v.held for v in node.inputs[1:]]
    if not all(isinstance(size, (int, Dim)) for size in sizes):
        return None
    ends: list[Length] = [0]
    for size in sizes:
        assert not isinstance(size, tuple)
        ends.append(lengths.add(ends[-1], size))
    return (ends[index], ends[index + 1])


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


def _loop_name(v: Variable) -> str:
    """What is behind views of a row's source, where that has a name."""
    while not v.name and v.owner is not None:
        if isinstance(v.owner.op, (Subtensor, Reshape, SpecifyShape, DimShuffle)):
            v = v.owner.inputs[0]
        else:
            break
    return v.name or ""


def _saved_tap(port: Port, outer: Variable) -> tuple[Variable, int, str] | None:
    """(rows, k, h) for the rows h[t + k] of a state that a gradient's loop reads."""
    if port.saved is None or _loop_name(outer):
        return None
    name, time = port.saved
    return outer, time, name


def _first_rows(body: Inside) -> dict[int, tuple[Variable, int, str]]:
    """(x, k, name) for a row that is x[t + k]: several views of x are its taps.

    The name is what the step calls the last of them, where x has none.
    """
    views: dict[int, list[tuple[Variable, Variable, int]]] = {}
    for port in body.ports:
        if port.role != "sequence" or port.outer is None:
            continue
        node = (reversed_source(port.outer) or port.outer).owner
        if node is None or not isinstance(node.op, Subtensor) or len(node.inputs) > 1:
            continue
        (first, *others) = node.op.key
        if others or not isinstance(first, Range) or first.step is not None:
            continue
        if isinstance(first.start, (int, type(None))):
            x = node.inputs[0]
            views.setdefault(id(x), []).append((port.inner, x, first.start or 0))
    found: dict[int, tuple[Variable, int, str]] = {}
    for group in views.values():
        newest, _, last = max(group, key=lambda view: view[-1])
        for inner, x, start in group:
            if len(group) > 1:
                found[id(inner)] = (x, start - last, plain_name(newest.name))
    return found
