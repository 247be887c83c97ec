"""The text of Python functions with all that they refer to: for files without symseq.

A function is written with the functions, classes and numbers of its module that it
names, and theirs. An op's NumPy meaning becomes a small class with the op's parameters.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from symseq.errors import UsageError

PLAIN = (bool, int, float, str, type(None), np.generic, np.ndarray, np.dtype)


class NoTextError(UsageError):
    """A function has no text that runs with NumPy alone."""


class Bundle:
    """Texts under construction, each name once, definitions before their users."""

    def __init__(self) -> None:
        self.known: dict[str, object] = {}
        self.imports: dict[str, str] = {}  # lines, by the name they define
        self.texts: list[str] = []

    def function(self, function: Callable[..., Any]) -> str:
        """Enter a function (or class); its name in the text.

        Raises: NoTextError where it refers to what NumPy and Python have not.
        """
        self._refer(function.__name__, function)
        return function.__name__

    def meaning(self, op: Any, name: str) -> str:
        """Enter an op's `numpy` as a method of a class; the text that calls it."""
        members = dict(self._members(op, "numpy"))
        lines = [f"class {name}:", f'    """{op}"""']
        for member, text in members.items():
            lines += ["", textwrap.indent(text, "    ")] if "\n" in text else [
                f"    {member} = {text}"
            ]  # fmt: skip
        self._define(name, op, "\n".join(lines))
        return f"{name}().numpy"

    def text(self) -> str:
        """All of it: imports, then definitions."""
        lines = sorted(set(self.imports.values()))
        return "\n".join(lines) + "\n\n\n" + "\n\n\n".join(self.texts)

    # -- what an op's meaning uses of the op ----------------------------------------

    def _members(self, op: Any, first: str) -> Iterator[tuple[str, str]]:
        """The methods and parameters that a method reads of `self`, and theirs."""
        waiting, seen = [first], set()
        while waiting:
            member = waiting.pop()
            if member in seen:
                continue
            seen.add(member)
            found = inspect.getattr_static(type(op), member, None)
            inner = found.fget if isinstance(found, property) else found
            if isinstance(inner, staticmethod):
                inner = inner.__func__
            if isinstance(inner, FunctionType):
                text = _source(inner)
                self._refer_all(text, inner)
                waiting += _read_of_self(text)
                yield member, text
            else:
                yield member, self._value(member, getattr(op, member, None))

    # -- what a text names ----------------------------------------------------------

    def _refer_all(self, text: str, function: FunctionType) -> None:
        table = function.__globals__
        for name in _names(text):
            if name in table and name != function.__name__:
                self._refer(name, table[name])

    def _refer(self, name: str, value: object) -> None:
        """See that `name` means `value` in the text."""
        if name in self.known:
            if self.known[name] is not value:
                raise NoTextError(f"two things are called {name!r} in the texts")
            return
        if isinstance(value, ModuleType):
            self._import(name, value, f"import {value.__name__}", value.__name__)
            return
        module = getattr(value, "__module__", None) or ""
        if isinstance(value, (FunctionType, type)) and module.startswith("symseq"):
            self._enter(name, value)
        elif isinstance(value, (*PLAIN, tuple, dict, set)):
            self._define(name, value, f"{name} = {self._value(name, value)}")
        elif module and (own := str(getattr(value, "__name__", ""))):
            self._import(name, value, f"from {module} import {own}", own)
        else:
            raise NoTextError(f"{name!r} is no function or number: {value!r}")

    def _enter(self, name: str, value: Any) -> None:
        if isinstance(value, type) and issubclass(value, Exception):
            base = next(b for b in value.__mro__ if b.__module__ == "builtins")
            text = f'class {name}({base.__name__}):\n    """{_first_line(value)}"""'
            self._define(name, value, text)
            return
        self.known[name] = value  # it may name itself
        text = _source(value)
        table = vars(sys.modules[value.__module__])
        for used in _names(text):
            if used in table and used != name:
                self._refer(used, table[used])
        if value.__name__ != name:
            text += f"\n\n\n{name} = {value.__name__}"
        self.texts.append(text)

    def _import(self, name: str, value: object, line: str, own: str) -> None:
        module = getattr(value, "__module__", None) or getattr(value, "__name__", "")
        if str(module).split(".")[0] == "symseq":
            raise NoTextError(f"{name!r} is a module of symseq")
        self.known[name] = value
        self.imports[name] = line if own == name else f"{line} as {name}"

    def _define(self, name: str, value: object, text: str) -> None:
        self.known[name] = value
        self.texts.append(text)

    def _value(self, name: str, value: object) -> str:
        """A number, a text, an array or a collection of such, as Python writes it."""
        if isinstance(value, (np.generic, np.ndarray)):
            self._refer("np", np)
            return f'np.array({value.tolist()!r}, "{value.dtype}")[()]'
        if isinstance(value, np.dtype):
            self._refer("np", np)
            return f'np.dtype("{value}")'
        if isinstance(value, (tuple, set)):
            inner = ", ".join(self._value(name, item) for item in value)
            return f"({inner},)" if isinstance(value, tuple) else f"{{{inner}}}"
        if isinstance(value, dict):
            pairs = (
                f"{self._value(name, k)}: {self._value(name, v)}"
                for k, v in value.items()
            )
            return f"{{{', '.join(pairs)}}}"
        if isinstance(value, FunctionType):
            self._refer(value.__name__, value)
            return value.__name__
        if is_dataclass(value) and not isinstance(value, type):
            kind = type(value)
            self._refer(kind.__name__, kind)
            parts = (
                f"{one.name}={self._value(one.name, getattr(value, one.name))}"
                for one in fields(value)
            )
            return f"{kind.__name__}({', '.join(parts)})"
        if not isinstance(value, PLAIN):
            raise NoTextError(f"{name!r} is no function or number: {value!r}")
        return repr(value)


def _first_line(value: object) -> str:
    return (inspect.getdoc(value) or "").splitlines()[0].replace('"', "'")


def _source(value: Any) -> str:
    """The text of a function or class as it stands in its file."""
    try:
        return textwrap.dedent(inspect.getsource(value)).rstrip()
    except (OSError, TypeError):
        raise NoTextError(f"the text of {value.__name__!r} is not to be had") from None


def _names(text: str) -> list[str]:
    """The names that a text reads, annotations aside, each once."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            for arg in ast.walk(node.args):
                if isinstance(arg, ast.arg):
                    arg.annotation = None
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    found = (n.id for n in ast.walk(tree) if isinstance(n, ast.Name))
    return list(dict.fromkeys(found))


def _read_of_self(text: str) -> list[str]:
    """The attributes of `self` that a method reads."""
    return [
        node.attr
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    ]
