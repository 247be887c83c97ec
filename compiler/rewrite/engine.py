"""Rewriting: rebuild a graph in order, interning equal nodes, applying local rules.

Graphs inside nodes (loops, branches) are rewritten to the end before the node itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from symseq import lengths
from symseq.errors import InternalError, SymseqError
from symseq.graph import Apply, BodyOp, Constant, Op, Variable
from symseq.span import Origin, deriving
from symseq.traverse import remember, sort_nodes

from .rules import Replacement, Rule, RuleSet
from .unsure_lengths import compares_lengths

__all__ = ["Replacement", "Rule", "RuleSet", "rewrite"]
MOST_SPANS = 4
MOST_COMPARED = 1 << 16  # elements: larger constants are equal only to themselves
MOST_CHAINED, MOST_FIRINGS = 64, 64  # for rules that undo each other
MOST_SWEEPS = 12

# The graphs inside nodes at which no rule fires any more, by id and kept alive.
Settled = dict[int, object]


class Rewriter:
    """One sweep over a graph: old variables to new ones, equal nodes made one."""

    def __init__(self, rules: RuleSet, bodies: Settled | None = None) -> None:
        self.rules = rules
        self.bodies: Settled = {} if bodies is None else bodies
        self.new: dict[int, Variable] = {}
        self.interned: dict[object, Variable | Apply] = {}
        self.alive: list[Variable] = []  # keeps ids of interned variables unique
        self.settled: set[int] = set()  # ids of interned nodes' outputs
        self.reads: Counter[int] = Counter()  # of old variables and of what they became
        self.depth = 0  # of rules that fire at what rules have made
        self.firings, self.most = 0, 0
        # A rule would have fired had nobody else read the input: later perhaps.
        self.waiting = False
        self.changed = False

    def sweep(self, outputs: Sequence[Variable]) -> list[Variable]:
        """The rewritten outputs; the old ones where nothing changed."""
        nodes = sort_nodes(outputs)
        self.reads.update(id(v) for node in nodes for v in node.inputs)
        self.reads.update(map(id, outputs))
        self.most = MOST_FIRINGS * (1 + len(nodes))
        for node in nodes:
            self._visit(node)
        return [self._leaf(v) for v in outputs]

    def _leaf(self, variable: Variable) -> Variable:
        found = self.new.get(id(variable))
        if found is not None:
            return found
        if isinstance(variable, Constant) and variable.data.size <= MOST_COMPARED:
            data = variable.data
            key = ("constant", data.dtype.str, data.shape, data.tobytes())
            interned = self.interned.setdefault(key, variable)
            assert isinstance(interned, Variable)
            self.new[id(variable)] = interned
            self.alive += [variable, interned]
            return interned
        return variable

    def _visit(self, node: Apply) -> None:
        inputs = [self._leaf(v) for v in node.inputs]
        op = self._inside(node.op)
        results = self._apply(self._intern(node, op, inputs))
        for old, made in zip(node.outputs, results, strict=True):
            self.new[id(old)] = made
            if made is not old:
                self.changed = True
                self.reads[id(made)] += self.reads[id(old)]
                if old.name is not None and made.name is None:
                    made.name = old.name

    def _inside(self, op: Op) -> Op:
        """The op with its bodies rewritten: a loop's step, an ifelse's branches."""
        if not isinstance(op, BodyOp):
            return op
        old = [outputs for _, outputs in op.bodies()]
        if all(id(outputs) in self.bodies for outputs in old):
            return op
        new = [rewrite(outputs, self.rules, self.bodies) for outputs in old]
        if any(list(a) != b for a, b in zip(old, new, strict=True)):
            op = op.with_bodies(new)
            assert isinstance(op, BodyOp)
        for _, outputs in op.bodies():
            self.bodies[id(outputs)] = outputs
        return op

    def _intern(self, node: Apply, op: Op, inputs: list[Variable]) -> Apply:
        key = (op, *map(id, inputs))
        known = self.interned.get(key)
        if known is not None:
            assert isinstance(known, Apply)
            if known is not node and len(known.spans) < MOST_SPANS:
                known.spans = tuple(dict.fromkeys((*known.spans, *node.spans)))
            return known
        if op is not node.op or any(
            a is not b for a, b in zip(inputs, node.inputs, strict=True)
        ):
            try:
                made = op.make_node(inputs, Origin(node.spans, node.kind))
            except (
                SymseqError
            ):  # as is known now; the call will raise, if it comes here
                made = node
            for old, new in zip(node.outputs, made.outputs, strict=True):
                remember(old, new)
            node = made
        self.interned[key] = node
        self.alive += [*inputs, *node.outputs]
        self.settled.update(id(v) for v in node.outputs)
        return node

    def _apply(self, node: Apply) -> Sequence[Variable]:
        """What stands for the node's outputs once no rule fires any more."""
        replaced = self._fire(node) if self.depth < MOST_CHAINED else None
        if replaced is None:
            return node.outputs
        self.depth += 1
        made = [self._adopt(v) for v in replaced]
        self.depth -= 1
        return made

    def _fire(self, node: Apply) -> Sequence[Variable] | None:
        """What a rule puts in the place of the node's outputs; None: all decline."""
        if node in self.rules.settled or self.firings > self.most:
            return None
        if compares_lengths(node):
            self.rules.settled.add(node)
            return None
        with deriving(node.spans, node.kind):
            rule, found = self._first(node)
        if rule is None or found is None:
            return None
        answer = [found] if isinstance(found, Variable) else list(found)
        check_types(rule, node, answer)
        for old, new in zip(node.outputs, answer, strict=True):
            if new.owner is not None and id(new) not in self.settled:
                remember(old, new)
        return answer

    def _first(self, node: Apply) -> tuple[Rule | None, Replacement]:
        """The first rule that fires, and its answer."""
        waiting = False
        for rule in self.rules.of(node.op):
            found = rule(node)
            if found is None:
                continue
            if rule not in self.rules.sole or self.reads[id(node.inputs[0])] == 1:
                self.firings += 1
                return rule, found
            waiting = True
        if waiting:
            self.waiting = True
        else:
            self.rules.settled.add(node)
        return None, None

    def _adopt(self, variable: Variable) -> Variable:
        """Intern the nodes that a rule has made above known ones, and rewrite them."""
        for node in self._unsettled(variable):
            inputs = [self._leaf(v) for v in node.inputs]
            results = self._apply(self._intern(node, node.op, inputs))
            for old, made in zip(node.outputs, results, strict=True):
                self.new[id(old)] = made
                self.alive.append(old)
        return self._leaf(variable)

    def _unsettled(self, variable: Variable) -> list[Apply]:
        """The nodes above interned ones that `variable` needs, in order."""
        ordered: list[Apply] = []
        seen: set[int] = set()
        stack = [(variable, False)]
        while stack:
            v, expanded = stack.pop()
            if v.owner is None or id(v) in self.settled or id(v) in self.new:
                continue
            if expanded:
                ordered.append(v.owner)
            elif id(v.owner) not in seen:
                seen.add(id(v.owner))
                stack.append((v, True))
                stack += [(x, False) for x in v.owner.inputs]
        return ordered


def check_types(rule: Rule, node: Apply, made: Sequence[Variable]) -> None:
    """A rule keeps dtype, rank, lengths, and what broadcasts.

    Raises: InternalError where it does not.
    """
    if len(made) != len(node.outputs):
        raise InternalError(
            f"rule {rule.__name__} made {len(made)} values of {len(node.outputs)} "
            f"at {node}"
        ).at(node.spans[0])
    for old, new in zip(node.outputs, made, strict=True):
        fits = (old.dtype, old.ndim) == (new.dtype, new.ndim) and not any(
            lengths.differ(a, b)
            for a, b in zip(old.type.shape, new.type.shape, strict=True)
        )
        if not fits:
            raise InternalError(
                f"rule {rule.__name__} changed {old.type} into {new.type} at {node}"
            ).at(node.spans[0])


def rewrite(
    outputs: Sequence[Variable], rules: RuleSet, bodies: Settled | None = None
) -> list[Variable]:
    """Apply rules until none fires; the same variables where none ever did.

    One sweep is enough, but for rules that wait until nobody else reads an input.

    `bodies`: the graphs inside nodes that are known to be settled under these rules.
    """
    current, bodies = list(outputs), {} if bodies is None else bodies
    for _ in range(MOST_SWEEPS):
        rewriter = Rewriter(rules, bodies)
        current = rewriter.sweep(current)
        if not (rewriter.changed and rewriter.waiting):
            break
    return current
