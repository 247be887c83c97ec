"""Rewriting: rebuild a graph in order, interning equal nodes, applying local rules.

A rule takes a node and returns what replaces its outputs, or None where it declines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace as replace_fields

from symseq.errors import UsageError
from symseq.graph import Apply, Constant, Op, Variable
from symseq.scan.body import Body
from symseq.scan.op import Scan
from symseq.span import Origin, deriving
from symseq.traverse import remember, sort_nodes

Replacement = Variable | Sequence[Variable] | None
Rule = Callable[[Apply], Replacement]
MOST_SPANS = 4
MOST_CHAINED = 64


class RuleSet:
    """Rules by the kind of op that they look at: a class, or one elementwise op."""

    def __init__(self) -> None:
        self.by_op: dict[object, list[Rule]] = {}
        self.general: list[Rule] = []

    def rule(self, *ops: type[Op] | Op) -> Callable[[Rule], Rule]:
        """Declare a rule for nodes of these ops (none: for every node)."""

        def enter(rule: Rule) -> Rule:
            if not ops:
                self.general.append(rule)
            for op in ops:
                self.by_op.setdefault(op, []).append(rule)
            return rule

        return enter

    def of(self, op: Op) -> Iterable[Rule]:
        """The rules to try on a node of `op`."""
        yield from self.by_op.get(type(op), ())
        if op in self.by_op:
            yield from self.by_op[op]
        yield from self.general


class Rewriter:
    """One sweep over a graph: old variables to new ones, equal nodes made one."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self.new: dict[int, Variable] = {}
        self.interned: dict[object, Variable | Apply] = {}
        self.alive: list[Variable] = []  # keeps ids of interned variables unique
        self.settled: set[int] = set()  # ids of interned nodes' outputs
        self.changed = False

    def sweep(self, outputs: Sequence[Variable]) -> list[Variable]:
        """The rewritten outputs; the old ones where nothing changed."""
        for node in sort_nodes(outputs):
            self._visit(node)
        return [self._leaf(v) for v in outputs]

    def _leaf(self, variable: Variable) -> Variable:
        found = self.new.get(id(variable))
        if found is not None:
            return found
        if isinstance(variable, Constant):
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
        fresh = self._intern(node, op, inputs)
        results = self._apply(fresh)
        for old, made in zip(node.outputs, results, strict=True):
            self.new[id(old)] = made
            if made is not old:
                self.changed = True
                if old.name is not None and made.name is None:
                    made.name = old.name

    def _inside(self, op: Op) -> Op:
        """A loop with its body rewritten."""
        if not isinstance(op, Scan):
            return op
        inner = Rewriter(self.rules)
        outputs = inner.sweep(op.body.outputs)
        if not inner.changed:
            return op
        return replace_fields(op, body=Body(op.body.inputs, tuple(outputs)))

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
            made = op.make_node(inputs, Origin(node.spans, node.kind))
            for old, new in zip(node.outputs, made.outputs, strict=True):
                remember(old, new)
            node = made
        self.interned[key] = node
        self.alive += [*inputs, *node.outputs]
        self.settled.update(id(v) for v in node.outputs)
        return node

    def _apply(self, node: Apply) -> Sequence[Variable]:
        """What stands for the node's outputs once no rule fires any more."""
        results: Sequence[Variable] = node.outputs
        for _ in range(MOST_CHAINED):
            replaced = self._fire(node)
            if replaced is None:
                return results
            results = [self._adopt(v) for v in replaced]
            if len(results) != 1 or results[0].owner is None:
                return results
            node = results[0].owner
            if len(node.outputs) != 1:
                return results
        return results

    def _fire(self, node: Apply) -> Sequence[Variable] | None:
        for rule in self.rules.of(node.op):
            with deriving(node.spans, node.kind):
                found = rule(node)
            if found is not None:
                answer = [found] if isinstance(found, Variable) else list(found)
                check_types(rule, node, answer)
                for old, new in zip(node.outputs, answer, strict=True):
                    if new.owner is not None and id(new) not in self.settled:
                        remember(old, new)
                return answer
        return None

    def _adopt(self, variable: Variable) -> Variable:
        """Intern the nodes that a rule has made above known ones."""
        for node in self._unsettled(variable):
            inputs = [self._leaf(v) for v in node.inputs]
            fresh = self._intern(node, node.op, inputs)
            for old, made in zip(node.outputs, fresh.outputs, strict=True):
                self.new.setdefault(id(old), made)
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
    """A rule keeps dtype, rank and what broadcasts."""
    for old, new in zip(node.outputs, made, strict=True):
        if (old.dtype, old.ndim) != (new.dtype, new.ndim):
            raise UsageError(
                f"rule {rule.__name__} changed {old.type} into {new.type} at {node}"
            )


def rewrite(
    outputs: Sequence[Variable], rules: RuleSet, sweeps: int = 8
) -> list[Variable]:
    """Sweep until nothing changes; the same variables where nothing ever did."""
    current = list(outputs)
    for _ in range(sweeps):
        rewriter = Rewriter(rules)
        current = rewriter.sweep(current)
        if not rewriter.changed:
            break
    return current
