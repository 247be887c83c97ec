"""How structured ops are written as jitted loops; one rule per op."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from symseq.graph import Op
from symseq.ops.linalg import BatchedDot, Dot
from symseq.types import is_float

from ..lower.places import ONE
from ..program import Compute, Kind, Value
from .numba_writer import Writer

Write = Callable[[Writer, Compute], None]
WRITERS: dict[type[Op], Write] = {}
Able = Callable[[Compute], bool]
ABLE: dict[type[Op], Able] = {}


def writes(*kinds: type[Op], able: Able | None = None) -> Callable[[Write], Write]:
    """Declare the lines for a node of these ops, and for which steps they do."""

    def enter(rule: Write) -> Write:
        WRITERS.update(dict.fromkeys(kinds, rule))
        if able is not None:
            ABLE.update(dict.fromkeys(kinds, able))
        return rule

    return enter


def can_write(step: Compute) -> bool:
    """Whether a rule does what the op does."""
    kind = None if step.node is None else type(step.node.op)
    values = (*step.inputs, *step.outs)
    if kind not in WRITERS or any(v.kind is Kind.DYNAMIC for v in values):
        return False
    if len({id(v.root) for v in step.outs} & {id(v.root) for v in step.inputs}):
        return step.overwrites
    return kind not in ABLE or ABLE[kind](step)


def _is_product(step: Compute) -> bool:
    return is_float(step.outs[0].dtype) and step.outs[0].is_contiguous


# -- products -----------------------------------------------------------------------


@dataclass(frozen=True)
class Matrix:
    """Names of a matrix' numbers: address, whether transposed, elements by row."""

    at: str
    transposed: str
    by: str
    rows: str
    columns: str


def _matrix(
    writer: Writer, value: Value, rows: int | None, columns: int | None
) -> Matrix:
    """A matrix as BLAS reads it; axes of the value, or None for a length of 1."""
    sizes = [
        "1" if axis is None else writer.length(value, axis) for axis in (rows, columns)
    ]
    writer.used[id(value)] = value
    axes = f"{value.name}, {rows}, {columns}"
    at = writer.address(value)
    turned = "1" if value.transposed else None
    if value.is_contiguous and rows is not None and columns is not None:
        turned = "0"
    known = axes if turned is None else f"{axes}, {turned}"
    by = writer.slot(f"leading_({known})", f"{value.name}_by")
    if turned is None:
        turned = writer.slot(f"transposed_({axes})", f"{value.name}_t")
    return Matrix(at, turned, by, *sizes)


def _packed(
    writer: Writer, value: Value, found: Matrix, rows: int | None, columns: int | None
) -> Matrix:
    """The matrix, copied first where BLAS could not read it as it lies."""
    if found.transposed in ("0", "1"):
        return found
    down, right = (
        "0" if axis is None else writer.stride(value, axis) for axis in (rows, columns)
    )
    room = writer.slot(
        f"scratch_({value.name}, {rows}, {columns})", f"{value.name}_packed"
    )
    at = writer.fresh(f"{value.name}_read")
    flag = writer.fresh(f"{value.name}_turned")
    writer.add(f"{at}, {flag} = {found.at}, {found.transposed}")
    pack = writer.call(f"pack_{value.dtype}")
    with writer.under(f"if {room}:"):
        numbers = [found.rows, found.columns, found.at, down, right, room]
        writer.add(f"{pack}({', '.join(numbers)})")
        writer.add(f"{at}, {flag} = {room}, 0")
    return Matrix(at, flag, found.by, found.rows, found.columns)


def _multiply(
    writer: Writer, step: Compute, pair: tuple[Matrix, Matrix], c: str, by: str
) -> None:
    """A line that computes c = a b."""
    a, b = pair
    dtype = step.outs[0].dtype
    multiply = writer.call(f"multiply_{dtype}")
    blas = writer.slot(f'product_("{dtype}")', f"gemm_{dtype}")
    zero = f"{writer.call('float32')}(0)" if dtype == "float32" else "0.0"
    sizes = f"{a.rows}, {b.columns}, {a.columns}"
    left = f"{a.at}, {a.transposed}, {a.by}"
    right = f"{b.at}, {b.transposed}, {b.by}"
    call = f"{multiply}({blas}, {sizes}, {left}, {right}, {zero}, {c}, {by})"
    writer.add(call, step.node)


@writes(Dot, able=_is_product)
def write_dot(writer: Writer, step: Compute) -> None:
    """c = a b, vectors as matrices of one row or column."""
    (a, b), (out,) = step.inputs, step.outs
    a_axes = (None, 0) if a.variable.ndim == 1 else (0, 1)
    b_axes = (0, None) if b.variable.ndim == 1 else (0, 1)
    left = _packed(writer, a, _matrix(writer, a, *a_axes), *a_axes)
    right = _packed(writer, b, _matrix(writer, b, *b_axes), *b_axes)
    by = "1" if b.variable.ndim == 1 else writer.length(b, 1)
    _multiply(writer, step, (left, right), writer.address(out), by)


@writes(BatchedDot, able=_is_product)
def write_batched_dot(writer: Writer, step: Compute) -> None:
    """c[n] = a[n] b[n]"""
    (a, b), (out,) = step.inputs, step.outs
    left, right = _matrix(writer, a, 1, 2), _matrix(writer, b, 1, 2)
    count = writer.length(out, 0)
    with writer.counting("n", count, step.node) as n:

        def nth(value: Value, matrix: Matrix) -> Matrix:
            name = writer.fresh(f"{value.name}_{n}")
            by = "0" if writer.places.axes(value)[0] == ONE else writer.bytes(value, 0)
            move = writer.call("row")
            writer.add(f"{name} = {move}({matrix.at}, {n}, {by})", step.node)
            return _packed(writer, value, replace(matrix, at=name), 1, 2)

        pair = nth(a, left), nth(b, right)
        name = writer.fresh(f"{out.name}_{n}")
        place = f"{writer.address(out)}, {n}, {writer.bytes(out, 0)}"
        writer.add(f"{name} = {writer.call('row')}({place})")
        _multiply(writer, step, pair, name, writer.length(b, 2))
