"""FILE.py:NAME: the file is run, and what it calls NAME is found."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from symseq.draw.picture import called_with
from symseq.errors import SymseqError, UsageError
from symseq.graph import Variable

MODULE = "symseq_file"  # what the file sees as its __name__


class FileError(Exception):
    """The user's file failed; the message is its traceback, from its lines on."""


@dataclass(frozen=True)
class Loaded:
    """What NAME stands for, and all that its file made."""

    name: str
    value: object
    module: ModuleType

    def variable(self, name: str) -> Variable:
        """A variable of the file by its name. Raises: UsageError for another thing."""
        found = find(self.module, name)
        if not isinstance(found, Variable):
            raise UsageError(f"{name} must be a variable; it is {_kind(found)}")
        return found

    def called(self, inputs: Sequence[str] | None) -> object:
        """The value; with the names of inputs, what a model makes of them.

        Raises: UsageError where it is no model; FileError where it takes others.
        """
        if not inputs:
            return self.value
        given = [self.variable(name) for name in inputs]
        try:
            return called_with(self.value, given)
        except SymseqError:
            raise
        except TypeError as error:
            raise FileError(f"{self.name}({', '.join(inputs)}): {error}") from None


def load(what: str) -> Loaded:
    """What ``FILE.py:NAME`` names; of a function without arguments, what it returns.

    The file runs as with ``python FILE.py``, but for what is guarded by
    ``if __name__ == "__main__"``. NAME may have dots.

    Raises: UsageError where the file or the name is missing; FileError where the file
        or the function fails.
    """
    file, colon, name = what.rpartition(":")
    if not colon:
        file, name = what, ""
    path = Path(file)
    if not path.is_file():
        hint = "" if colon else "FILE.py:NAME is what a file calls NAME"
        raise UsageError(f"there is no file {file!r}", hint=hint)
    module = ModuleType(MODULE, None)
    _guarded(path, lambda: _run(path, module))
    if not name:
        raise UsageError(
            f"say what to take of {path.name}: FILE.py:NAME", hint=_names(module)
        )
    value = find(module, name)
    if inspect.isroutine(value):
        _check_callable(name, value)
        value = _guarded(path, value)
    return Loaded(name, value, module)


def find(module: ModuleType, name: str) -> object:
    """An attribute by a name that may have dots. Raises: UsageError."""
    found: object = module
    for part in name.split("."):
        if not hasattr(found, part):
            where = Path(str(module.__file__)).name if found is module else _kind(found)
            raise UsageError(f"{where} has no {part!r}", hint=_names(module))
        found = getattr(found, part)
    return found


def _run(path: Path, module: ModuleType) -> None:
    """Run a file as a module that classes and functions of it can look up."""
    module.__file__ = str(path)
    sys.modules[MODULE] = module
    sys.path.insert(0, str(path.resolve().parent))
    said, sys.argv = sys.argv, [str(path)]
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    finally:
        sys.argv = said


def _guarded(path: Path, run: object) -> object:
    """Call `run`; what goes wrong in the user's file is a FileError with its lines."""
    assert callable(run)
    try:
        return run()
    except KeyboardInterrupt:
        raise
    except SystemExit as error:
        raise FileError(f"{path} ended the program: exit({error.code})") from None
    except BaseException as error:
        raise FileError(_lines_of(error, str(path))) from None


def _lines_of(error: BaseException, file: str) -> str:
    """The traceback from the first line of `file` on; without one, the error alone."""
    tb = error.__traceback__
    while tb is not None and tb.tb_frame.f_code.co_filename != file:
        tb = tb.tb_next
    if tb is None or isinstance(error, SymseqError):  # these name the user's line
        shown = traceback.format_exception_only(error)
    else:
        shown = traceback.format_exception(type(error), error, tb, chain=False)
    return "".join(shown).rstrip()


def _check_callable(name: str, value: object) -> None:
    assert callable(value)
    try:
        parameters = inspect.signature(value).parameters.values()
    except ValueError:  # a function of C that does not tell
        return
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [
        p.name for p in parameters if p.default is p.empty and p.kind not in kinds
    ]
    if needed:
        raise UsageError(
            f"a function must take no arguments; {name} needs {', '.join(needed)}",
            hint="write one in the file that calls it and returns the graph",
        )


def _names(module: ModuleType) -> str:
    """What a file has that could be meant."""
    found = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and _may_be_meant(value)
    ]
    return f"it has {', '.join(found)}" if found else "it has nothing to show"


def _may_be_meant(value: object) -> bool:
    if inspect.isroutine(value):
        return getattr(value, "__module__", "") == MODULE
    parts = ("outputs", "variables", "parameters")
    shown = isinstance(value, Variable) or any(hasattr(value, part) for part in parts)
    return shown and not inspect.isclass(value) and not inspect.ismodule(value)


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"
