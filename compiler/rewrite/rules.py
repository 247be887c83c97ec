"""Rules: small functions from a node to what replaces its outputs, kept in sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from weakref import WeakSet

from symseq.graph import Apply, Op, Variable

# What stands for a node's outputs, or None where a rule declines.
Replacement = Variable | Sequence[Variable] | None
Rule = Callable[[Apply], Replacement]


class RuleSet:
    """Rules by the kind of op that they look at: a class, or one elementwise op.

    The first line of a rule's docstring is its equation: `equations` lists them.
    """

    def __init__(self, *parts: RuleSet) -> None:
        self.by_op: dict[object, list[Rule]] = {}
        self.general: list[Rule] = []
        self.sole: set[Rule] = set()
        # Nodes at which every rule has declined. Nodes never change, nor does that.
        self.settled: WeakSet[Apply] = WeakSet()
        self._found: dict[object, tuple[Rule, ...]] = {}
        for part in parts:
            self.sole |= part.sole
            self.general += part.general
            for op, rules in part.by_op.items():
                self.by_op.setdefault(op, []).extend(rules)

    def rule(self, *ops: type[Op] | Op, sole: bool = False) -> Callable[[Rule], Rule]:
        """Declare a rule for nodes of these ops (none: for every node).

        ``sole``: only where nobody else reads the node's first input, so that what the
        rule takes apart is not computed all the same.
        """

        def enter(rule: Rule) -> Rule:
            if sole:
                self.sole.add(rule)
            if not ops:
                self.general.append(rule)
            for op in ops:
                self.by_op.setdefault(op, []).append(rule)
            self._found.clear()
            self.settled.clear()
            return rule

        return enter

    def of(self, op: Op) -> tuple[Rule, ...]:
        """The rules to try on a node of `op`, its own before the general ones."""
        kind = type(op)
        # Only an op that is compared by identity stands in the table itself.
        key: object = op if kind.__eq__ is object.__eq__ else kind
        found = self._found.get(key)
        if found is None:
            own = self.by_op.get(op, []) if key is op else []
            found = (*self.by_op.get(kind, ()), *own, *self.general)
            self._found[key] = found
        return found

    def __iter__(self) -> Iterator[Rule]:
        """Every rule once, in the order of declaration."""
        listed = [rule for rules in self.by_op.values() for rule in rules]
        return iter(dict.fromkeys([*listed, *self.general]))

    def equations(self) -> dict[str, str]:
        """The name of every rule, in words, with its equation."""
        return {
            rule.__name__.replace("_", " "): equation_of(rule)
            for rule in sorted(self, key=lambda rule: rule.__name__)
        }


def equation_of(rule: Callable[..., object]) -> str:
    """The first paragraph of a rule's docstring, on one line."""
    text = (rule.__doc__ or "").strip().split("\n\n")[0]
    return " ".join(text.split())
