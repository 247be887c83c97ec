"""What the commands have in common: their options, and how they fail."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import typer

from symseq.cli.load import FileError
from symseq.cost.given import Shapes
from symseq.errors import SymseqError, UsageError
from symseq.files import write_whole
from symseq.graph import Variable
from symseq.lengths import Dim

P = ParamSpec("P")
WRONG, FAILED = 2, 1  # exit codes: the command is wrong; the work failed

What = Annotated[
    str,
    typer.Argument(
        metavar="FILE.py:NAME",
        help="what the file calls NAME: a variable, several, a compiled function, a "
        "model, or a Python function without arguments that returns one",
    ),
]
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="NAME",
        help="a variable of the file that a model is called with; may be repeated",
    ),
]
Lengths = Annotated[
    list[str] | None,
    typer.Option(
        "--shape",
        metavar="T=50",
        help="a length by its name, or an input's shape (x=50x16); may be repeated",
    ),
]

Json = Annotated[Path | None, typer.Option("--json", help="write the figures there")]


def command(run: Callable[P, None]) -> Callable[P, None]:
    """A command whose errors are one message on stderr and an exit code."""

    @wraps(run)
    def reported(*args: P.args, **named: P.kwargs) -> None:
        try:
            run(*args, **named)
        except SymseqError as error:
            fail(_told(error), WRONG)
        except FileError as error:
            fail(str(error), FAILED)
        except OSError as error:
            where = f": {error.filename}" if error.filename else ""
            fail(f"error: {error.strerror or error}{where}", FAILED)

    return reported


def fail(message: str, code: int) -> None:
    print(message, file=sys.stderr)
    raise typer.Exit(code)


def _told(error: SymseqError) -> str:
    """The message; where it stands is told only of a line of the user's graph."""
    if error.span is not None:
        return f"error: {error}"
    hint = f"\n  hint: {error.hint}" if error.hint else ""
    return f"error: {error.rule}{hint}"


def shapes_of(texts: Sequence[str] | None) -> Shapes:
    """["T=50,B=16", "x=50x16"] → {"T": 50, "B": 16, "x": (50, 16)}.

    Raises: UsageError for what is no length and no shape.

    >>> shapes_of(["T=50,B=16", "x=50x16"])
    {'T': 50, 'B': 16, 'x': (50, 16)}
    """
    made: dict[Variable | Dim | str, int | Sequence[int]] = {}
    for text in [part for given in texts or () for part in given.split(",")]:
        name, _, lengths = text.strip().partition("=")
        sizes = lengths.split("x")
        if not name or not all(size.isdecimal() for size in sizes):
            raise UsageError(
                f"--shape takes NAME=LENGTH or NAME=LENGTHxLENGTH; got {text!r}",
                hint="--shape T=50 --shape x=50x16",
            )
        numbers = tuple(map(int, sizes))
        made[name] = numbers if len(numbers) > 1 else numbers[0]
    return made


def check_place(to: Path) -> Path:
    """`to`, whose folder must be there: known before a long work rather than after.

    Raises: UsageError where it is missing.
    """
    if not to.parent.is_dir():
        raise UsageError(f"there is no folder {str(to.parent)!r} to write {to.name} to")
    return to


def write_json(to: Path, data: object) -> None:
    write_whole(to, (json.dumps(data, indent=1) + "\n").encode())
