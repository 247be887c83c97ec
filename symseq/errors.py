"""Errors that say the rule, both values, the operands' and the user's lines, a hint."""

from dataclasses import dataclass
from typing import Self

from symseq.span import UNKNOWN, Span, here


@dataclass(frozen=True, slots=True)
class Operand:
    """One input of the failing step: its name, its type, the line that made it."""

    name: str
    type: str
    span: Span | None


class SymseqError(Exception):
    """Base of all errors of symseq.

    ``rule`` is one sentence with the rule and the values that broke it.
    """

    def __init__(self, rule: str, *, hint: str = "") -> None:
        super().__init__(rule)
        self.rule = rule
        self.hint = hint
        self.operands: tuple[Operand, ...] = ()
        self.span: Span | None = None
        self.raised = here()  # shown where no step knows a better line

    def at(self, span: Span | None, operands: tuple[Operand, ...] = ()) -> Self:
        """Add the user's line and the operands, unless an inner step added its own."""
        if self.span is None:
            self.span, self.operands = span, operands
        return self

    def __str__(self) -> str:
        rows = [(operand.name, operand.type, operand.span) for operand in self.operands]
        line = self.span or self.raised
        if line is not UNKNOWN:
            rows.append(("at", "", line))
        return "\n".join([self.rule, *_table(rows), *self._hint_line()])

    def _hint_line(self) -> list[str]:
        return [f"  hint: {self.hint}"] if self.hint else []


def _table(rows: list[tuple[str, str, Span | None]]) -> list[str]:
    left = [f"{name} : {kind}" if kind else name for name, kind, _ in rows]
    places = [str(span) if span else "" for *_, span in rows]
    wide, wider = max(map(len, left), default=0), max(map(len, places), default=0)
    return [
        f"  {a:{wide}}  {b:{wider}}  {span.text if span else ''}".rstrip()
        for a, b, (*_, span) in zip(left, places, rows, strict=True)
    ]


class ShapeError(SymseqError, ValueError):
    """Ranks or lengths do not fit."""


class DTypeError(SymseqError, TypeError):
    """A dtype is unknown, or does not fit."""


class UsageError(SymseqError, ValueError):
    """A call that breaks a rule of the interface."""


class BadIndexError(SymseqError, IndexError):
    """An index out of bounds, or of a kind that cannot index."""


class NoLengthError(UsageError, TypeError):
    """len() of a symbolic variable; a TypeError, so that list(x) iterates."""


class NoItemAssignmentError(UsageError, TypeError):
    """x[key] = value on a symbolic variable; a TypeError, as Python has it."""


class MissingInputError(UsageError):
    """A graph reads a variable that is not among the function's inputs."""


class UnusedInputError(UsageError):
    """An input of a function that no output reads."""


class DisconnectedInputError(UsageError):
    """A gradient with respect to a variable that the cost does not read."""


class NullTypeGradError(UsageError):
    """A gradient is asked for through an operation that has none."""


class NotBatchableError(UsageError):
    """An operation without a batching rule was given a leading axis."""


class TargetError(UsageError):
    """An unknown target, or one whose library is missing."""


class CheckpointError(SymseqError, ValueError):
    """A file of saved parameters that is damaged or does not fit."""


class NanGuardError(SymseqError, ArithmeticError):
    """``nan_guard`` met a NaN, an infinity or a huge value."""


class InternalError(SymseqError, RuntimeError):
    """A fault of symseq itself: a rewrite that breaks its own rules."""


class ReentryError(SymseqError, RuntimeError):
    """A compiled function was called while it runs."""
