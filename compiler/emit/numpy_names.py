"""The names in the text of a plan: of functions, prepared numbers and called ops."""

from __future__ import annotations

from symseq.graph import Apply

from ..program import Loop, Program, walk


class Names:
    """What the text of one Program calls and counts with, each under a name of its own.

    ``ops`` are called by their NumPy meaning; those in ``checked`` check the lengths
    that they are given. ``helpers`` are functions of symseq's runtime.
    """

    def __init__(self, program: Program) -> None:
        self.taken = {value.name for value in program.values}
        steps = (*walk(program.steps), *walk(program.updates))
        self.taken.update(step.name for step in steps if isinstance(step, Loop))
        self.imports: set[str] = set()
        self.numbers: dict[tuple[str, str], str] = {}  # by text and dtype
        self.helpers: dict[str, str] = {}  # names in the text, by those in `op`
        self.ops: dict[str, Apply] = {}
        self.checked: set[str] = set()

    def free(self, name: str) -> str:
        """`name`, or with an underscore behind it, in which no value's name ends."""
        return f"{name}_" if name in self.taken else name

    def call(self, name: str) -> str:
        """A NumPy function that the text needs."""
        self.imports.add(name)
        return name

    def helper(self, name: str) -> str:
        """A function of symseq's runtime that the text needs: its name there."""
        return self.helpers.setdefault(name, self.free(name))

    def number(self, value: float | int | bool, dtype: str) -> str:
        """A number of a recipe as a prepared array, by a name of its own."""
        text = repr(value)
        clean = text.replace("-", "m").replace(".", "_").replace("+", "")
        name = f"n_{clean}" if dtype == "float32" else f"n_{clean}_{dtype}"
        return self.numbers.setdefault((text, dtype), self.free(name))

    def op(self, node: Apply, checked: bool = False) -> str:
        """The name under which the source calls the op's NumPy meaning."""
        for name, known in self.ops.items():
            same = known is node if checked else known.op == node.op
            if same and (name in self.checked) == checked:
                return name
        clean = "".join(c if c.isalnum() else "_" for c in node.op.name)
        name = self.free(f"op_{clean}_{len(self.ops)}")
        self.ops[name] = node
        if checked:
            self.checked.add(name)
        return name

    def fetches(self) -> list[str]:
        """The lines with which `bind` gets the numbers, helpers and ops."""
        numbers = [
            f'{name} = {self.call("array")}({text}, "{dtype}")'
            for (text, dtype), name in self.numbers.items()
        ]
        called = self.helpers | {name: name for name in self.ops}
        return [*numbers, *(f'{name} = op["{key}"]' for key, name in called.items())]

    def import_line(self) -> str:
        """from numpy import ..., where the text calls NumPy at all."""
        names = ", ".join(sorted(self.imports))
        return f"from numpy import {names}\n\n" if names else ""
