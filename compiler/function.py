"""`function`: compile a graph to a callable that updates shared variables."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symseq.config import config
from symseq.errors import ReentryError, UsageError
from symseq.graph import SharedVariable, Variable
from symseq.types import Array

from .arguments import Arguments
from .pipeline import Compiled, compile_graph
from .profile import Profile
from .runtime.library import BrokenLibraryError
from .spec import (
    In,
    Out,
    Pairs,
    Param,
    Spec,
    check_inputs,
    cut_at_inputs,
    listed,
    pairs_of,
    replace_spec,
    specify,
)
from .targets import check_target, without
from .watch import NanGuard, Watch

__all__ = ["Function", "In", "Mode", "Out", "Param", "function"]


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
    memory_budget: int | None = None,
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
            warning where numba is missing or broken) or "reference" (each op by its
            NumPy meaning).
        on_unused_input: "raise" (default), "warn" or "ignore".
        allow_input_downcast: let float64 arrays become float32 inputs.
        profile: measure each node's time; ``print(f.profile)`` shows where it goes.
        nan_guard: raise NanGuardError at the first NaN, before anything is written;
            `NanGuard(inf=True, big=1e10)` looks for more.
        memory_budget: the most bytes of working memory of a call; where a plan would
            need more, gradients of loops compute light rows again, or else keep
            checkpoints and compute the rest again.
        mode: a `NanGuardMode` sets ``nan_guard``; others change nothing.
        accept_inplace, rebuild_strict: accepted for Theano programs.

    Raises: UsageError, MissingInputError, UnusedInputError, TargetError, ... at the
        user's line.
    """
    target = check_target(target)
    _check_budget(memory_budget)
    given = [In(v) if isinstance(v, Variable) else v for v in listed(inputs)]
    pairs, replaced = pairs_of(updates, "updates"), pairs_of(givens, "givens")
    spec = specify(given, outputs, pairs, replaced, no_default_updates)
    spec = replace_spec(spec, name=name or "f", target=target,
                        allow_downcast=allow_input_downcast,
                        profiled=bool(config.profile if profile is None else profile),
                        nan_guard=_guard(nan_guard, mode),
                        memory_budget=memory_budget)  # fmt: skip
    check_inputs(spec, on_unused_input or config.on_unused_input)
    return Function(cut_at_inputs(spec))


def _check_budget(nbytes: int | None) -> None:
    if nbytes is None:
        return
    whole = isinstance(nbytes, (int, np.integer)) and not isinstance(nbytes, bool)
    if not whole or nbytes < 1:
        raise UsageError(
            f"memory_budget must be a whole number of bytes from 1 on; got {nbytes!r}",
            hint="memory_budget=10**6 is a megabyte; None sets no limit",
        )


def _guard(wanted: bool | NanGuard | None, mode: object) -> NanGuard | None:
    if wanted is None:
        return mode.nan_guard if isinstance(mode, Mode) else None
    if isinstance(wanted, bool):
        return NanGuard() if wanted else None
    return wanted


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A function's graph after the passes."""

    outputs: list[Variable]
    updates: dict[SharedVariable, Variable]


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
        self._arguments = Arguments(spec)
        self.profile = Profile(spec.name) if spec.profiled else None
        watched = spec.profiled or spec.nan_guard is not None
        self._watch = Watch(self.profile, spec.nan_guard) if watched else None
        self._compiled: Compiled | None = None
        self._versions: tuple[int, ...] = ()
        self._compile()

    def _compile(self) -> Compiled:
        try:
            self._compiled = self._compiled_for(self.spec)
        except BrokenLibraryError as error:
            other = without(self.spec.target, error)
            self.spec = replace_spec(self.spec, target=other)
            self._compiled = self._compiled_for(self.spec)
        self._versions = self._shared_versions()
        return self._compiled

    def _compiled_for(self, spec: Spec) -> Compiled:
        return compile_graph(
            self._variables,
            spec.outputs,
            spec.updates,
            spec.name,
            check_target(spec.target),
            spec.borrowed,
            self._watch,
            spec.memory_budget,
        )

    def _shared_versions(self) -> tuple[int, ...]:
        assert self._compiled is not None
        return tuple([variable.version for variable in self._compiled.shared])

    @property
    def plan(self) -> Any:
        """The plan that runs (target "numpy"); None for the reference target."""
        assert self._compiled is not None
        return self._compiled.latest or self._compiled.plan

    @property
    def inputs(self) -> list[Variable]:
        return list(self._variables)

    @property
    def outputs(self) -> list[Variable]:
        return list(self.spec.outputs)

    @property
    def updates(self) -> dict[SharedVariable, Variable]:
        return dict(self.spec.updates)

    @property
    def rewritten(self) -> Rewritten:
        """The graph that runs: after all passes (for "reference", the user's own)."""
        assert self._compiled is not None
        made = list(self._compiled.rewritten)
        if not made:
            return Rewritten(self.outputs, self.updates)
        count = len(self.spec.outputs)
        targets = [shared for shared, _ in self.spec.updates]
        return Rewritten(made[:count], dict(zip(targets, made[count:], strict=True)))

    def __call__(self, *args: object, **named: object) -> Any:
        if not self._lock.acquire(blocking=False):
            raise ReentryError(
                f"{self.name} is running: its memory serves one call at a time",
                hint="use f.copy() for another thread",
            )
        try:
            arrays, states = self._arguments.arrays(args, named)
            results = self._run(arrays) if not states else self._set(states, arrays)
        finally:
            self._lock.release()
        return self._shaped(results)

    def _run(self, arrays: list[Array]) -> list[Array]:
        compiled = self._compiled
        assert compiled is not None
        if self._versions != self._shared_versions():
            compiled = self._compile()
        return compiled.run(arrays)

    def _set(
        self, states: list[tuple[SharedVariable, Array]], arrays: list[Array]
    ) -> list[Array]:
        """Run with other kept values; a call that fails keeps those that there were."""
        before = [(shared, shared.get_value()) for shared, _ in states]
        for shared, value in states:
            shared.set_value(value)
        try:
            return self._run(arrays)
        except BaseException:
            for shared, value in before:
                shared.set_value(value)
            raise

    def _shaped(self, results: list[Array]) -> Any:
        form = self.spec.form
        if form == "one":
            return results[0]
        if isinstance(form, tuple):
            return dict(zip(form, results, strict=True))
        return results

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
