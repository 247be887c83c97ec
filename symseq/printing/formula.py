"""One application as text: infix where its row has a symbol, with few parentheses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass

from symseq.graph import Apply, Op, Variable
from symseq.lengths import Dim
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.elementwise import Elementwise
from symseq.ops.reshape import Reshape
from symseq.ops.subtensor import INPUT, IncSubtensor, Key, Range, Subtensor

# How tightly each operator binds, as in Python.
BINDING = {
    "<": 1, "<=": 1, ">": 1, ">=": 1, "==": 1, "!=": 1,
    "|": 2, "^": 3, "&": 4, "<<": 5, ">>": 5, "+": 6, "-": 6,
    "*": 7, "/": 7, "//": 7, "%": 7, "@": 7, "**": 9,
}  # fmt: skip
COMPARISON, UNARY, POWER, ATOM = 1, 8, 9, 10
_BINARY = re.compile(r"^(\S+) (\S+) (\S+)$")
_UNARY = re.compile(r"^([-~!])(\{0\})$")


@dataclass(frozen=True, slots=True)
class Term:
    """A piece of a formula and how tightly its outermost operator binds."""

    text: str
    binding: int = ATOM

    def within(self, binding: int) -> str:
        """The text as an operand, in parentheses where it binds less than `binding`."""
        return self.text if self.binding >= binding else f"({self.text})"


def term_of(node: Apply, args: Sequence[Term]) -> Term:
    """The formula of a node over the formulas of its inputs."""
    op = node.op
    if isinstance(op, Elementwise):
        return _elementwise(op, args)
    if isinstance(op, DimShuffle):
        return _view(op, node.inputs[0].ndim, args[0])
    if isinstance(op, Subtensor):
        return Term(f"{args[0].within(ATOM)}[{_key(op.key, args[1:])}]")
    if isinstance(op, IncSubtensor):
        place = f"{args[0].within(ATOM)}[{_key(op.key, args[2:])}]"
        return call("set" if op.replace else "inc", [place, args[1].text])
    if isinstance(op, Reshape):
        return Term(f"{args[0].within(ATOM)}.{call('reshape', texts(args[1:])).text}")
    return call(op.name, [*texts(args), *_parameters(op, node.inputs)])


def texts(args: Sequence[Term]) -> list[str]:
    return [arg.text for arg in args]


def call(name: str, parts: Sequence[str]) -> Term:
    return Term(f"{name}({', '.join(parts)})")


def _elementwise(op: Elementwise, args: Sequence[Term]) -> Term:
    if op.name.startswith("cast_"):
        return call(op.name.removeprefix("cast_"), [args[0].text])
    binary = _BINARY.match(op.symbol)
    if binary and binary[2] in BINDING:
        return _infix(binary[1], binary[2], binary[3], args)
    if _UNARY.match(op.symbol):
        return Term(op.symbol.format(args[0].within(UNARY)), UNARY)
    if op.symbol:
        return Term(op.symbol.format(*texts(args)))
    return call(op.name, texts(args))


def _infix(left: str, sign: str, right: str, args: Sequence[Term]) -> Term:
    """left sign right: the left may bind as loosely as the sign, the right may not."""
    binding = BINDING[sign]
    strict = sign == "**" or binding == COMPARISON
    before = [arg.within(binding + strict) for arg in args]
    after = [arg.within(binding + (sign != "**")) for arg in args]
    return Term(f"{left.format(*before)} {sign} {right.format(*after)}", binding)


def _view(op: DimShuffle, ndim: int, x: Term) -> Term:
    """Axes put in front are not worth ink; new ones elsewhere are x[:, None]."""
    kept = [axis for axis in op.order if axis != "x"]
    if kept == list(range(ndim)):
        new = [axis == "x" for axis in op.order]
        if sorted(new, reverse=True) == new:
            return x
        return Term(f"{x.within(ATOM)}[{', '.join('None' if n else ':' for n in new)}]")
    if kept == list(op.order) == list(reversed(range(ndim))):
        return Term(f"{x.within(ATOM)}.T")
    if kept == sorted(kept) and len(kept) == len(op.order):
        places = (":" if axis in kept else "0" for axis in range(ndim))
        return Term(f"{x.within(ATOM)}[{', '.join(places)}]")
    order = ", ".join(repr(axis) for axis in op.order)
    return Term(f"{x.within(ATOM)}.dimshuffle({order})")


def _key(key: Key, args: Sequence[Term]) -> str:
    values = iter(args)

    def bound(entry: object) -> str:
        if entry == INPUT:
            return next(values).text
        return "" if entry is None else str(entry)

    def entry_text(entry: object) -> str:
        if not isinstance(entry, Range):
            return bound(entry)
        start, stop, step = (bound(one) for one in entry.bounds)
        return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"

    return ", ".join(entry_text(entry) for entry in key)


def _parameters(op: Op, inputs: Sequence[Variable]) -> Iterator[str]:
    """The static parameters that are not at their defaults: axis=0."""
    if not is_dataclass(op):
        return
    for parameter in fields(op):
        value = getattr(op, parameter.name)
        if not parameter.compare or parameter.name in ("name", "ndim"):
            continue
        if value == parameter.default or value is None or callable(value):
            continue
        if parameter.name == "axes" and isinstance(value, tuple):
            if inputs and value == tuple(range(inputs[0].ndim)):
                continue
            yield f"axis={value[0] if len(value) == 1 else value}"
        else:
            yield f"{parameter.name}={value}"


def length_term(length: int | Dim) -> Term:
    """A length that is known by number or name: T, 4H, T + 1."""
    text = str(length)
    if " " in text:
        return Term(text, BINDING["+"])
    return Term(text, UNARY if text.startswith("-") else ATOM)
