"""What the user calls each array: its name, what a line assigns, or its formula."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from symseq.draw.labels import inline, is_padding
from symseq.graph import Apply, Constant, Variable
from symseq.ops.reshape import Reshape
from symseq.ops.take import Take
from symseq.printing.formula import ATOM, Term, term_of
from symseq.printing.pprint import Names, constant_term

TARGET = re.compile(r"^([^\W\d]\w*)\s*(?::[^=]+)?[-+*/@]?=(?!=)")
# A formula longer than this is no name.
LONGEST = 22


@dataclass
class Called:
    """Names by id; each variable has one from the start, so that steps may cite it."""

    fresh: Names = field(default_factory=Names)
    found: dict[int, str] = field(default_factory=dict)
    assigned: dict[int, str] = field(default_factory=dict)
    lines: set[tuple[str, int]] = field(default_factory=set)  # that have named a result

    def enter(self, nodes: Sequence[Apply]) -> None:
        """Learn what each line of the user's code calls its result."""
        readers: dict[int, set[object]] = {}
        for node in nodes:
            for variable in node.inputs:
                readers.setdefault(id(variable), set()).add(_line(node))
        claims: dict[tuple[str, int], list[tuple[Variable, str]]] = {}
        for node in nodes:
            target = TARGET.match(node.spans[0].text)
            last = _line(node) not in readers.get(id(node.outputs[0]), set())
            plain = len(node.outputs) == 1 and inline(node.outputs[0]) is None
            plain = plain and not is_padding(node)
            if target and last and plain and not node.kind:
                found = (node.outputs[0], target[1])
                claims.setdefault(_line(node), []).append(found)
        for line, found_here in claims.items():
            # A line that ran in several places, or made several, names none of them.
            if line not in self.lines and len(found_here) == 1:
                self.assigned[id(found_here[0][0])] = found_here[0][1]
        self.lines |= claims.keys()

    def name(self, variable: Variable) -> str:
        """What to write at a variable's box."""
        found = self.found.get(id(variable))
        if found is None:
            found = self.found[id(variable)] = self._name(variable)
        return found

    def _name(self, variable: Variable) -> str:
        if variable.name:
            return variable.name
        if isinstance(variable, Constant):
            return constant_term(variable).text if variable.ndim == 0 else "constant"
        if id(variable) in self.assigned:
            return self.fresh.fresh(self.assigned[id(variable)])
        node = variable.owner
        if node is None:
            return self.fresh.fresh("input")
        text = self.formula(node)
        return text if text else self.fresh.numbered("t")

    def trial(self) -> Called:
        """A copy, for names that are not kept."""
        return Called(
            Names(set(self.fresh.taken)), dict(self.found), self.assigned, self.lines
        )

    def formula(self, node: Apply) -> str:
        """A short formula over the names of a node's inputs; '' where it is long."""
        if len(node.outputs) > 1 or len(node.inputs) > 3:
            return ""
        terms = []
        for x in node.inputs:
            known = inline(x) or Term(x.name or self.found.get(id(x), ""))
            if not known.text:
                return ""
            terms.append(known)
        text = self.short(node, terms)
        return text if len(text) <= LONGEST else ""

    def short(self, node: Apply, terms: Sequence[Term]) -> str:
        """The formula as the user would write it: table[ids], x.flatten()."""
        if isinstance(node.op, Take) and not node.op.axis:
            return f"{terms[0].within(ATOM)}[{terms[1].text}]"
        if isinstance(node.op, Reshape) and node.op.ndim == 1:
            return f"{terms[0].within(ATOM)}.flatten()"
        return term_of(node, terms).text


def _line(node: Apply) -> tuple[str, int]:
    return node.spans[0].file, node.spans[0].line
