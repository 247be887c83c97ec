"""The lines of single steps over NumPy: ufuncs, forms of structured ops, copies."""

from __future__ import annotations

from collections.abc import Iterable

from symseq.ops.subtensor import IncSubtensor

from ..memory import Lifetimes
from ..program import Compute, Copy, Kernel, Kind, Program, Step, Value
from ..recipe import Call, Slot
from .numpy_names import Names
from .numpy_rules import FORMS


class StepLines(Names):
    """Writes one step that is neither a loop nor a view."""

    def __init__(self, program: Program, lifetimes: Lifetimes) -> None:
        super().__init__(program)
        self.lifetimes = lifetimes

    def of(self, step: Step) -> Iterable[str]:
        match step:
            case Kernel():
                for call in step.recipe.calls:
                    yield from self._ufunc(step, call)
            case Compute():
                yield from self._compute(step)
            case Copy():
                if (
                    not self.lifetimes.same(step.out, step.source)
                    or not step.overwrites
                ):
                    yield self.copy(step.out, step.source)

    def copy(self, out: Value, source: Value) -> str:
        if out.kind is Kind.DYNAMIC:
            return f"{out.name} = {source.name}"
        cast = ', "unsafe"' if out.dtype != source.dtype else ""
        return f"{self.call('copyto')}({out.name}, {source.name}{cast})"

    # -- kernels ------------------------------------------------------------------

    def _ufunc(self, step: Kernel, call: Call) -> Iterable[str]:
        dtypes = [
            v.dtype for v in (step.inputs[a.index] for a in call.args if a.kind == "in")
        ]
        known = [step.temps[a.index].dtype for a in call.args if a.kind == "tmp"]
        beside = (dtypes + known or [step.out.dtype])[-1]
        if beside == "bool":
            beside = step.out.dtype

        def show(slot: Slot) -> str:
            if slot.kind == "num":
                return self.number(slot.number, beside)
            return self._slot(step, slot).name

        out = self._slot(step, call.out)
        if call.function == "copy":
            yield f'{self.call("copyto")}({out.name}, {show(call.args[0])}, "unsafe")'
        elif call.function == "where":
            condition, a, b = call.args
            beside = out.dtype
            if b.kind == "num" or not self._is_same(step, b, out):
                yield f"{self.call('copyto')}({out.name}, {show(b)})"
            chosen = f"{out.name}, {show(a)}, where={show(condition)}"
            yield f"{self.call('copyto')}({chosen})"
        else:
            arguments = ", ".join(map(show, call.args))
            # NumPy 2.4 wants the output of these two by its keyword.
            by_name = "out=" if call.function in ("maximum", "minimum") else ""
            yield f"{self.call(call.function)}({arguments}, {by_name}{out.name})"

    def _is_same(self, step: Kernel, slot: Slot, out: Value) -> bool:
        value = self._slot(step, slot)
        return value is out or (
            value.kind is Kind.BUFFER and self.lifetimes.same(value, out)
        )

    def _slot(self, step: Kernel, slot: Slot) -> Value:
        if slot.kind == "in":
            return step.inputs[slot.index]
        return step.out if slot.kind == "out" else step.temps[slot.index]

    # -- structured ops -----------------------------------------------------------

    def _compute(self, step: Compute) -> Iterable[str]:
        assert step.node is not None
        form = FORMS.get(type(step.node.op))
        static = all(v.kind is not Kind.DYNAMIC for v in (*step.outs, *step.inputs))
        if form is not None and static:
            yield from form(self, step)
        else:
            yield from self.by_meaning(step)

    def by_meaning(self, step: Compute) -> Iterable[str]:
        """A call of the op's NumPy meaning, its results copied to their buffers."""
        assert step.node is not None
        name = self.op(step.node, self._is_checked(step))
        arguments = ", ".join(value.name for value in step.inputs)
        if all(value.kind is Kind.DYNAMIC for value in step.outs):
            yield f"{', '.join(v.name for v in step.outs)}, = {name}({arguments})"
        elif len(step.outs) == 1:
            yield f"{self.call('copyto')}({step.outs[0].name}, {name}({arguments})[0])"
        else:
            yield f"{name}_made = {name}({arguments})"
            for k, out in enumerate(step.outs):
                made = f"{name}_made[{k}]"
                if out.kind is Kind.DYNAMIC:
                    yield f"{out.name} = {made}"
                else:
                    yield f"{self.call('copyto')}({out.name}, {made})"

    def _is_checked(self, step: Compute) -> bool:
        """Whether lengths, or bounds that only the run knows, are checked then."""
        assert step.node is not None
        values = (*step.outs, *step.inputs)
        bounds = isinstance(step.node.op, IncSubtensor)
        return bounds or any(v.kind is Kind.DYNAMIC for v in values)
