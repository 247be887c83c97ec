"""`function`: compile a graph to a callable that updates shared variables."""

from __future__ import annotations

import dataclasses
import importlib.util
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from symseq.config import config
from symseq.errors import (
    DTypeError,
    MissingInputError,
    ReentryError,
    ShapeError,
    TargetError,
    UnusedInputError,
    UsageError,
)
from symseq.graph import Constant, SharedVariable, Variable, operands
from symseq.ops.convert import as_tensor
from symseq.span import here
from symseq.traverse import free_inputs, leaves, replace, shared_variables
from symseq.types import Array, TensorType

from .pipeline import Compiled, compile_graph
from .profile import Profile
from .watch import NanGuard, Watch

TARGETS = ("reference", "numpy", "numba")
LIBRARIES = {"numba": "numba", "cupy": "cupy"}
Pairs = Sequence[tuple[Any, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class In:
    """An input with a default `value`, a `name`, or an `update` of the kept value.

    ``allow_downcast=True`` lets any float array become the input's narrower dtype.
    """

    variable: Variable
    name: str | None = None
    value: object = None
    update: Variable | None = None
    mutable: bool = False
    strict: bool = False
    allow_downcast: bool | None = None
    borrow: bool = False
    implicit: bool = False

    @property
    def label(self) -> str | None:
        return self.name or self.variable.name


def Param(variable: Variable, default: object = None, **options: Any) -> In:
    """Theano's older spelling of `In`: ``Param(x, default=3)``."""
    return In(variable, value=default, **options)


@dataclass(frozen=True, slots=True, eq=False)
class Out:
    """An output; ``borrow=True`` returns memory that the next call overwrites."""

    variable: Variable
    borrow: bool = False


class Mode:
    """Accepted for Theano programs: symseq's targets are chosen by ``target=``."""

    nan_guard: NanGuard | None = None

    def __init__(self, linker: object = None, optimizer: object = None) -> None:
        self.linker, self.optimizer = linker, optimizer

    def including(self, *tags: str) -> Mode:
        return self

    excluding = including


def function(
    inputs: Sequence[Variable | In] | Variable,
    outputs: Any = None,
    updates: Mapping[Any, Any] | Pairs | None = None,
    givens: Mapping[Any, Any] | Pairs | None = None,
    *,
    target: str = "numpy",
    name: str | None = None,
    mode: object = None,
    on_unused_input: str | None = None,
    allow_input_downcast: bool | None = None,
    no_default_updates: bool | Sequence[SharedVariable] = False,
    profile: object = None,
    nan_guard: bool | NanGuard | None = None,
    accept_inplace: bool = False,
    rebuild_strict: bool = True,
) -> Function:
    """Compile ``outputs`` and ``updates`` as a function of ``inputs``.

    Args:
        inputs: variables, or `In` for defaults and names.
        outputs: a variable, a list or dict of them, or None; `Out(v, borrow=True)`
            is an output that is not copied: it is valid until the next call.
        updates: (shared variable, new value) pairs, written after the outputs.
        givens: (variable, replacement) pairs.
        target: "numpy" (a plan), "numba" (the same plan, jitted; "numpy" with a
            warning where numba is missing) or "reference" (each op by its NumPy
            meaning).
        on_unused_input: "raise" (default), "warn" or "ignore".
        allow_input_downcast: let float64 arrays become float32 inputs.
        profile: measure each node's time; ``print(f.profile)`` shows where it goes.
        nan_guard: raise NanGuardError at the first NaN, before anything is written;
            `NanGuard(inf=True, big=1e10)` looks for more.
        mode: a `NanGuardMode` sets ``nan_guard``; others change nothing.
        accept_inplace, rebuild_strict: accepted for Theano programs.

    Raises: UsageError, MissingInputError, UnusedInputError, TargetError, ... at the
        user's line.
    """
    target = check_target(target)
    given = [In(v) if isinstance(v, Variable) else v for v in _listed(inputs)]
    pairs = _pairs(updates, "updates") + [
        (i.variable, i.update) for i in given if i.update is not None
    ]
    spec = _specify(given, outputs, pairs, _pairs(givens, "givens"), no_default_updates)
    spec = replace_spec(spec, name=name or "f", target=target,
                        allow_downcast=allow_input_downcast,
                        profiled=bool(config.profile if profile is None else profile),
                        nan_guard=_guard(nan_guard, mode))  # fmt: skip
    _check_inputs(spec, on_unused_input or "raise")
    return Function(cut_at_inputs(spec))


@dataclass(frozen=True, slots=True)
class Spec:
    """What a function computes: enough to compile it, in this process or another."""

    inputs: tuple[In, ...]
    outputs: tuple[Variable, ...]
    updates: tuple[tuple[SharedVariable, Variable], ...]
    form: object = None  # None, "one", "list", or the keys of a dict
    name: str = "f"
    target: str = "numpy"
    allow_downcast: bool | None = None
    borrowed: tuple[bool, ...] = ()
    profiled: bool = False
    nan_guard: NanGuard | None = None


def _guard(wanted: bool | NanGuard | None, mode: object) -> NanGuard | None:
    if wanted is None:
        return mode.nan_guard if isinstance(mode, Mode) else None
    if isinstance(wanted, bool):
        return NanGuard() if wanted else None
    return wanted


def cut_at_inputs(spec: Spec) -> Spec:
    """The spec over fresh variables where an input was computed.

    Otherwise a length of such an input would be sought in what it was computed from.
    """
    fresh = {
        i.variable: Variable(i.variable.type, name=i.variable.name)
        for i in spec.inputs
        if i.variable.owner is not None
    }
    if not fresh:
        return spec
    made = replace([*spec.outputs, *(new for _, new in spec.updates)], fresh)
    count = len(spec.outputs)
    olds = [old for old, _ in spec.updates]
    return replace_spec(
        spec,
        inputs=tuple(
            dataclasses.replace(i, variable=fresh.get(i.variable, i.variable))
            for i in spec.inputs
        ),
        outputs=tuple(made[:count]),
        updates=tuple(zip(olds, made[count:], strict=True)),
    )


def replace_spec(spec: Spec, **changes: Any) -> Spec:
    fields = {name: getattr(spec, name) for name in Spec.__slots__}
    return Spec(**(fields | changes))


def check_target(target: str) -> str:
    """The target to use for the one asked for: without numba, "numpy" for "numba".

    Raises: TargetError for an unknown target or one whose library is missing.
    """
    library = LIBRARIES.get(target)
    if target not in TARGETS and library is None:
        known = ", ".join(dict.fromkeys((*TARGETS, *LIBRARIES)))
        raise TargetError(f"target must be one of {known}; got {target!r}")
    if library is None or importlib.util.find_spec(library) is not None:
        if target in TARGETS:
            return target
        raise TargetError(
            f"target {target!r} is not in this version", hint='use "numpy"'
        )
    if target == "numba":
        warn_once(
            'numba is not installed: target="numba" runs as target="numpy", slower; '
            'to have it: pip install "symseq[numba]"'
        )
        return "numpy"
    raise TargetError(
        f"target {target!r} needs the library {library}, which is not installed",
        hint=f'pip install "symseq[{target}]", or use target="numpy"',
    )


@cache
def warn_once(message: str) -> None:
    """A UserWarning, the first time in this process."""
    warnings.warn(message, UserWarning, stacklevel=4)


def _listed(inputs: Sequence[Variable | In] | Variable) -> list[Variable | In]:
    if isinstance(inputs, Variable):
        raise UsageError("inputs must be a list of variables; got one variable",
                         hint="write function([x], ...)")  # fmt: skip
    for item in inputs:
        if not isinstance(item, (Variable, In)):
            raise UsageError(f"an input must be a variable or In(...); got {item!r}")
    return list(inputs)


def _pairs(value: Mapping[Any, Any] | Pairs | None, what: str) -> list[tuple[Any, Any]]:
    items = [] if value is None else list(getattr(value, "items", lambda: value)())
    for item in items:
        if not (isinstance(item, (tuple, list)) and len(item) == 2):
            raise UsageError(f"{what} must be a dict or (variable, value) pairs; "
                             f"got {item!r}")  # fmt: skip
    return [(a, b) for a, b in items]


def _specify(
    given: list[In],
    outputs: Any,
    pairs: list[tuple[Any, Any]],
    givens: list[tuple[Any, Any]],
    no_default_updates: bool | Sequence[SharedVariable],
) -> Spec:
    form, asked = _output_form(outputs)
    listed = [_output(v) for v in asked]
    updates = [check_update(old, new, pairs) for old, new in pairs]
    updates += _default_updates(listed, updates, no_default_updates)
    everything = [*listed, *(new for _, new in updates)]
    if givens:
        mapping = {old: as_tensor(new, old.dtype) for old, new in givens}
        everything = replace(everything, mapping)
        everything += []
    count = len(listed)
    news = everything[count:]
    return Spec(
        tuple(given),
        tuple(everything[:count]),
        tuple((s, new) for (s, _), new in zip(updates, news, strict=True)),
        form,
        borrowed=tuple(isinstance(v, Out) and v.borrow for v in asked),
    )


def _output_form(outputs: Any) -> tuple[object, list[Any]]:
    """The form that results take, and the outputs in order."""
    if outputs is None:
        return None, []
    if isinstance(outputs, Mapping):
        return tuple(outputs), list(outputs.values())
    if isinstance(outputs, (list, tuple)):
        return "list", list(outputs)
    return "one", [outputs]


def _output(value: object) -> Variable:
    return value.variable if isinstance(value, Out) else as_tensor(value)


def check_update(
    old: object, new: object, pairs: list[tuple[Any, Any]]
) -> tuple[SharedVariable, Variable]:
    """One update, its new value in the shared variable's dtype and rank.

    Raises: UsageError, DTypeError, ShapeError with the lines of both.
    """
    if not isinstance(old, SharedVariable):
        shown = f"{old}" if isinstance(old, Variable) else repr(old)
        raise UsageError(
            f"only a shared variable can be updated; got {shown}",
            hint="make it with shared(value), or return the new value as an output",
        ).at(here(), operands([old] if isinstance(old, Variable) else []))
    if sum(other is old for other, _ in pairs) > 1:
        raise UsageError(
            f"a shared variable takes one update; {old.label} is given two"
        ).at(here(), operands([old]))
    weak = isinstance(new, (bool, int, float))
    value = as_tensor(new, old.dtype if weak else None)
    if value.dtype != old.dtype:
        raise DTypeError(
            f"an update keeps the dtype: {old.label} is {old.dtype}; "
            f"the new value is {value.dtype}",
            hint=f"cast it: new.astype('{old.dtype}')",
        ).at(here(), operands([old, value]))
    if value.ndim != old.ndim:
        raise ShapeError(
            f"an update keeps the rank: {old.label} is {old.type}; "
            f"the new value is {value.type}"
        ).at(here(), operands([old, value]))
    return old, value


def _default_updates(
    outputs: list[Variable],
    updates: list[tuple[SharedVariable, Variable]],
    refused: bool | Sequence[SharedVariable],
) -> list[tuple[SharedVariable, Variable]]:
    """The updates that shared variables bring along (random streams)."""
    if refused is True:
        return []
    skipped = {id(s) for s, _ in updates}
    skipped |= set() if isinstance(refused, bool) else {id(s) for s in refused}
    found = []
    for shared in shared_variables([*outputs, *(new for _, new in updates)]):
        if shared.default_update is not None and id(shared) not in skipped:
            found.append((shared, shared.default_update))
    return found


def _check_inputs(spec: Spec, on_unused_input: str) -> None:
    wanted = [*spec.outputs, *(new for _, new in spec.updates)]
    known = {id(i.variable) for i in spec.inputs}
    if len(known) != len(spec.inputs):
        raise UsageError("an input is listed twice")
    for i in spec.inputs:
        if isinstance(i.variable, (SharedVariable, Constant)):
            kind = type(i.variable).__name__
            raise UsageError(f"an input must be a free variable; {i.label} is a {kind}")
    variables = [i.variable for i in spec.inputs]
    for variable in free_inputs(wanted, stop=variables):
        if id(variable) not in known:
            raise MissingInputError(
                f"the function reads {variable}, which is not among its inputs",
                hint="add it to inputs, or give it a value with givens",
            ).at(here(), operands([variable]))
    used = {id(v) for v in leaves(wanted, stop=variables)}
    for i in spec.inputs:
        if id(i.variable) not in used and on_unused_input != "ignore":
            message = (
                f"input {i.label or i.variable} is not read by any output or update"
            )
            if on_unused_input == "warn":
                warnings.warn(message, UserWarning, stacklevel=4)
                continue
            raise UnusedInputError(
                message, hint='leave it out, or pass on_unused_input="ignore"'
            ).at(here(), operands([i.variable]))


class Function:
    """A compiled graph. Call it with arrays, by position or by keyword.

    Outputs are fresh arrays. A call that fails leaves every shared variable as it was.
    ``plan.source`` is the program that runs; ``copy()`` serves another thread;
    ``profile`` is where the time went (None unless asked for).
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.name = spec.name
        self._lock = threading.Lock()
        self._variables = [i.variable for i in spec.inputs]
        self._kept = {i.variable: i.value for i in spec.inputs if i.value is not None}
        self.profile = Profile(spec.name) if spec.profiled else None
        watched = spec.profiled or spec.nan_guard is not None
        self._watch = Watch(self.profile, spec.nan_guard) if watched else None
        self._compiled: Compiled | None = None
        self._versions: tuple[int, ...] = ()
        self._compile()

    def _compile(self) -> Compiled:
        spec = self.spec
        self._compiled = compile_graph(
            self._variables,
            spec.outputs,
            spec.updates,
            spec.name,
            check_target(spec.target),
            spec.borrowed,
            self._watch,
        )
        self._versions = self._shared_versions()
        return self._compiled

    def _shared_versions(self) -> tuple[int, ...]:
        assert self._compiled is not None
        return tuple([variable.version for variable in self._compiled.shared])

    @property
    def plan(self) -> Any:
        """The plan that runs (target "numpy"); None for the reference target."""
        assert self._compiled is not None
        return self._compiled.plan

    @property
    def inputs(self) -> list[Variable]:
        return list(self._variables)

    @property
    def outputs(self) -> list[Variable]:
        return list(self.spec.outputs)

    @property
    def updates(self) -> dict[SharedVariable, Variable]:
        return dict(self.spec.updates)

    def __call__(self, *args: object, **named: object) -> Any:
        if not self._lock.acquire(blocking=False):
            raise ReentryError(
                f"{self.name} is running: its memory serves one call at a time",
                hint="use f.copy() for another thread",
            )
        try:
            arrays = self._arrays(args, named)
            compiled = self._compiled
            assert compiled is not None
            if self._versions != self._shared_versions():
                compiled = self._compile()
            results = compiled.run(arrays)
        finally:
            self._lock.release()
        return self._shaped(results)

    def _shaped(self, results: list[Array]) -> Any:
        form = self.spec.form
        if form == "one":
            return results[0]
        if isinstance(form, tuple):
            return dict(zip(form, results, strict=True))
        return results

    def _arrays(
        self, args: tuple[object, ...], named: dict[str, object]
    ) -> list[Array]:
        given = self.spec.inputs
        if len(args) > len(given):
            raise UsageError(
                f"{self.name} takes {len(given)} arguments; got {len(args)}"
            )
        arrays = [self._coerce(i, value) for i, value in zip(given, args, strict=False)]
        for i in given[len(args) :]:
            if i.label in named:
                arrays.append(self._coerce(i, named.pop(i.label)))
            elif i.variable in self._kept:
                arrays.append(self._coerce(i, self._kept[i.variable]))
            else:
                raise UsageError(
                    f"{self.name} needs a value for input {i.label or i.variable}"
                ).at(here(), operands([i.variable]))
        if named:
            raise UsageError(f"{self.name} has no input named {next(iter(named))!r}")
        return arrays

    def _coerce(self, i: In, value: object) -> Array:
        allow = (
            self.spec.allow_downcast if i.allow_downcast is None else i.allow_downcast
        )
        return coerce(value, i.variable, allow)

    def copy(self, share_memory: bool = False) -> Function:
        """The same function with buffers of its own; shared variables stay shared."""
        return Function(self.spec)

    def get_shared(self) -> list[SharedVariable]:
        """The shared variables that the function reads or updates."""
        assert self._compiled is not None
        return list(self._compiled.shared)

    def __reduce__(self) -> tuple[Any, ...]:
        return Function, (self.spec,)

    def __repr__(self) -> str:
        shown = ", ".join(str(v.label) for v in self._variables)
        return f"<symseq function {self.name}({shown}), target {self.spec.target}>"


def coerce(value: object, variable: Variable, allow_downcast: bool | None) -> Array:
    """`value` as an array of the variable's dtype and rank.

    Raises: DTypeError, ShapeError with the line of the input and of the call.
    """
    type_ = variable.type
    array = np.asarray(value)
    if array.dtype != type_.dtype:
        array = _cast(array, value, type_, variable, allow_downcast)
    if array.ndim != type_.ndim:
        raise ShapeError(
            f"input {variable.label} must have rank {type_.ndim} ({type_}); "
            f"got rank {array.ndim} with shape {array.shape}"
        ).at(here(), operands([variable]))
    return array


def _cast(
    array: Array,
    value: object,
    type_: TensorType,
    variable: Variable,
    allow_downcast: bool | None,
) -> Array:
    kind, wanted = array.dtype.kind, np.dtype(type_.dtype)
    safe = kind in "biuf" and (
        np.can_cast(array.dtype, wanted, "safe") or bool(allow_downcast)
    )
    if not safe and kind in "biu" and wanted.kind in "iuf":
        safe = bool(np.all(array.astype(wanted) == array))
    if not safe and kind == "f" and wanted.kind == "f" and allow_downcast is not False:
        safe = not isinstance(value, np.ndarray)  # numbers and lists of Python
    if not safe:
        raise DTypeError(
            f"input {variable.label} must be {type_.dtype}; got {array.dtype}",
            hint=f"cast it with .astype('{type_.dtype}'), or compile with "
            "allow_input_downcast=True",
        ).at(here(), operands([variable]))
    return array.astype(wanted)
