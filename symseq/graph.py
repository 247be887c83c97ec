"""The graph: variables, the operations that made them, and what an operation must say.

Structure never changes once built; identity is equality. An analysis keeps a table
keyed by node. Rewrites build new nodes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import SimpleNamespace
from typing import ClassVar, Protocol, TypeAlias

import numpy as np

from symseq.errors import (
    DTypeError,
    NotBatchableError,
    Operand,
    ShapeError,
    SymseqError,
    UsageError,
)
from symseq.lengths import Length
from symseq.operators import Operators
from symseq.span import Origin, Span, here, origin
from symseq.types import Array, TensorType, as_dtype, is_integer, set_variable_factory

# The integers that an integer scalar (or vector) is known to hold: a length, or a tuple
# of them. None: not known. So x.shape[0] stays T through arithmetic.
Held: TypeAlias = "Length | tuple[Length, ...]"
MOST_HELD = 32


class Arg(Protocol):
    """What a type rule may look at: an input's type and the integers it holds."""

    @property
    def type(self) -> TensorType: ...

    @property
    def held(self) -> Held: ...


def known_length(arg: Arg) -> Length:
    """What an integer scalar is known to hold, a number or a name.

    >>> import symseq.tensor as T
    >>> known_length(T.zeros((3, 4)).shape[1]), known_length(T.iscalar())
    (4, None)
    """
    return None if isinstance(arg.held, tuple) else arg.held


class Variable(Operators):
    """A typed value of the graph: an input (no owner) or an output of an `Apply`."""

    __slots__ = (
        "type",
        "owner",
        "index",
        "name",
        "held",
        "_span",
        "_tag",
        "__weakref__",
    )

    def __init__(
        self,
        type: TensorType,
        owner: Apply | None = None,
        index: int = 0,
        name: str | None = None,
        held: Held = None,
    ) -> None:
        self.type = type
        self.owner = owner
        self.index = index
        self.name = name
        self.held = held
        self._span = None if owner is not None else origin().spans[0]
        self._tag: SimpleNamespace | None = None

    @property
    def dtype(self) -> str:
        return self.type.dtype

    @property
    def ndim(self) -> int:
        return self.type.ndim

    @property
    def broadcastable(self) -> tuple[bool, ...]:
        return self.type.broadcastable

    @property
    def span(self) -> Span:
        """The user's line that made this variable."""
        if self._span is not None or self.owner is None:
            return self._span  # type: ignore[return-value]
        return self.owner.spans[0]

    @property
    def tag(self) -> SimpleNamespace:
        """Free attributes, as Theano programs set them (``x.tag.test_value = ...``)."""
        if self._tag is None:
            self._tag = SimpleNamespace()
        return self._tag

    @property
    def label(self) -> str:
        """The name, or how the variable was made: 'dot', 'scan.1'."""
        if self.name:
            return self.name
        if self.owner is None:
            return "input"
        many = len(self.owner.outputs) > 1
        return f"{self.owner.op.name}.{self.index}" if many else self.owner.op.name

    def __repr__(self) -> str:
        return f"{self.label}: {self.type}"


def _known_integers(data: Array) -> Held:
    if not is_integer(data.dtype.name) or data.ndim > 1 or data.size > MOST_HELD:
        return None
    return int(data) if data.ndim == 0 else tuple(int(value) for value in data)


class Constant(Variable):
    """A fixed array; `data` is read-only."""

    __slots__ = ("data",)

    def __init__(self, data: Array, name: str | None = None) -> None:
        data = np.array(data, order="C")
        data.flags.writeable = False
        type_ = TensorType(as_dtype(data.dtype), data.shape)
        super().__init__(type_, name=name, held=_known_integers(data))
        self.data = data

    @property
    def label(self) -> str:
        return self.name or (
            str(self.data) if self.ndim == 0 else f"constant{self.type}"
        )


class SharedVariable(Variable):
    """A variable that holds a value between calls; functions read it and update it.

    ``default_update``, where set, is applied by every function that reads the variable
    (random streams count their calls so).
    """

    __slots__ = ("storage", "default_update", "version")

    def __init__(self, type: TensorType, value: Array, name: str | None = None) -> None:
        super().__init__(type, name=name)
        self.storage = value
        self.default_update: Variable | None = None
        self.version = 0  # counts the buffers: changes where the buffer is replaced

    @property
    def label(self) -> str:
        return self.name or "shared"

    def get_value(
        self, borrow: bool = False, return_internal_type: bool = False
    ) -> Array:
        """The value now: a copy, or with ``borrow`` the buffer itself."""
        return self.storage if borrow else self.storage.copy()

    def set_value(self, value: object, borrow: bool = False) -> None:
        """Copy `value` into the variable's buffer.

        Another shape of the same rank is allowed: functions that read the variable
        bind anew at their next call.

        Raises: ShapeError, DTypeError for a rank or dtype that does not fit.
        """
        array = self.check_value(value)
        if array.shape == self.storage.shape:
            np.copyto(self.storage, array)
        else:
            self.storage = np.array(array, order="C")
            self.version += 1

    def check_value(self, value: object) -> Array:
        """`value` as an array of this variable's dtype and rank."""
        array = np.asarray(value)
        if array.ndim != self.ndim:
            raise ShapeError(
                f"set_value keeps the rank: {self.label} has rank {self.ndim}; "
                f"got rank {array.ndim}"
            ).at(here(), operands([self]))
        if array.dtype.name != self.dtype:
            array = cast_safely(array, self.dtype, self)
        return array


def cast_safely(array: Array, dtype: str, of: Variable) -> Array:
    """`array` as `dtype`, the value of `of`, where no value can be lost.

    float64 to float32 is taken as safe under floatX=float32 for data that Python made.
    """
    from_kind, to_kind = array.dtype.kind, np.dtype(dtype).kind
    exact = np.can_cast(array.dtype, dtype, "safe") or (
        from_kind in "iub"
        and to_kind in "iu"
        and bool(np.all(array.astype(dtype) == array))
    )
    if not (exact or (from_kind in "fiub" and to_kind == "f")):
        raise DTypeError(
            f"the value of {of.label} must be {dtype}; got {array.dtype}"
        ).at(here(), operands([of]))
    return array.astype(dtype)


class Apply:
    """One application of an op; ``spans`` are the user's lines that it stands for."""

    __slots__ = ("op", "inputs", "outputs", "spans", "kind", "__weakref__")

    def __init__(
        self,
        op: Op,
        inputs: Sequence[Variable],
        origin: Origin,
        types: Sequence[TensorType],
    ) -> None:
        self.op = op
        self.inputs = tuple(inputs)
        self.spans = origin.spans
        self.kind = origin.kind
        held = op.hold(self.inputs)
        self.outputs = tuple(
            Variable(type_, self, index, held=held[index] if held else None)
            for index, type_ in enumerate(types)
        )

    def __repr__(self) -> str:
        return f"{self.op}({', '.join(v.label for v in self.inputs)})"


def operands(variables: Sequence[Variable]) -> tuple[Operand, ...]:
    """The inputs of a failing step, for its error."""
    return tuple(
        Operand(v.label, str(v.type), None if isinstance(v, Constant) else v.span)
        for v in variables
    )


class Op(ABC):
    """What one operation is: everything about it is said in its class.

    Ops are frozen and equal by their static parameters, so that equal nodes merge.
    """

    name: str  # a class attribute, or a field where one class has many ops

    @abstractmethod
    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        """The outputs' types from the inputs': dtype and shape rule in one.

        Called when the graph is built (lengths may be names or unknown), and again with
        numbers before anything runs: this is where lengths are checked.

        Raises: ShapeError, DTypeError, with a rule and a hint; the caller adds lines.
        """

    @abstractmethod
    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        """The meaning, in NumPy. Shapes have been checked by `infer`."""

    @abstractmethod
    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        """One cotangent per input; None where no gradient flows (an index, a shape).

        `cotangents` has None for an output that the cost does not read.
        """

    @abstractmethod
    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        """The outputs, each with a leading axis, when the marked inputs have one."""

    def hold(self, args: Sequence[Arg]) -> tuple[Held, ...] | None:
        """The integers that each output is known to hold."""
        return None

    def length_inputs(self) -> tuple[int, ...]:
        """Which inputs decide a length of an output by their values."""
        return ()

    def shape_inputs(self, count: int) -> tuple[int, ...]:
        """Which of the `count` inputs decide a length of an output by their lengths."""
        return tuple(range(count))

    # Lengths of outputs depend on what an input array contains (nonzero).
    dynamic: ClassVar[bool] = False

    def make(self, *inputs: Variable) -> tuple[Variable, ...]:
        """Build a node at the user's line; the tuple of its outputs."""
        return self.make_node(inputs, origin()).outputs

    def make_node(self, inputs: Sequence[Variable], origin: Origin) -> Apply:
        try:
            types = self.infer(inputs)
        except SymseqError as error:
            raise error.at(origin.spans[0], operands(inputs)) from None
        return Apply(self, inputs, origin, types)

    def __call__(self, *inputs: Variable) -> Variable:
        """Build a node with one output and return that output."""
        (output,) = self.make(*inputs)
        return output

    def __str__(self) -> str:
        return self.name


def no_gradient(
    self: Op,
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
    cotangents: Sequence[Variable | None],
) -> Sequence[Variable | None]:
    """Declare ``vjp = no_gradient``: no input of this op receives a gradient."""
    return (None,) * len(inputs)


def not_batchable(
    self: Op, inputs: Sequence[Variable], batched: Sequence[bool]
) -> Sequence[Variable]:
    """Declare ``batch = not_batchable``: this op takes no leading axis."""
    raise NotBatchableError(f"{self.name} has no batching rule")


class Differentiate(Protocol):
    """The gradient engine, as handed to ops with a body."""

    def __call__(
        self,
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
        wrt: Sequence[Variable],
    ) -> list[Variable | None]: ...


class Evaluate(Protocol):
    """The reference evaluator: the values of `outputs` for values of `inputs`."""

    def __call__(
        self,
        outputs: Sequence[Variable],
        inputs: Sequence[Variable],
        values: Sequence[Array],
    ) -> list[Array]: ...


class BodyOp(Op):
    """An op with a graph inside: its rules are handed the engine that they need."""

    @abstractmethod
    def evaluate_body(self, evaluate: Evaluate, *inputs: Array) -> tuple[Array, ...]:
        """The meaning, where `evaluate` runs the inner graph."""

    @abstractmethod
    def vjp_body(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
        differentiate: Differentiate,
    ) -> Sequence[Variable | None]:
        """As `vjp`, where `differentiate` takes gradients of the inner graph."""

    @abstractmethod
    def bodies(self) -> tuple[tuple[Sequence[Variable], Sequence[Variable]], ...]:
        """The inner graphs, each as (inputs, outputs)."""

    @abstractmethod
    def with_bodies(self, outputs: Sequence[Sequence[Variable]]) -> Op:
        """The op with other outputs in its bodies, which read the same inputs."""

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        raise UsageError(f"{self.name} has a body: use evaluate_body")

    vjp = no_gradient  # never called: the engine calls vjp_body


def _make_variable(type_: TensorType, name: str | None) -> Variable:
    return Variable(type_, name=name)


set_variable_factory(_make_variable)
