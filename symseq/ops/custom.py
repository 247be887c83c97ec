"""Ops of the user's own, from NumPy functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from symseq.errors import NullTypeGradError, ShapeError, UsageError
from symseq.graph import Arg, Op, Variable
from symseq.lengths import size_of
from symseq.ops.convert import as_tensor
from symseq.ops.registry import Case, register
from symseq.ops.vectorize import batch_graph
from symseq.types import Array, TensorType

Grads: TypeAlias = "Sequence[Variable | None]"
UserVjp: TypeAlias = Callable[..., "Variable | Sequence[Variable | None] | None"]
UserInfer: TypeAlias = Callable[..., "TensorType | Sequence[TensorType]"]


def _square(x: Array) -> Array:
    return np.square(x)


def _square_vjp(x: Variable, y: Variable, g: Variable) -> Variable:
    return g * 2 * x


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(CustomOp("square", _square, _square_vjp), (rng.normal(size=(2, 3)),))


@register("custom", cases=_cases)
@dataclass(frozen=True)
class CustomOp(Op):
    """y = function(x, ...), a NumPy function of the user's with their gradient."""

    name: str
    function: Callable[..., Any]
    rule: UserVjp | None = None
    types: UserInfer | None = None

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        if self.types is None:
            return (args[0].type,)
        made = self.types(*[arg.type for arg in args])
        return (made,) if isinstance(made, TensorType) else tuple(made)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        made = self.function(*map(_read_only, inputs))
        results = made if isinstance(made, (tuple, list)) else (made,)
        wanted = self.infer(_numbers(inputs))
        if len(results) != len(wanted):
            raise UsageError(
                f"op {self.name} has {len(wanted)} outputs; its function returned "
                f"{len(results)}"
            )
        pairs = zip(results, wanted, strict=True)
        return tuple(self._checked(result, type_) for result, type_ in pairs)

    def _checked(self, result: object, wanted: TensorType) -> Array:
        array = np.asarray(result)
        known = [size_of(length) for length in wanted.shape]
        fits = len(known) == array.ndim and all(
            size in (None, n) for size, n in zip(known, array.shape, strict=True)
        )
        if not fits:
            raise ShapeError(
                f"op {self.name} promised {wanted}; its function gave {array.shape}",
                hint="give infer= to ss.op: from the inputs' types to the output's",
            )
        if not np.can_cast(array.dtype, wanted.dtype, "same_kind"):
            raise UsageError(
                f"op {self.name} promised {wanted.dtype}; its function returned "
                f"{array.dtype}"
            )
        return array.astype(wanted.dtype, copy=False)

    def vjp(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], cotangents: Grads
    ) -> Grads:
        if self.rule is None:
            raise NullTypeGradError(
                f"op {self.name} has no gradient", hint="give vjp= to ss.op"
            )
        single = len(outputs) == 1
        y, g = (outputs[0], cotangents[0]) if single else (outputs, cotangents)
        return as_grads(self.rule(*inputs, y, g), inputs, self.name)

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        return Mapped(self, tuple(batched)).make(*inputs)


def _read_only(x: Array) -> Array:
    """A view that the user's function cannot write to: others read x, too."""
    view = x.view()
    view.flags.writeable = False
    return view


def _numbers(arrays: Sequence[Array]) -> list[Variable]:
    """The types of actual arrays, as arguments of a type rule."""
    return [Variable(TensorType(x.dtype.name, x.shape)) for x in arrays]


def as_grads(made: object, inputs: Sequence[Variable], name: str) -> Grads:
    """What a user's rule returned: one cotangent (or None) per input.

    Raises: UsageError for another number of them, ShapeError for another rank.
    """
    grads = list(made) if isinstance(made, (tuple, list)) else [made]
    if len(grads) != len(inputs):
        raise UsageError(
            f"the vjp of {name} must return {len(inputs)} cotangents; got {len(grads)}"
        )
    answer: list[Variable | None] = []
    for x, grad in zip(inputs, grads, strict=True):
        if grad is None or not x.type.is_float:
            answer.append(None)
            continue
        variable = as_tensor(grad, x.dtype)
        if variable.ndim != x.ndim:
            raise ShapeError(
                f"the vjp of {name} must return {x.type} for {x.label}; "
                f"got {variable.type}"
            )
        answer.append(variable)
    return answer


def _mapped_cases(rng: np.random.Generator) -> Iterator[Case]:
    square = CustomOp("square", _square, _square_vjp)
    yield Case(Mapped(square, (True,)), (rng.normal(size=(2, 3)),))
    yield Case(Mapped(square, (True,)), (rng.normal(size=(0, 3)),))


@register("mapped", cases=_mapped_cases)
@dataclass(frozen=True)
class Mapped(Op):
    """y[n] = op(x[n], ...): an op done for one example after the other."""

    op: Op
    batched: tuple[bool, ...]
    name = "mapped"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        one = [
            Variable(_one(arg.type) if is_batched else arg.type)
            for arg, is_batched in zip(args, self.batched, strict=True)
        ]
        count = args[self.batched.index(True)].type.shape[0]
        made = self.op.infer(one)
        return tuple(type_.with_shape([count, *type_.shape]) for type_ in made)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        count = inputs[self.batched.index(True)].shape[0]
        types = self.infer(_numbers(inputs))
        rows = [
            self.op.numpy(
                *[x[n] if b else x for x, b in zip(inputs, self.batched, strict=True)]
            )
            for n in range(count)
        ]
        if not rows:
            return tuple(
                np.zeros([size_of(n) or 0 for n in t.shape], t.dtype) for t in types
            )
        return tuple(np.stack(column) for column in zip(*rows, strict=True))

    def vjp(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], cotangents: Grads
    ) -> Grads:
        return vjp_by_example(self.op, inputs, self.batched, outputs, cotangents)

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        return Mapped(self, tuple(batched)).make(*inputs)


def _one(many: TensorType) -> TensorType:
    return many.with_shape(many.shape[1:])


def vjp_by_example(
    op: Op,
    inputs: Sequence[Variable],
    batched: Sequence[bool],
    outputs: Sequence[Variable],
    cotangents: Grads,
) -> Grads:
    """The gradient of `op` for each example; summed for inputs that all share."""
    rows: dict[Variable, Variable] = {}

    def one(many: Variable) -> Variable:
        made = Variable(_one(many.type), name=many.name)
        rows[made] = many
        return made

    pairs = zip(inputs, batched, strict=True)
    given = [one(x) if is_batched else x for x, is_batched in pairs]
    made = op.vjp(
        given,
        [one(y) for y in outputs],
        [None if g is None else one(g) for g in cotangents],
    )
    live = [g for g in made if g is not None]
    full = iter(batch_graph(live, rows))
    answer: list[Variable | None] = []
    for grad, is_batched in zip(made, batched, strict=True):
        many = None if grad is None else next(full)
        answer.append(many if is_batched or many is None else many.sum(axis=0))
    return answer


def op(
    *,
    numpy: Callable[..., Any],
    vjp: UserVjp | None = None,
    infer: UserInfer | None = None,
    name: str | None = None,
) -> Callable[..., Any]:
    """An op of your own from a NumPy function.

    Args:
        numpy: arrays → array (or a tuple of them).
        vjp: ``(x, ..., y, g)`` → one cotangent per x, or None; in terms of variables.
        infer: the inputs' `TensorType`s → the output's (or a tuple); without it the
            output has the type of the first input.

    >>> import numpy as np
    >>> cube = op(numpy=lambda x: x**3, vjp=lambda x, y, g: g * 3 * x * x, name="cube")
    >>> cube(np.ones(4)).type
    TensorType(dtype='float64', shape=(4,))
    """
    made = CustomOp(
        name or str(getattr(numpy, "__name__", "custom")), numpy, vjp, infer
    )

    def apply(*values: object) -> Any:
        outputs = made.make(*[as_tensor(value) for value in values])
        return outputs[0] if len(outputs) == 1 else outputs

    apply.__name__ = made.name
    return apply
