"""What a picture writes on its nodes and edges."""

from __future__ import annotations

import re
from collections.abc import Sequence

from symseq.graph import Apply, Constant, Variable, known_length
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.elementwise import Elementwise
from symseq.ops.reshape import Reshape
from symseq.ops.subtensor import Range, Subtensor
from symseq.printing.formula import Term, length_term, term_of
from symseq.printing.pprint import constant_term
from symseq.scan.op import Scan

HOLE = "·"
SIGNS = {"*": "×", "-": "−"}
# Ops that say something of an array and leave it as it is.
SAME_VALUES = {"specify_shape"}
COMMUTATIVE = {"add", "mul", "maximum", "minimum", "eq", "neq"}


def source(variable: Variable) -> Variable:
    """The variable behind views that show all of it, with axes of 1 put in front."""
    while is_padding(variable.owner):
        assert variable.owner is not None
        variable = variable.owner.inputs[0]
    return variable


def is_padding(node: Apply | None) -> bool:
    if node is not None and isinstance(node.op, Subtensor):
        return all(entry == Range() for entry in node.op.key)
    if node is None or not isinstance(node.op, DimShuffle):
        return False
    ndim = node.inputs[0].ndim
    return node.op.order[len(node.op.order) - ndim :] == tuple(range(ndim)) and all(
        axis == "x" for axis in node.op.order[: len(node.op.order) - ndim]
    )


def is_flip(variable: Variable | None) -> bool:
    """Whether a variable is x[::-1]."""
    node = None if variable is None else variable.owner
    whole = Range(None, None, -1)
    return (
        node is not None and isinstance(node.op, Subtensor) and node.op.key == (whole,)
    )


def mirror_step(variable: Variable | None) -> bool:
    """Whether a variable is rows of another from the last to the first."""
    node = None if variable is None else variable.owner
    if node is None or not isinstance(node.op, Subtensor) or not node.op.key:
        return False
    first = node.op.key[0]
    return isinstance(first, Range) and first.step == -1


def loop_mirrors(nodes: Sequence[Apply], outputs: Sequence[Variable]) -> set[int]:
    """The ids of the nodes x[::-1] that only loops which run backwards read."""
    read = {id(v) for v in outputs}
    turned: dict[int, Apply] = {}
    for node in nodes:
        rows: Sequence[Variable] = ()
        if isinstance(node.op, Scan):
            rows = node.op.sequence_inputs(node.inputs)
            if not all(is_flip(v) for v in rows):
                rows = ()
        turned.update((id(v), v.owner) for v in rows if v.owner is not None)
        others = node.inputs[1 + len(rows) :] if rows else node.inputs
        read.update(id(v) for v in others)
    return {id(node) for key, node in turned.items() if key not in read}


def line_of(variable: Variable) -> str:
    """The user's line that made a variable."""
    return f"{variable.span}  {variable.span.text}".rstrip()


LONGEST_NAME = 48


def clean(name: str) -> str:
    """A name that fits on a node: one line, the middle of a very long one left out."""
    name = "".join(c if c.isprintable() else "⏎" if c == "\n" else "�" for c in name)
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME // 2]}…{name[-LONGEST_NAME // 2 + 1 :]}"


def inline(variable: Variable) -> Term | None:
    """The text of what is written in place: scalar constants and known lengths."""
    variable = source(variable)
    if isinstance(variable, Constant) and variable.ndim == 0 and not variable.name:
        return constant_term(variable)
    node = variable.owner
    if node is not None and node.op.name.startswith("cast_"):
        return inline(node.inputs[0])
    held = known_length(variable)
    if variable.owner is not None and held is not None:
        return length_term(held)
    return None


def uncast(variable: Variable) -> Variable:
    """What the user wrote: a variable without the casts that were put around it."""
    while variable.owner is not None and variable.owner.op.name.startswith("cast_"):
        variable = variable.owner.inputs[0]
    return variable


def base_name(variable: Variable, called: dict[int, str], inside: str = "") -> str:
    """A sequence's own name, or the view of a named variable that it is.

    Of one that has no name it is `inside`, what its loop's step calls a row.
    """
    views: list[str] = []
    variable = source(variable)
    while id(variable) not in called and not variable.name:
        node = variable.owner
        if node is None or not node.inputs:
            return inside or "row"
        if isinstance(node.op, Subtensor) and len(node.inputs) == 1:
            views.insert(0, term_of(node, [Term("")]).text)
        elif node.op.name not in SAME_VALUES:
            return inside or f"{node.op.name}{''.join(views)}"
        variable = source(node.inputs[0])
    return called.get(id(variable), variable.name or "row") + "".join(views)


def op_style(node: Apply) -> str:
    """The look of a node: a sign, a small grey view, a random draw, or a plain op."""
    if isinstance(node.op, DimShuffle) or node.op.name.startswith("cast_"):
        return "view"
    if isinstance(node.op, (Subtensor, Reshape)) or node.op.name in (
        "fill",
        *SAME_VALUES,
    ):
        return "view"
    if type(node.op).__module__.startswith("symseq.random"):
        return "random"
    return "op"


def op_label(node: Apply, args: list[Term | None]) -> tuple[str, bool]:
    """The text of a node over holes for its edges, and whether it is one sign."""
    if isinstance(node.op, Reshape) or node.op.name in SAME_VALUES:
        return node.op.name, False
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
