"""What a picture writes on its nodes and edges."""

from __future__ import annotations

import re

from symseq.graph import Apply, Constant, Variable
from symseq.lengths import Dim
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.elementwise import Elementwise
from symseq.ops.reshape import Reshape
from symseq.ops.subtensor import Range, Subtensor
from symseq.printing.formula import Term, length_term, term_of
from symseq.printing.pprint import constant_term

HOLE = "·"
SIGNS = {"*": "×", "-": "−"}
COMMUTATIVE = {"add", "mul", "maximum", "minimum", "eq", "neq"}


def source(variable: Variable) -> Variable:
    """The variable behind views that only add axes of length 1 in front."""
    while is_padding(variable.owner):
        assert variable.owner is not None
        variable = variable.owner.inputs[0]
    return variable


def is_padding(node: Apply | None) -> bool:
    if node is None or not isinstance(node.op, DimShuffle):
        return False
    ndim = node.inputs[0].ndim
    return node.op.order[len(node.op.order) - ndim :] == tuple(range(ndim)) and all(
        axis == "x" for axis in node.op.order[: len(node.op.order) - ndim]
    )


def inline(variable: Variable) -> Term | None:
    """The text of what is written in place: scalar constants and known lengths."""
    variable = source(variable)
    if isinstance(variable, Constant) and variable.ndim == 0 and not variable.name:
        return constant_term(variable)
    node = variable.owner
    if node is not None and node.op.name.startswith("cast_"):
        return inline(node.inputs[0])
    held = variable.held
    if variable.owner is not None and isinstance(held, (int, Dim)):
        return length_term(held)
    return None


def base_name(variable: Variable, called: dict[int, str]) -> str:
    """A sequence's own name, or the view of a named variable that it is."""
    views: list[str] = []
    variable = source(variable)
    while id(variable) not in called and not variable.name:
        node = variable.owner
        if node is None or not isinstance(node.op, Subtensor) or len(node.inputs) > 1:
            return "row"
        views.insert(0, term_of(node, [Term("")]).text)
        variable = source(node.inputs[0])
    return called.get(id(variable), variable.name or "row") + "".join(views)


def op_style(node: Apply) -> str:
    """The look of a node: a sign, a small grey view, a random draw, or a plain op."""
    if isinstance(node.op, DimShuffle) or node.op.name.startswith("cast_"):
        return "view"
    if isinstance(node.op, (Subtensor, Reshape)) or node.op.name == "fill":
        return "view"
    if type(node.op).__module__.startswith("symseq.random"):
        return "random"
    return "op"


def op_label(node: Apply, args: list[Term | None]) -> tuple[str, bool]:
    """The text of a node over holes for its edges, and whether it is one sign."""
    if isinstance(node.op, Reshape):
        return "reshape", False
    text = term_of(node, [arg or Term(HOLE) for arg in args]).text
    bare = re.fullmatch(rf"{HOLE} (\S+) {HOLE}", text)
    if bare and isinstance(node.op, Elementwise) and not node.outputs[0].name:
        return SIGNS.get(bare[1], bare[1]), True
    if text.startswith((f"{HOLE}[", f"{HOLE}.")):
        return text[1:], False
    text = re.sub(rf"\((?:{HOLE}(?:, )?)+", "(", text).removesuffix("()")
    for sign, shown in SIGNS.items():
        text = text.replace(f" {sign} ", f" {shown} ")
    return text, False


def skips_initial(node: Apply, depth: int) -> bool:
    """Whether a node cuts the initial rows off a history of that depth."""
    return isinstance(node.op, Subtensor) and node.op.key == (Range(depth),)


def tooltip(node: Apply) -> str:
    """The user's lines that a node stands for."""
    rows = [f"{span}  {span.text}".rstrip() for span in node.spans]
    return "\n".join([*([node.kind] if node.kind else []), *dict.fromkeys(rows)])
