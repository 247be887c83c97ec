"""A row's NumPy expression as ufunc calls with prepared outputs.

'1 / (1 + np.exp(-{0}))' becomes

    negative(x0, y); exp(y, y); add(1, y, y); divide(1, y, y)
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache

from symseq.errors import UsageError
from symseq.types import DTYPES

BINARY = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide",
    ast.FloorDiv: "floor_divide", ast.Mod: "remainder", ast.Pow: "power",
    ast.BitAnd: "bitwise_and", ast.BitOr: "bitwise_or", ast.BitXor: "bitwise_xor",
}  # fmt: skip
UNARY = {ast.USub: "negative", ast.Invert: "invert"}
COMPARE = {
    ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal",
    ast.Eq: "equal", ast.NotEq: "not_equal",
}  # fmt: skip
BOOLEAN = {*COMPARE.values(), "isnan", "isinf", "isfinite", "signbit",
           "logical_and", "logical_or", "logical_not", "logical_xor"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a call reads or writes: input k, temporary k, a number, or the output."""

    kind: str  # "in", "tmp", "num", "out"
    index: int = 0
    number: float | int | bool = 0


@dataclass(frozen=True, slots=True)
class Call:
    """``function(*args, out)``; 'copy' casts, 'where' is out = a if c else b."""

    function: str
    args: tuple[Slot, ...]
    out: Slot


OUT = Slot("out")


@dataclass(frozen=True, slots=True)
class Recipe:
    """The calls of one elementwise expression; ``temps`` are the temporaries' dtypes.

    A dtype of "" is that of the output, "in" that of the first input.
    """

    calls: tuple[Call, ...]
    temps: tuple[str, ...]

    def uses(self, function: str) -> bool:
        return any(call.function == function for call in self.calls)

    @property
    def is_choice(self) -> bool:
        """Whether it is one `where` of three inputs."""
        if len(self.calls) != 1 or self.calls[0].function != "where":
            return False
        return all(slot.kind == "in" for slot in self.calls[0].args)

    def may_share(self, index: int) -> bool:
        """Whether the output may lie over input `index`: no read after a write."""
        me, written = Slot("in", index), False
        for call in self.calls:
            if written and me in call.args:
                return False
            if call.function == "where" and me in call.args[:1]:
                return False
            # 'where' writes one branch before it reads the other.
            if call.function == "where" and call.out == OUT and me == call.args[1]:
                return False
            written = written or call.out == OUT
        return True


class _Flattener:
    """Turns an expression tree into calls; a temporary is free once it is read."""

    def __init__(self, output_is_bool: bool) -> None:
        self.calls: list[Call] = []
        self.temps: list[str] = []
        self.free: list[int] = []
        self.output_is_bool = output_is_bool

    def place(self, tree: ast.expr, boolean: bool, is_root: bool) -> Slot:
        """Compute `tree`; the slot that holds it."""
        if isinstance(tree, ast.Name):
            return Slot("in", int(tree.id[1:]))
        if isinstance(tree, ast.Constant):
            return Slot("num", number=tree.value)  # type: ignore[arg-type]
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.operand, ast.Constant):
            return Slot("num", number=-tree.operand.value)  # type: ignore[operator, arg-type]
        function, operands = _call(tree)
        args = tuple(self.place(t, self._wants_bool(function, k), False)
                     for k, t in enumerate(operands))  # fmt: skip
        produces_bool = function in BOOLEAN or boolean
        out = OUT if is_root else self._slot(function, args, produces_bool)
        self.calls.append(Call(function, args, out))
        for arg in args:
            if arg.kind == "tmp" and arg != out:
                self.free.append(arg.index)
        return out

    def _wants_bool(self, function: str, position: int) -> bool:
        return function.startswith("logical_") or (
            function == "where" and position == 0
        )

    def _slot(self, function: str, args: tuple[Slot, ...], boolean: bool) -> Slot:
        wanted = "bool" if boolean else ("in" if self.output_is_bool else "")
        # A `where` writes its last branch first: only that one may lie in the output.
        reusable = args
        if function == "where":
            reusable = () if args[2] in args[:2] else args[2:]
        for arg in reusable:
            if arg.kind == "tmp" and self.temps[arg.index] == wanted:
                return arg
        for k in self.free:
            if self.temps[k] == wanted:
                self.free.remove(k)
                return Slot("tmp", k)
        self.temps.append(wanted)
        return Slot("tmp", len(self.temps) - 1)


def _call(tree: ast.expr) -> tuple[str, list[ast.expr]]:
    match tree:
        case ast.BinOp(left, op, right):
            return BINARY[type(op)], [left, right]
        case ast.UnaryOp(op, operand):
            return UNARY[type(op)], [operand]
        case ast.Compare(left, [op], [right]):
            return COMPARE[type(op)], [left, right]
        case ast.Call(ast.Attribute(ast.Name("np"), name), args):
            return ("copy" if name in DTYPES else name), list(args)
    raise UsageError(f"no ufunc calls for the expression {ast.unparse(tree)!r}")


@cache
def flatten(text: str, arity: int, output_is_bool: bool = False) -> Recipe:
    """The calls of a row's expression.

    The last call writes the output. Temporaries that have the output's dtype and are
    not needed beside it are the output itself.

    Raises: UsageError for an expression with anything but operators, ufuncs and where.
    """
    source = text.format(*(f"x{k}" for k in range(arity)))
    flattener = _Flattener(output_is_bool)
    tree = ast.parse(source, mode="eval").body
    slot = flattener.place(tree, output_is_bool, True)
    if slot != OUT:
        flattener.calls.append(Call("copy", (slot,), OUT))
    return _fold_into_output(flattener.calls, flattener.temps)


def _fold_into_output(calls: list[Call], temps: list[str]) -> Recipe:
    """Let the temporary that the last call reads first live in the output."""
    last = calls[-1]
    candidates = [a for a in last.args if a.kind == "tmp" and temps[a.index] == ""]
    if last.function == "where":
        # out = b, then out = a where c: only b may lie in the output already.
        candidates = [a for a in candidates if a == last.args[2] and a != last.args[1]]
    if not candidates:
        return Recipe(tuple(calls), tuple(temps))
    gone = candidates[0]

    def move(slot: Slot) -> Slot:
        if slot.kind != "tmp" or slot.index < gone.index:
            return slot
        return OUT if slot == gone else Slot("tmp", slot.index - 1)

    moved = tuple(
        Call(c.function, tuple(map(move, c.args)), move(c.out)) for c in calls
    )
    return Recipe(moved, tuple(t for k, t in enumerate(temps) if k != gone.index))
