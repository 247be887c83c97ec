"""The equations of a loop's step, as a textbook prints them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from symseq.errors import UsageError
from symseq.ops.softmax import Normalized
from symseq.printing.formula import ATOM, BINDING, UNARY, Term, call, term_of
from symseq.printing.quantity import Quantity, cut_text, walk
from symseq.printing.step import Line, Step, steps_of
from symseq.scan.op import Scan

SUM, TIMES, PRODUCT = BINDING["+"], BINDING["*"], UNARY
MINUS = "−"
FORMS = ("text", "latex")


def equations(what: object, *, form: str = "text") -> str:
    """The equations of each scan that `what` needs, one line per named or shared value.

    Joined kernels are written as their blocks, `W_i` for the columns of W that only i
    reads, and explained in a last line. Names are the user's: of the variables, of the
    outputs, and where a line of the step assigns one value, of that line.

    >>> import symseq as ss
    >>> import symseq.tensor as T
    >>> W, U = ss.shared([[0.5]], name="W"), ss.shared([[1.0]], name="U")
    >>> def step(x, h):
    ...     return T.tanh(x @ W + h @ U)
    >>> x, h0 = T.tensor3("x"), T.matrix("h0")
    >>> h, _ = ss.scan(step, x, h0)
    >>> print(equations(h))
    h(t) = tanh(x(t) W + h(t−1) U)
    >>> print(equations(h, form="latex"))
    h(t) &= \\tanh(x(t)\\, W + h(t-1)\\, U)

    Args:
        what: a variable, several, or an object with ``outputs``.
        form: "text", or "latex": rows for an ``align`` environment.
    Raises: UsageError where no scan is needed, or for another form.
    """
    if form not in FORMS:
        raise UsageError(f'form must be "text" or "latex"; got {form!r}')
    steps = steps_of(what)
    blocks = []
    for step in steps:
        lines = lines_of(step)
        if len(steps) > 1 and form == "text":
            lines = [f"{step.title}:", *("  " + line for line in lines)]
        blocks.append(lines)
    if form == "text":
        return "\n\n".join("\n".join(lines) for lines in blocks)
    return " \\\\\n".join(latex(line) for lines in blocks for line in lines)


def lines_of(step: Step) -> list[str]:
    """The lines of one step, then what the blocks of its kernels are."""
    terms = write_terms(step)
    lines = []
    for line in step.lines:
        right = terms[id(line.quantity)].text
        if line.result == "until":
            lines.append(f"until {right}")
        else:
            lines.append(f"{called(line)} = {right}")
    return lines + [f"{base} = [{' '.join(parts)}]" for base, parts in step.kernels]


def called(line: Line) -> str:
    return f"{line.name}(t)" if line.moving else line.name


def time_text(time: int) -> str:
    """t, t−1, t+2."""
    return "t" + (f"{MINUS}{-time}" if time < 0 else f"+{time}" if time else "")


def symbol_text(q: Quantity) -> str:
    """x(t), W_i, b[H:2H], 0.5."""
    text = q.text
    if q.suffix:
        text += f"_{q.suffix}"
    elif q.cut is not None:
        text += cut_text(q.cut, q.rank)
    return text if q.time is None else f"{text}({time_text(q.time)})"


def write_terms(step: Step) -> dict[int, Term]:
    """The formula of every quantity, by its id; those with a line are read by name."""
    bound = step.bound()
    terms: dict[int, Term] = {}

    def read(q: Quantity) -> Term:
        line = bound.get(id(q))
        return terms[id(q)] if line is None else Term(called(line))

    for q in walk([line.quantity for line in step.lines]):
        terms[id(q)] = _term(q, [read(part) for part in q.parts])
    return terms


def _term(q: Quantity, parts: Sequence[Term]) -> Term:
    if q.is_symbol:
        text = symbol_text(q)
        return Term(text, UNARY if text.startswith("-") else ATOM)
    if q.kind == "sum":
        return _sum(q, parts)
    if q.kind == "product":
        return Term(f"{parts[0].within(PRODUCT)} {parts[1].within(ATOM)}", PRODUCT)
    if q.kind == "hadamard":
        arrays = sum(part.rank > 0 for part in q.parts)
        sign = " ⊙ " if arrays > 1 else " · "
        return Term(sign.join(part.within(PRODUCT) for part in parts), TIMES)
    if q.kind == "concat":
        return Term(f"[{'; '.join(part.text for part in parts)}]")
    if q.node is None:
        return Term(parts[0].within(ATOM) + q.text)
    if isinstance(q.node.op, (Normalized, Scan)) or q.text == "σ":
        made = call(q.text, [part.text for part in parts])
    else:
        made = term_of(q.node, parts)
    if len(q.node.outputs) == 1:
        return made
    return Term(f"{made.within(ATOM)}[{q.index}]")


def _sum(q: Quantity, parts: Sequence[Term]) -> Term:
    text = ""
    for part, minus in zip(parts, q.signs, strict=True):
        shown = part.within(SUM + (minus and bool(text)))
        if text:
            text += f" {MINUS if minus else '+'} {shown}"
        else:
            text = f"{MINUS}{part.within(PRODUCT)}" if minus else shown
    return Term(text, UNARY if len(parts) == 1 else SUM)


# LaTeX.
_TOKEN = re.compile(r"[^\W\d_][^\W_]*(?:_\w+)?[′]*|\S|\s+")
_COMMANDS = {
    "σ": r"\sigma", "⊙": r"\odot", "·": r"\cdot", "−": "-", "*": r"\cdot",
    "…": r"\dots", "tanh": r"\tanh", "exp": r"\exp", "log": r"\log", "&": r"\&",
    "max": r"\max", "min": r"\min", "%": r"\%", "#": r"\#", "$": r"\$", "~": r"\sim",
    "{": r"\{", "}": r"\}", "\\": r"\backslash",
}  # fmt: skip


def latex(line: str) -> str:
    """A line of text as a row of an ``align`` environment."""
    left, equals, right = line.partition(" = ")
    if not equals:
        return _row(left)
    return f"{_row(left)} &= {_row(right)}"


def _row(text: str) -> str:
    made: list[str] = []
    tokens = _TOKEN.findall(text)
    for k, token in enumerate(tokens):
        if not token.isspace():
            made.append(_COMMANDS.get(token) or _word(token))
            continue
        beside = (tokens[k - 1 : k] + tokens[k + 1 : k + 2]) if k else []
        operands = len(beside) == 2 and all(_is_operand(one) for one in beside)
        made.append(r"\, " if operands else " ")
    return "".join(made)


def _is_operand(token: str) -> bool:
    return (token[0].isalnum() and token not in _COMMANDS) or token in "()[]"


def _word(token: str) -> str:
    """W_i → W_{i}; names of several letters upright."""
    stem = token.rstrip("′")
    primes = "'" * (len(token) - len(stem))
    base, _, low = stem.partition("_")
    shown = rf"\mathrm{{{base}}}" if len(base) > 1 and base.isalpha() else base
    low = low.replace("_", r"\_")
    low = rf"\mathrm{{{low}}}" if len(low) > 1 and low.isalpha() else low
    return shown + (f"_{{{low}}}" if low else "") + primes
