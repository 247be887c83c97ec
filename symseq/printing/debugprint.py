"""A graph as a tree of lines, with ids for what is read more than once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TextIO

from symseq.graph import Apply, Constant, SharedVariable, Variable, known_length
from symseq.printing.inside import Inside, Port, Result, insides, variables_of


@dataclass(frozen=True, slots=True)
class Item:
    """A line to come: a variable in its role, or a body under its node."""

    what: Variable | Inside
    role: str = ""


@dataclass
class Tree:
    """Writes the lines; ids go by node, so that outputs of one node share theirs."""

    types: bool
    places: bool
    ids: dict[int, str] = field(default_factory=dict)
    expanded: set[int] = field(default_factory=set)
    ports: dict[int, str] = field(default_factory=dict)

    def lines(self, roots: list[Variable]) -> Iterator[str]:
        """Depth first over a stack: a graph of any depth is fine."""
        stack = [(Item(root), "", "") for root in reversed(roots)]
        while stack:
            item, lead, below = stack.pop()
            yield lead + self.text(item)
            items = self.under(item)
            ends = [("├─ ", "│  ")] * (len(items) - 1) + [("└─ ", "   ")]
            for child, (tick, bar) in reversed(list(zip(items, ends, strict=False))):
                stack.append((child, below + tick, below + bar))

    def under(self, item: Item) -> list[Item]:
        """What hangs below a line: a node's inputs and bodies, the first time."""
        if isinstance(item.what, Inside):
            return [Item(r.inner, result_role(r)) for r in item.what.results]
        node = item.what.owner
        if node is None or id(item.what) in self.ports or id(node) in self.expanded:
            return []
        self.expanded.add(id(node))
        bodies = insides(node)
        for body in bodies:
            self.ports.update({id(port.inner): self.role(port) for port in body.ports})
        roles = input_roles(node, bodies)
        inputs = [Item(v, role) for v, role in zip(node.inputs, roles, strict=True)]
        return inputs + [Item(body) for body in bodies]

    def text(self, item: Item) -> str:
        if isinstance(item.what, Inside):
            steps = " at each step t" if item.what.trips is not None else ""
            return f"body of {item.what.title}{steps}"
        variable = item.what
        parts = [f"{item.role}:"] if item.role else []
        seen = id(variable.owner) in self.expanded and variable.owner is not None
        parts += [self.label(variable), f"[id {self.identify(variable)}]"]
        if self.types:
            parts.append(f"<{variable.type}>")
        if variable.owner is not None and variable.name:
            parts.append(repr(variable.name))
        if node_length(variable):
            parts.append(f"= {variable.held}")
        if id(variable) in self.ports:
            parts.append(f"({self.ports[id(variable)]})")
        if self.places and not isinstance(variable, Constant) and not seen:
            parts.append(f"  # {variable.span}  {variable.span.text}".rstrip())
        return " ".join([*parts, "···"] if seen else parts)

    def label(self, variable: Variable) -> str:
        node = variable.owner
        if node is not None and id(variable) not in self.ports:
            many = len(node.outputs) > 1
            return f"{node.op}.{variable.index}" if many else str(node.op)
        if isinstance(variable, Constant):
            return f"{variable.label}"
        kind = " (shared)" if isinstance(variable, SharedVariable) else ""
        return (variable.name or "input") + kind

    def role(self, port: Port) -> str:
        """What a body's input reads: 'sequence x[t]', 'state 0, t-1', 'constant W'."""
        if port.role == "state":
            return f"state {port.state}, t{port.tap}"
        if port.outer is None:
            return port.role
        name = port.outer.name or f"[id {self.identify(port.outer)}]"
        return f"{port.role} {name}" + ("[t]" if port.role == "sequence" else "")

    def identify(self, variable: Variable) -> str:
        key = id(variable.owner if variable.owner is not None else variable)
        return self.ids.setdefault(key, letters(len(self.ids)))


def letters(number: int) -> str:
    """0 → A, 25 → Z, 26 → AA, ..."""
    text = ""
    while number >= 0:
        number, letter = divmod(number, 26)
        text = chr(ord("A") + letter) + text
        number -= 1
    return text


def input_roles(node: Apply, bodies: tuple[Inside, ...]) -> list[str]:
    """What each input of a loop is for; nothing for a plain op."""
    if not bodies or bodies[0].trips is None:
        return [""] * len(node.inputs)
    # One initial value serves several taps.
    roles: dict[tuple[str, int], str] = {}
    for position, port in enumerate(bodies[0].ports):
        key = ("state", port.state) if port.role == "state" else (port.role, position)
        roles.setdefault(key, "initial" if port.role == "state" else port.role)
    found = ["n_steps", *roles.values()]
    return found + [""] * (len(node.inputs) - len(found))


def node_length(variable: Variable) -> bool:
    """Whether this is a computed scalar that is known to hold a length."""
    return variable.owner is not None and known_length(variable) is not None


def result_role(result: Result) -> str:
    return f"state {result.state}, t" if result.role == "state" else result.role


def debugprint(
    what: object,
    print_type: bool = False,
    file: TextIO | Literal["str"] | None = None,
    *,
    print_lines: bool = False,
) -> str | None:
    """Print a graph as a tree; what came before is a line with its id and '···'.

    Args:
        what: a variable, several, or an object with ``outputs``.
        print_type: also each variable's type, with its named lengths.
        file: where to print (standard output); "str" returns the text instead.
        print_lines: also the user's line that made each node.
    """
    tree = Tree(print_type, print_lines)
    text = "\n".join(tree.lines(variables_of(what)))
    if file == "str":
        return text
    print(text, file=sys.stdout if file is None else file)
    return None
