"""A kernel's recipe as scalar expressions for jitted code, with NumPy's meaning.

numba widens (int8 + int8 is int64, float32 * 0.5 is float64), so every number has a
dtype and every result of narrow integers is cast back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from symseq.ops.elementwise import Elementwise
from symseq.types import is_float

from ..program import Kernel
from ..recipe import BOOLEAN, Slot

INFIX = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "bitwise_and": "&",
    "bitwise_or": "|", "bitwise_xor": "^", "right_shift": ">>", "less": "<",
    "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==",
    "not_equal": "!=",
}  # fmt: skip
ARITHMETIC = ("add", "subtract", "multiply", "divide", "negative", "right_shift")
# Functions of one float that the machine or numba_memory has, for both widths.
MACHINE = {
    "floor": "floor", "ceil": "ceil", "trunc": "trunc", "rint": "rint", "sqrt": "sqrt"
}  # fmt: skip
# Python's math has them for floats; numba calls the C function of the operand's width.
MATH = {
    "sin": "sin", "cos": "cos", "tan": "tan", "arcsin": "asin", "arccos": "acos",
    "arctan": "atan", "arctan2": "atan2", "sinh": "sinh", "cosh": "cosh",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "expm1": "expm1",
    "log1p": "log1p", "exp": "exp", "log": "log", "tanh": "tanh",
}  # fmt: skip
VECTORISED = {"exp": "exp32", "log": "log32", "tanh": "tanh32"}
# Rows that have a better form than their NumPy text, by (row, dtype).
ROWS = {
    ("sigmoid", "float32"): "sigmoid32({0})",
    ("erf", "float32"): "math.erf({0})", ("erf", "float64"): "math.erf({0})",
    ("erfc", "float32"): "math.erfc({0})", ("erfc", "float64"): "math.erfc({0})",
}  # fmt: skip
OTHERS = {
    "negative", "invert", "absolute", "abs", "sign", "maximum", "minimum", "where",
    "copy", "isnan", "isinf", "isfinite", "floor_divide", "remainder", "power",
    "log2", "log10", "exp2", "logical_and", "logical_or", "logical_not", "fold_in",
}  # fmt: skip


def can_compute(step: Kernel) -> bool:
    """Whether every call of the kernel has a scalar form here."""
    if _row(step) is not None:
        return True
    for call in step.recipe.calls:
        known = (
            call.function in INFIX
            or call.function in MACHINE
            or call.function in MATH
            or call.function in OTHERS
        )
        if not known:
            return False
        whole = not is_float(step.out.dtype)
        if call.function == "power" and whole:
            return False  # it may raise: NumPy's loop does
        if step.out.dtype == "bool" and call.function in ARITHMETIC:
            return False  # NumPy refuses some, and adds others as truth values
    return True


def _row(step: Kernel) -> str | None:
    """The special form of the step's row, if the step is that row alone."""
    if step.node is None or not isinstance(step.node.op, Elementwise):
        return None
    if len(step.inputs) != len(step.node.inputs):
        return None
    return ROWS.get((step.node.op.name, step.out.dtype))


@dataclass(frozen=True, slots=True)
class Scalar:
    """An expression and its dtype; ``bare``: it needs no parentheses."""

    text: str
    dtype: str
    bare: bool = True

    @property
    def inner(self) -> str:
        return self.text if self.bare else f"({self.text})"


class Scalars:
    """Writes kernels as assignments to local names."""

    def __init__(self, fresh: Callable[[str], str], call: Callable[[str], str]) -> None:
        self.fresh = fresh  # a local name that is not taken
        self.call = call  # a function of the runtime that the text needs

    def kernel(
        self, step: Kernel, inputs: Sequence[Scalar]
    ) -> Iterator[tuple[str, Scalar]]:
        """(name, expression) to assign, the last being the kernel's result."""
        form = _row(step)
        if form is not None:
            text = form.format(*(x.text for x in inputs))
            yield step.out.name, Scalar(self._module(text), step.out.dtype)
            return
        held: dict[Slot, Scalar] = {}
        counts = _reads_of(step)
        calls = step.recipe.calls
        for k, call in enumerate(calls):
            dtype = self._dtype(step, call.function, call.out)
            args = [
                inputs[a.index] if a.kind == "in" else held.get(a) for a in call.args
            ]
            beside = self._beside(step, args)
            given = [
                x if x is not None else self.number(a.number, beside)
                for x, a in zip(args, call.args, strict=True)
            ]
            made = self.apply(call.function, given, dtype)
            if k + 1 < len(calls) and counts[k] > 1 and made.text != given[0].text:
                name = self.fresh(step.out.name)
                yield name, made
                made = Scalar(name, dtype)
            held[call.out] = made
        yield step.out.name, self.cast(held[calls[-1].out], step.out.dtype)

    def _beside(self, step: Kernel, args: Sequence[Scalar | None]) -> str:
        """The dtype of numbers in a call: that of the last operand beside them."""
        known = [x.dtype for x in args if x is not None]
        beside = (known or [step.out.dtype])[-1]
        return step.out.dtype if beside == "bool" else beside

    def _dtype(self, step: Kernel, function: str, out: Slot) -> str:
        if function in BOOLEAN:
            return "bool"
        if out.kind == "out":
            return step.out.dtype
        return _temp_dtypes(step)[out.index]

    def number(self, value: float | int | bool, dtype: str) -> Scalar:
        """A number of that dtype."""
        if dtype == "bool":
            return Scalar(str(bool(value)), dtype)
        text = repr(float(value)) if is_float(dtype) else repr(int(value))
        if text in ("inf", "-inf", "nan"):
            text = text.replace("inf", "math.inf").replace("nan", "math.nan")
        if dtype == "float64":
            return Scalar(text, dtype, bare=not text.startswith("-"))
        return Scalar(f"{self.call(dtype)}({text})", dtype)

    def cast(self, x: Scalar, dtype: str) -> Scalar:
        """x in another dtype, as NumPy's unsafe cast does it."""
        if x.dtype == dtype:
            return x
        if dtype == "bool":
            return Scalar(f"{x.inner} != 0", dtype, bare=False)
        return Scalar(f"{self.call(dtype)}({x.text})", dtype)

    def _module(self, text: str) -> str:
        """`text` with the functions that it names imported."""
        name = text[: text.index("(")]
        if "." not in name:
            self.call(name)
        return text

    def _function(self, name: str, args: Sequence[Scalar], dtype: str) -> Scalar:
        shown = ", ".join(x.text for x in args)
        return Scalar(f"{self.call(name)}({shown})", dtype)

    def apply(self, function: str, args: Sequence[Scalar], dtype: str) -> Scalar:
        """One call on scalars."""
        if function in INFIX and dtype != "bool":
            text = f"{args[0].inner} {INFIX[function]} {args[1].inner}"
            return self._narrow(Scalar(text, dtype, bare=False))
        match function:
            case "copy":
                return self.cast(args[0], dtype)
            case "where":
                branches = [self.cast(x, dtype) for x in args[1:]]
                return self._function("where", [args[0], *branches], dtype)
            case "maximum" | "minimum":
                return self._function(function, args, dtype)
        if function in MACHINE:
            return self._function(MACHINE[function], args, dtype)
        if function in VECTORISED and dtype == "float32":
            return self._function(VECTORISED[function], args, dtype)
        if function in MATH:
            shown = ", ".join(x.text for x in args)
            return self.cast_back(f"math.{MATH[function]}({shown})", dtype)
        if dtype == "bool":
            return self._truth(function, args)
        return self._other(function, args, dtype)

    def cast_back(self, text: str, dtype: str) -> Scalar:
        """A call whose result numba may have widened."""
        if dtype == "float32":
            return Scalar(f"{self.call('float32')}({text})", dtype)
        return Scalar(text, dtype)

    def _narrow(self, x: Scalar) -> Scalar:
        """Integers below 64 bits wrap; floats and int64 are what numba computes."""
        if is_float(x.dtype) or x.dtype == "int64":
            return x
        return Scalar(f"{self.call(x.dtype)}({x.text})", x.dtype)

    def _truth(self, function: str, args: Sequence[Scalar]) -> Scalar:
        """A test or a logical operation."""
        x = args[0]
        if function in INFIX:
            text = f"{x.inner} {INFIX[function]} {args[1].inner}"
            return Scalar(text, "bool", bare=False)
        if not is_float(x.dtype) and function in ("isnan", "isinf"):
            return Scalar("False", "bool")
        if not is_float(x.dtype) and function == "isfinite":
            return Scalar("True", "bool")
        infinite = self.number(float("inf"), x.dtype).text
        size = f"{self.call('fabs')}({x.text})"
        match function:
            case "isnan":
                text = f"{x.inner} != {x.inner}"
            case "isinf":
                text = f"{size} == {infinite}"
            case "isfinite":
                text = f"{size} < {infinite}"
            case "logical_not" | "invert":
                text = f"not {x.inner}"
            case "logical_and" | "logical_or":
                word = "and" if function == "logical_and" else "or"
                a, b = (self.cast(v, "bool").inner for v in args)
                text = f"{a} {word} {b}"
            case _:
                return self._other(function, args, "bool")
        return Scalar(text, "bool", bare=False)

    def _other(self, function: str, args: Sequence[Scalar], dtype: str) -> Scalar:
        x = args[0]
        match function:
            case "negative":
                return self._narrow(Scalar(f"-{x.inner}", dtype, bare=False))
            case "invert":
                return self._narrow(Scalar(f"~{x.inner}", dtype, bare=False))
            case "absolute" | "abs":
                if is_float(dtype):
                    return self._function("fabs", args, dtype)
                if dtype in ("uint8", "bool"):
                    return x
                negative = self._narrow(Scalar(f"-{x.inner}", dtype, bare=False))
                condition = Scalar(f"{x.inner} < 0", "bool")
                return self._function("where", [condition, negative, x], dtype)
            case "sign":
                return self._sign(x)
            case "floor_divide" | "remainder":
                return self._division(function, args, dtype)
            case "power":
                text = f"math.pow({args[0].text}, {args[1].text})"
                return self.cast_back(text, dtype)
            case "log2" | "log10":
                base = "math.log2" if function == "log2" else "math.log10"
                return self.cast_back(f"{base}({x.text})", dtype)
            case "exp2":
                two = self.number(2.0, dtype).text
                return self.cast_back(f"math.pow({two}, {x.text})", dtype)
            case "fold_in":
                return self._function("fold_in", args, dtype)
        raise AssertionError(function)

    def _division(self, function: str, args: Sequence[Scalar], dtype: str) -> Scalar:
        """Whole division and its remainder; in float64 both are exact."""
        name = "quotient" if function == "floor_divide" else "remainder"
        if not is_float(dtype):
            name = f"whole_{name}"
        shown = ", ".join(x.text for x in args)
        text = f"{self.call(name)}({shown})"
        return Scalar(text if dtype in ("int64", "float64") else
                      f"{self.call(dtype)}({text})", dtype)  # fmt: skip

    def _sign(self, x: Scalar) -> Scalar:
        """1, -1, or x itself where it is 0 or NaN."""
        where = self.call("where")
        up, down = (self.number(n, x.dtype).text for n in (1, -1))
        less = f"{where}({x.inner} < 0, {down}, {x.text})"
        return Scalar(f"{where}({x.inner} > 0, {up}, {less})", x.dtype)


def _temp_dtypes(step: Kernel) -> list[str]:
    kinds = {"": step.out.dtype, "in": step.inputs[0].dtype if step.inputs else ""}
    return [kinds.get(t, t) for t in step.recipe.temps]


def _reads_of(step: Kernel) -> list[int]:
    """How often the result of each call is read before its slot is written again."""
    counts = [0] * len(step.recipe.calls)
    writer: dict[Slot, int] = {}
    for k, call in enumerate(step.recipe.calls):
        for arg in call.args:
            if arg in writer:
                counts[writer[arg]] += 1
        writer[call.out] = k
    return counts
