"""What jitted code does with memory and numbers beside numba's own: by address.

Every array is an address (int64); an index counts elements. The last number of a load
or store, as 3_02_05, says: array 2 of the 5 of nest 3 that are known not to overlap.
Without it LLVM would have to check every pair, and gives up from eight on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

DTYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "float32", "float64")
IN_MEMORY: dict[str, Any] = {
    "float32": ir.FloatType(), "float64": ir.DoubleType(),
    **{name: ir.IntType(8 * np.dtype(name).itemsize) for name in DTYPES[:6]},
}  # fmt: skip
NUMBA: dict[str, Any] = {name: getattr(types, name) for name in DTYPES[1:]}
NUMBA["bool"] = types.boolean


def _scopes(module: Any, nest: int, arrays: int) -> list[tuple[Any, Any]]:
    """(alias.scope, noalias) of each array of a nest, made once per module."""
    known = vars(module).setdefault("symseq_scopes", {})
    found: list[tuple[Any, Any]] | None = known.get((nest, arrays))
    if found is None:
        domain = module.add_metadata([ir.MetaDataString(module, f"nest {nest}")])
        scopes = [
            module.add_metadata(
                [ir.MetaDataString(module, f"nest {nest}, {k}"), domain]
            )
            for k in range(arrays)
        ]
        found = known[nest, arrays] = [
            (
                module.add_metadata([scope]),
                module.add_metadata(scopes[:k] + scopes[k + 1 :]),
            )
            for k, scope in enumerate(scopes)
        ]
    return found


def _mark(builder: Any, access: Any, mark: int) -> None:
    """Say that the access shares no element with the nest's other arrays."""
    nest, array, arrays = mark // 10_000, mark // 100 % 100, mark % 100
    if arrays > 1:
        own, others = _scopes(builder.module, nest, arrays)[array]
        access.set_metadata("alias.scope", own)
        access.set_metadata("noalias", others)


def _element(builder: Any, dtype: str, address: Any, index: Any) -> Any:
    pointer = builder.inttoptr(address, IN_MEMORY[dtype].as_pointer())
    return builder.gep(pointer, [index], inbounds=True)


def _loader(dtype: str) -> Any:
    @intrinsic(prefer_literal=True)
    def load(context: Any, address: Any, index: Any, mark: Any) -> Any:
        def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
            found = builder.load(_element(builder, dtype, args[0], args[1]))
            found.align = np.dtype(dtype).itemsize
            _mark(builder, found, mark.literal_value)
            if dtype == "bool":
                return builder.icmp_unsigned("!=", found, ir.Constant(found.type, 0))
            return found

        return NUMBA[dtype](types.int64, types.int64, mark), generate

    return load


def _storer(dtype: str) -> Any:
    @intrinsic(prefer_literal=True)
    def store(context: Any, address: Any, index: Any, value: Any, mark: Any) -> Any:
        def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = args[2]
            if dtype == "bool":
                value = builder.zext(value, IN_MEMORY[dtype])
            made = builder.store(value, _element(builder, dtype, args[0], args[1]))
            made.align = np.dtype(dtype).itemsize
            _mark(builder, made, mark.literal_value)
            return target.get_dummy_value()

        accepted = types.int64, types.int64, NUMBA[dtype], mark
        return types.void(*accepted), generate

    return store


@intrinsic
def entry(context: Any, table: Any, place: Any) -> Any:
    """Number `place` of a table of int64 at an address."""

    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_element(builder, "int64", *args))

    return types.int64(types.int64, types.int64), generate


@intrinsic
def row(context: Any, start: Any, number: Any, step: Any) -> Any:
    """start + number · step, an address"""

    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        start, number, step = args
        return builder.add(start, builder.mul(number, step))

    return types.int64(types.int64, types.int64, types.int64), generate


@intrinsic
def interrupted(context: Any, look: Any) -> Any:
    """Whether the handler of a signal has raised; `look` is where Python looks."""

    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = ir.IntType(32)
        called = ir.FunctionType(number, []).as_pointer()
        found = builder.call(builder.inttoptr(args[0], called), [])
        return builder.icmp_signed("!=", found, ir.Constant(number, 0))

    return types.boolean(types.int64), generate


get_bool, get_int8, get_int16, get_int32, get_int64, get_uint8, get_float32, \
    get_float64 = map(_loader, DTYPES)  # fmt: skip
put_bool, put_int8, put_int16, put_int32, put_int64, put_uint8, put_float32, \
    put_float64 = map(_storer, DTYPES)  # fmt: skip


def _named(builder: Any, name: str, kind: Any, count: int) -> Any:
    """The LLVM intrinsic of that name, declared once in the module."""
    suffix = "f32" if kind == IN_MEMORY["float32"] else "f64"
    full = f"llvm.{name}.{suffix}"
    found = builder.module.globals.get(full)
    return found or ir.Function(
        builder.module, ir.FunctionType(kind, [kind] * count), full
    )


def _rounding(name: str) -> Any:
    """A function of one float that the machine has."""

    @intrinsic
    def function(context: Any, x: Any) -> Any:
        def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.call(_named(builder, name, args[0].type, 1), args)

        return x(x), generate

    return function


floor, ceil, trunc, rint, sqrt, fabs = map(
    _rounding, ("floor", "ceil", "trunc", "rint", "sqrt", "fabs")
)


def _is_float(value: Any) -> bool:
    return isinstance(value.type, (ir.FloatType, ir.DoubleType))


def _extremum(comparison: str) -> Any:
    @intrinsic
    def function(context: Any, a: Any, b: Any) -> Any:
        def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
            a, b = args
            if _is_float(a):
                wins = builder.fcmp_ordered(comparison, a, b)
                wins = builder.or_(wins, builder.fcmp_unordered("uno", a, a))
            elif signature.args[0] in (types.uint8, types.boolean):
                wins = builder.icmp_unsigned(comparison, a, b)
            else:
                wins = builder.icmp_signed(comparison, a, b)
            return builder.select(wins, a, b)

        return a(a, a), generate

    return function


maximum, minimum = _extremum(">"), _extremum("<")


@intrinsic
def where(context: Any, c: Any, a: Any, b: Any) -> Any:
    """a if c else b, both computed."""

    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(*args)

    return a(types.boolean, a, a), generate


@intrinsic
def rest(context: Any, a: Any, b: Any) -> Any:
    """a - n b for the whole n nearest to a / b towards 0: exact, as C's fmod."""

    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.frem(*args)

    return types.float64(types.float64, types.float64), generate


@intrinsic
def add_freely(context: Any, a: Any, b: Any) -> Any:
    """a + b of floats, as a term of a sum that may be added up in any order."""

    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fadd(*args, flags=("reassoc", "contract", "nsz"))

    return a(a, a), generate


@intrinsic
def add_product(context: Any, total: Any, a: Any, b: Any) -> Any:
    """total + a b of floats, as a term of a sum that may be added up in any order."""

    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        total, a, b = args
        term = builder.fmul(a, b, flags=("contract",))
        return builder.fadd(total, term, flags=("reassoc", "contract", "nsz"))

    return total(total, total, total), generate


def _product(dtype: str, width: int) -> Any:
    """c = alpha op(a) op(b) + beta c by the BLAS function at an address, rows first.

    a and b are transposed where their number says so; lengths between rows follow.
    """
    kind, number = IN_MEMORY[dtype], ir.IntType(width)
    order, no, yes = 101, 111, 112

    @intrinsic
    def gemm(context: Any, function: Any, a_t: Any, b_t: Any, m: Any, n: Any, k: Any,
             a: Any, a_row: Any, b: Any, b_row: Any, beta: Any, c: Any, c_row: Any,
             ) -> Any:  # fmt: skip
        def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
            (function, a_t, b_t, m, n, k, a, a_row, b, b_row, beta, c, c_row) = args
            pointer, flag = kind.as_pointer(), ir.IntType(32)
            called = ir.FunctionType(
                ir.VoidType(),
                [flag] * 3 + [number] * 3
                + [kind, pointer, number, pointer, number, kind, pointer, number],
            )  # fmt: skip

            def choice(is_transposed: Any) -> Any:
                zero = ir.Constant(is_transposed.type, 0)
                test = builder.icmp_signed("!=", is_transposed, zero)
                return builder.select(
                    test, ir.Constant(flag, yes), ir.Constant(flag, no)
                )

            def size(value: Any) -> Any:
                return value if width == 64 else builder.trunc(value, number)

            def array(address: Any) -> Any:
                return builder.inttoptr(address, pointer)

            builder.call(
                builder.inttoptr(function, called.as_pointer()),
                [ir.Constant(flag, order), choice(a_t), choice(b_t),
                 size(m), size(n), size(k), ir.Constant(kind, 1.0), array(a),
                 size(a_row), array(b), size(b_row), beta, array(c), size(c_row)],
            )  # fmt: skip
            return target.get_dummy_value()

        i8 = types.int64
        return (
            types.void(*[i8] * 10, NUMBA[dtype], i8, i8),
            generate,
        )

    return gemm


sgemm_32, sgemm_64 = _product("float32", 32), _product("float32", 64)
dgemm_32, dgemm_64 = _product("float64", 32), _product("float64", 64)

# For type checkers: what generated modules import by name.
Function = Callable[..., Any]
