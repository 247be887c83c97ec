"""ifelse: one of two graphs, of which only the chosen one is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symseq import lengths
from symseq.errors import DTypeError, ShapeError, SymseqError, UsageError
from symseq.graph import (
    Arg,
    BodyOp,
    Constant,
    Differentiate,
    Evaluate,
    Variable,
)
from symseq.ops.compare import neq, switch
from symseq.ops.convert import as_tensor, is_weak
from symseq.ops.create import zeros_like
from symseq.ops.dimshuffle import Axis, dimshuffle
from symseq.ops.shape import broadcast_leading, leading
from symseq.ops.vectorize import batch_graph
from symseq.scan.body import Body, Known, fit_type, infer_body
from symseq.scan.steps import enclosing_loops
from symseq.traverse import depends_on, replace, sort_nodes
from symseq.types import Array, TensorType

Maybe = Variable | None


@dataclass(frozen=True)
class IfElse(BodyOp):
    """y... = then(x...) where the condition holds, else other(x...).

    Inputs: a bool scalar, then what both bodies read, in one order.
    """

    then: Body
    other: Body
    name = "ifelse"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        condition, *given = args
        if condition.type != TensorType("bool"):
            raise DTypeError(f"ifelse needs a bool scalar; got {condition.type}")
        try:
            chosen = self._types(self.then, given)
        except SymseqError:
            # Lengths that one branch refuses may be why the other is there.
            return self._types(self.other, given)
        try:
            passed = self._types(self.other, given)
        except SymseqError:
            return chosen
        return tuple(_join(a, b) for a, b in zip(chosen, passed, strict=True))

    def _types(self, body: Body, given: Sequence[Arg]) -> tuple[TensorType, ...]:
        pairs = zip(body.inputs, given, strict=True)
        args = [
            Known(fit_type(v.type, arg.type, f"{v.label} of ifelse"), arg.held)
            for v, arg in pairs
        ]
        known = infer_body(body, args)
        return tuple(known.get(v, v).type for v in body.outputs)

    def length_inputs(self) -> tuple[int, ...]:
        found = {*self.then.deciding_inputs, *self.other.deciding_inputs}
        return tuple(1 + k for k in sorted(found))

    def bodies(self) -> tuple[tuple[Sequence[Variable], Sequence[Variable]], ...]:
        return tuple((body.inputs, body.outputs) for body in (self.then, self.other))

    def with_bodies(self, outputs: Sequence[Sequence[Variable]]) -> IfElse:
        then, other = map(tuple, outputs)
        return IfElse(Body(self.then.inputs, then), Body(self.other.inputs, other))

    def evaluate_body(self, evaluate: Evaluate, *inputs: Array) -> tuple[Array, ...]:
        body = self.then if bool(inputs[0]) else self.other
        return tuple(evaluate(body.outputs, body.inputs, inputs[1:]))

    def vjp_body(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Maybe],
        differentiate: Differentiate,
    ) -> Sequence[Maybe]:
        received = [g for g in cotangents if g is not None]
        # What the chosen branch gave is read, not computed again.
        given = [k for k, v in enumerate(outputs) if self._both_give(k, v.type)]
        read = [Variable(outputs[k].type) for k in given]
        places = dict(zip(given, read, strict=True))
        chosen, some = _gradient(self.then, cotangents, differentiate, places)
        passed, others = _gradient(self.other, cotangents, differentiate, places)
        flowing = [
            k
            for k, (a, b) in enumerate(zip(some, others, strict=True))
            if a is not None or b is not None
        ]
        if not flowing:
            return (None,) * len(inputs)
        bodies = [
            Body(
                (*body.inputs, *read, *held),
                tuple(_or_zeros(found[k], body.inputs[k]) for k in flowing),
            )
            for body, held, found in (
                (self.then, chosen, some),
                (self.other, passed, others),
            )
        ]
        values = [outputs[k] for k in given]
        made = IfElse(*bodies).make(*inputs, *values, *received)
        by_place = dict(zip(flowing, made, strict=True))
        return (None, *(by_place.get(k) for k in range(len(inputs) - 1)))

    def _both_give(self, place: int, type_: TensorType) -> bool:
        """Whether both branches' outputs there have just this type."""
        pair = (self.then.outputs[place], self.other.outputs[place])
        return type_.is_float and all(v.type == type_ for v in pair)

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        if batched[0]:
            return self._switched(inputs, batched)
        bodies = []
        for body in (self.then, self.other):
            wide = {
                v: Variable(outer.type, name=v.name)
                for v, outer, flag in zip(
                    body.inputs, inputs[1:], batched[1:], strict=True
                )
                if flag
            }
            made = batch_graph(body.outputs, wide)
            bodies.append(Body(tuple(wide.get(v, v) for v in body.inputs), tuple(made)))
        return IfElse(*bodies).make(*inputs)

    def _switched(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        """Both branches for all examples, and of each example the chosen one."""
        condition, count = inputs[0], leading(inputs, batched)
        both = []
        for body in (self.then, self.other):
            place = list(zip(body.inputs, inputs[1:], batched[1:], strict=True))
            made = replace(body.outputs, {v: x for v, x, flag in place if not flag})
            wide = {v: x for v, x, flag in place if flag}
            if wide:
                both.append(batch_graph(made, wide))
            else:
                both.append([broadcast_leading(v, count) for v in made])
        return [
            switch(_beside(condition, a.ndim), a, b) for a, b in zip(*both, strict=True)
        ]


def _beside(condition: Variable, ndim: int) -> Variable:
    """A condition per example, with axes of length 1 up to rank `ndim`."""
    new: list[Axis] = ["x"] * (ndim - 1)
    return dimshuffle(condition, [0, *new])


def _join(a: TensorType, b: TensorType) -> TensorType:
    if a.dtype != b.dtype:
        raise DTypeError(
            f"both branches of ifelse need one dtype; got {a.dtype} and {b.dtype}",
            hint="cast one of them",
        )
    if a.ndim != b.ndim:
        raise ShapeError(
            f"both branches of ifelse need one rank; got {a.ndim} and {b.ndim}"
        )
    pairs = zip(a.shape, b.shape, strict=True)
    return a.with_shape([lengths.join(m, n) for m, n in pairs])


def _gradient(
    body: Body,
    cotangents: Sequence[Maybe],
    differentiate: Differentiate,
    read: Mapping[int, Variable],
) -> tuple[list[Variable], list[Maybe]]:
    """(variables for the cotangents that there are, one cotangent per input).

    ``read``: variables for what the body gave, by place, which are read where it was
    computed.
    """
    held = [
        Variable(v.type) if g is not None else None
        for v, g in zip(body.outputs, cotangents, strict=True)
    ]
    floats = [v for v in body.inputs if v.type.is_float]
    made = differentiate(body.outputs, held, floats)
    computed = {
        body.outputs[k]: v
        for k, v in read.items()
        if body.outputs[k].owner is not None and body.outputs[k] not in body.inputs
    }
    flowing = {v: g for v, g in zip(floats, made, strict=True) if g is not None}
    without = replace(list(flowing.values()), computed)
    found = dict(zip(flowing, without, strict=True))
    return [v for v in held if v is not None], [found.get(v) for v in body.inputs]


def _or_zeros(g: Maybe, like: Variable) -> Variable:
    return zeros_like(like) if g is None else g


def ifelse(
    condition: object, then_branch: Any, else_branch: Any, name: str | None = None
) -> Any:
    """`then_branch` where the scalar condition holds, else `else_branch`: lazily.

    A branch is a value or a list of values. What only one branch reads is computed
    only where that branch is chosen; inside a scan that holds for what changes from
    step to step, the rest is computed once before the loop.

    Raises: UsageError, DTypeError, ShapeError where the branches do not go together.
    """
    many = isinstance(then_branch, (list, tuple))
    first, second = _listed(then_branch), _listed(else_branch)
    if many != isinstance(else_branch, (list, tuple)) or len(first) != len(second):
        raise UsageError(
            "both branches of ifelse need as many values; "
            f"got {len(first)} and {len(second)}"
        )
    pairs = [_pair(a, b) for a, b in zip(first, second, strict=True)]
    then, other = [a for a, _ in pairs], [b for _, b in pairs]
    made = build(_as_condition(condition), then, other)
    for variable in made:
        variable.name = name
    return list(made) if many else made[0]


def _listed(branch: Any) -> list[Any]:
    return list(branch) if isinstance(branch, (list, tuple)) else [branch]


def _pair(a: object, b: object) -> tuple[Variable, Variable]:
    """Both as variables; a Python number takes the other's dtype if that holds it."""
    if is_weak(a) and not is_weak(b):
        b = as_tensor(b)
        return _going_with(a, b), b
    a = as_tensor(a)
    return a, _going_with(b, a)


def _going_with(value: object, other: Variable) -> Variable:
    fits = is_weak(value) and (other.type.is_float or not isinstance(value, float))
    return as_tensor(value, other.dtype if fits else None)


def _as_condition(value: object) -> Variable:
    condition = as_tensor(value)
    if condition.ndim != 0:
        raise ShapeError(
            f"ifelse needs a scalar condition; got {condition.type}",
            hint="T.switch chooses element by element",
        )
    if condition.dtype == "bool":
        return condition
    return neq(condition, _zero(condition))


def _zero(like: Variable) -> Variable:
    return Constant(np.zeros((), like.dtype))


def build(
    condition: Variable, then: list[Variable], other: list[Variable]
) -> tuple[Variable, ...]:
    """The node over bodies that hold what each branch alone reads."""
    kept = [
        _exclusive(then, [condition, *other]),
        _exclusive(other, [condition, *then]),
    ]
    captured: dict[Variable, None] = {}
    for outputs, nodes in zip((then, other), kept, strict=True):
        inside = sort_nodes(outputs)
        read = [v for node in inside if id(node) in nodes for v in node.inputs]
        for v in [*read, *outputs]:
            made_inside = v.owner is not None and id(v.owner) in nodes
            if not made_inside and not isinstance(v, Constant):
                captured[v] = None
    bodies = []
    for outputs in (then, other):
        fresh = [Variable(v.type, name=v.name, held=v.held) for v in captured]
        inner = replace(outputs, dict(zip(captured, fresh, strict=True)))
        bodies.append(Body(tuple(fresh), tuple(inner)))
    return IfElse(*bodies).make(condition, *captured)


def _exclusive(outputs: Sequence[Variable], others: Sequence[Variable]) -> set[int]:
    """Ids of the nodes that only `outputs` need and that belong to the loop around."""
    shared = {id(node) for node in sort_nodes(others)}
    nodes = [node for node in sort_nodes(outputs) if id(node) not in shared]
    loops = enclosing_loops()
    if loops:
        changing = depends_on(outputs, loops[-1].changing)
        nodes = [n for n in nodes if any(id(v) in changing for v in n.outputs)]
    return {id(node) for node in nodes}
