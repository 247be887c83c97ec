"""Lowering: each node of a scope becomes steps over named values."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Callable, Sequence

import numpy as np

from symseq.graph import Apply, Constant, Op, SharedVariable, Variable
from symseq.ops.elementwise import Elementwise
from symseq.types import is_integer

from ..program import Compute, Copy, Kernel, Kind, Loop, Program, Step, Value, View
from ..recipe import Recipe, flatten
from .scope import Lengths, Scope

# Names of the emitted text, besides Python's and NumPy's own.
RESERVED = {
    "bind", "run", "update", "outputs", "buffer", "shape", "early", "op", "trips",
    "table", "watch", "watch_time", *vars(builtins),
}  # fmt: skip
LONGEST = 20  # letters of a name to which a view's name adds its own
LoweringRule = Callable[["Lowering", Apply], None]
RULES: dict[type[Op] | Op, LoweringRule] = {}


def lowers(*kinds: type[Op]) -> Callable[[LoweringRule], LoweringRule]:
    """Declare the rule that turns a node of these ops into steps."""

    def enter(rule: LoweringRule) -> LoweringRule:
        RULES.update(dict.fromkeys(kinds, rule))
        return rule

    return enter


def lowers_op(op: Op) -> Callable[[LoweringRule], LoweringRule]:
    """The same for one elementwise op."""

    def enter(rule: LoweringRule) -> LoweringRule:
        RULES[op] = rule
        return rule

    return enter


class Lowering:
    """A lowering under way: values by variable, the steps so far, the loop inside."""

    def __init__(self, name: str, lengths: Lengths) -> None:
        self.program = Program(name)
        self.lengths = lengths
        self.env: dict[int, Value] = {}
        self.steps: list[Step] = self.program.steps
        self.loop: Loop | None = None
        # Where the value of a variable must end up: an update.
        self.destinations: dict[int, Value] = {}
        self._names: dict[str, int] = {}

    # -- names and values ---------------------------------------------------------

    def name(self, wanted: str) -> str:
        """A fresh Python name close to `wanted`."""
        clean = "".join(c if c.isalnum() else "_" for c in wanted).strip("_") or "v"
        if clean[0].isdigit() or keyword.iskeyword(clean):
            clean = f"v_{clean}"
        reserved = clean in RESERVED or hasattr(np, clean)
        count = self._names.get(clean, int(reserved))
        self._names[clean] = count + 1
        return self.name(f"{clean}_{count}") if count else clean

    def value(
        self, variable: Variable, kind: Kind, wanted: str = "", dtype: str = ""
    ) -> Value:
        made = Value(
            self.name(wanted or variable.label), variable, kind, dtype or variable.dtype
        )
        self.program.values.append(made)
        return made

    def read(self, variable: Variable) -> Value:
        """The value of a variable; constants and shared ones enter when first read."""
        found = self.env.get(id(variable))
        if found is None:
            kind = (
                Kind.SHARED if isinstance(variable, SharedVariable) else Kind.CONSTANT
            )
            assert isinstance(variable, (SharedVariable, Constant)), variable
            found = self.env[id(variable)] = self.value(
                variable, kind, _plain(variable)
            )
        return found

    def new(self, variable: Variable) -> Value:
        """Where to compute `variable`: its destination, or a fresh buffer."""
        made = self.destinations.pop(id(variable), None)
        if made is None:
            dynamic = id(variable) in self.lengths.dynamic
            made = self.value(variable, Kind.DYNAMIC if dynamic else Kind.BUFFER)
        self.env[id(variable)] = made
        return made

    def temp(self, variable: Variable, dtype: str) -> Value:
        """A buffer beside `variable`, of its lengths."""
        return self.value(variable, Kind.BUFFER, "tmp", dtype)

    def view(
        self,
        variable: Variable,
        source: Value,
        text: str,
        contiguous_from: int,
        *,
        transposed: bool = False,
        uses: tuple[Value, ...] = (),
    ) -> None:
        """Make `variable` a view; `text` says how, with {0} for the source."""
        made = self.value(variable, Kind.VIEW, view_name(variable, source, text))
        made.source, made.loop = source, source.loop
        made.contiguous_from, made.transposed = contiguous_from, transposed
        self.env[id(variable)] = made
        self.add(View(made, text, variable.owner, uses))

    def add(self, step: Step) -> None:
        self.steps.append(step)

    # -- what the rules ask -------------------------------------------------------

    def is_early(self, variable: Variable) -> bool:
        """Whether the value is known when lengths are: it may stand in a view."""
        return isinstance(variable, Constant) or (
            id(variable) in self.lengths.early
            and id(variable) not in self.lengths.by_value
        )

    def is_small_early(self, variable: Variable) -> bool:
        """Whether to compute the variable once, at bind: lengths and what they give."""
        small = variable.ndim == 0 or (
            variable.ndim == 1 and is_integer(variable.dtype)
        )
        return small and self.is_early(variable)

    def is_dynamic(self, node: Apply) -> bool:
        """Whether the node or what it reads has lengths that only the run knows."""
        touched = [*node.inputs, *node.outputs]
        return any(id(v) in self.lengths.dynamic for v in touched)

    # -- the walk -----------------------------------------------------------------

    def nodes(self, scope: Scope, skip: set[int]) -> None:
        """Lower every node of the scope but those whose id is in `skip`."""
        for node in scope.nodes:
            if id(node) not in skip:
                self.node(node, scope)

    def node(self, node: Apply, scope: Scope) -> None:
        body = scope.bodies.get(id(node))
        if body is not None and not self.is_dynamic(node):
            LOOP_RULE[0](self, node, body)
            return
        if all(map(self.is_small_early, node.outputs)):
            for variable in node.outputs:
                self.env[id(variable)] = self.value(variable, Kind.EARLY)
            return
        rule = RULES.get(type(node.op)) or RULES.get(node.op)
        if rule is None or self.is_dynamic(node):
            rule = kernel if self._is_kernel(node) else compute
        rule(self, node)

    def _is_kernel(self, node: Apply) -> bool:
        return isinstance(node.op, Elementwise) and not self.is_dynamic(node)

    def settle(self, variable: Variable, destination: Value) -> None:
        """See that `variable` stands in `destination`, by a copy if it is elsewhere."""
        waiting = self.destinations.pop(id(variable), None) is not None
        if not waiting and self.env.get(id(variable)) is destination:
            return
        self.add(Copy(destination, self.read(variable), variable.owner))


# Filled by loops.py, which needs Lowering: (lowering, node, body).
LOOP_RULE: list[Callable[[Lowering, Apply, Scope], None]] = []


def _plain(variable: Variable) -> str:
    """The name of a constant or shared variable: its own, or what a number is."""
    if variable.name or not isinstance(variable, Constant):
        return variable.name or "shared"
    shown = f"{variable.data.item():.6g}" if variable.data.size == 1 else ""
    clean = shown.replace("-", "minus_").replace(".", "_").replace("+", "")
    return f"c_{clean}" if clean else "c"


def view_name(variable: Variable, source: Value, text: str) -> str:
    """The user's name for a view, or what it is of what it looks into."""
    if variable.name:
        return variable.name
    if len(source.name) > LONGEST:
        return variable.label
    if ".transpose(" in text and variable.ndim == 2:
        return f"{source.name}_T"
    if "reshape" in text:
        return f"{source.name}_{variable.ndim}d"
    if text == "{0}[::-1]":
        return f"{source.name}_reversed"
    if "None" in text or ".transpose(" in text:
        return f"{source.name}_axes"
    return f"{source.name}_part"


def recipe_of(node: Apply) -> Recipe:
    """The ufunc calls of an elementwise node."""
    assert isinstance(node.op, Elementwise)
    return flatten(node.op.text, node.op.arity, node.outputs[0].dtype == "bool")


def kernel(lowering: Lowering, node: Apply) -> None:
    """An elementwise node, by its row's expression."""
    (variable,) = node.outputs
    recipe = recipe_of(node)
    inputs = tuple(lowering.read(v) for v in node.inputs)
    first = node.inputs[0].dtype
    kinds = {"": variable.dtype, "in": first}
    temps = tuple(lowering.temp(variable, kinds.get(t, t)) for t in recipe.temps)
    out = lowering.new(variable)
    lowering.add(Kernel(out, inputs, recipe, temps, node))


def compute(lowering: Lowering, node: Apply) -> None:
    """Any node by its op's NumPy meaning; the emitter knows better forms for some."""
    inputs = tuple(lowering.read(v) for v in node.inputs)
    outs = tuple(lowering.new(v) for v in node.outputs)
    lowering.add(Compute(outs, inputs, node=node))


def declared(
    variables: Sequence[Variable], lowering: Lowering, kind: Kind
) -> list[Value]:
    """Values for a function's inputs."""
    made = []
    for variable in variables:
        value = lowering.value(variable, kind, variable.name or "input")
        lowering.env[id(variable)] = value
        made.append(value)
    return made
