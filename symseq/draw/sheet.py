"""What a scene is made of while it is made."""

from __future__ import annotations

from dataclasses import dataclass, field

from symseq.draw.labels import clean, inline, line_of, source
from symseq.draw.scene import Edge, Frame, Node
from symseq.errors import UsageError
from symseq.graph import Constant, SharedVariable, Variable
from symseq.printing.formula import Term
from symseq.printing.pprint import constant_term
from symseq.span import Group


@dataclass
class Sheet:
    """What all bodies share: what was made so far, and where each variable is drawn."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    frames: dict[str, Frame] = field(default_factory=dict)
    groups: dict[tuple[str, bool, tuple[Group, ...]], str] = field(default_factory=dict)
    leaves: int = 0
    # By a variable's id: its drawn node, a loop's name for it, its text in place.
    places: dict[int, str] = field(default_factory=dict)
    called: dict[int, str] = field(default_factory=dict)
    texts: dict[int, Term] = field(default_factory=dict)

    def add(self, node: Node) -> str:
        self.nodes.append(node)
        return node.key

    def leaf(self, variable: Variable, frame: str) -> str:
        """Draws an input, a parameter or a constant; its key."""
        key, name = f"v{self.leaves}", clean(variable.name or "")
        self.leaves += 1
        kind, label = "input", name or "input"
        text = inline(variable)
        if isinstance(variable, SharedVariable):
            kind, label = "shared", name or "shared"
        elif isinstance(variable, Constant):
            kind, label = "constant", name or constant_term(variable).text
        elif text is not None:
            kind, label = "constant", text.text
        return self.add(Node(key, kind, label, line_of(variable), frame, variable))

    def place(self, variable: Variable) -> str:
        """The key of the node that shows a variable.

        Raises: UsageError where none does.
        """
        key = self.places.get(id(source(variable)))
        if key is None:
            raise UsageError(f"{variable.label} is not in the picture")
        return key
