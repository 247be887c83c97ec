"""A variable's operators and methods, dispatched through a table that `ops` fills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from symseq.errors import NoItemAssignmentError, NoLengthError, UsageError

if TYPE_CHECKING:
    from symseq.graph import Variable

# name → function(variable, *arguments); filled by symseq.ops.methods.
METHODS: dict[str, Callable[..., Any]] = {}


def _binary(name: str) -> Callable[[Any, object], Variable]:
    def method(self: Any, other: object) -> Variable:
        made: Variable = METHODS[name](self, other)
        return made

    return method


def _reflected(name: str) -> Callable[[Any, object], Variable]:
    def method(self: Any, other: object) -> Variable:
        made: Variable = METHODS[name](other, self)
        return made

    return method


def _unary(name: str) -> Callable[[Any], Variable]:
    def method(self: Any) -> Variable:
        made: Variable = METHODS[name](self)
        return made

    return method


class Operators:
    """What can be written on a variable: arithmetic, indexing, the named methods."""

    __slots__ = ()

    __add__, __radd__ = _binary("add"), _reflected("add")
    __sub__, __rsub__ = _binary("sub"), _reflected("sub")
    __mul__, __rmul__ = _binary("mul"), _reflected("mul")
    __truediv__, __rtruediv__ = _binary("true_div"), _reflected("true_div")
    __floordiv__, __rfloordiv__ = _binary("floor_div"), _reflected("floor_div")
    __mod__, __rmod__ = _binary("mod"), _reflected("mod")
    __pow__, __rpow__ = _binary("pow"), _reflected("pow")
    __matmul__, __rmatmul__ = _binary("matmul"), _reflected("matmul")
    __and__, __rand__ = _binary("and_"), _reflected("and_")
    __or__, __ror__ = _binary("or_"), _reflected("or_")
    __xor__, __rxor__ = _binary("xor"), _reflected("xor")
    __neg__, __abs__, __invert__ = _unary("neg"), _unary("abs_"), _unary("invert")
    __lt__, __le__ = _binary("lt"), _binary("le")
    __gt__, __ge__ = _binary("gt"), _binary("ge")
    __getitem__ = _binary("getitem")

    def __setitem__(self, key: object, value: object) -> None:
        """Raises: NoItemAssignmentError, as a graph does not change."""
        raise NoItemAssignmentError(
            "a symbolic variable does not change: x[key] = value is no assignment",
            hint="make a new one: x = T.set_subtensor(x[key], value)",
        )

    def __array_function__(
        self: Any, func: Any, types: object, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        """np.dot(x, W), np.sum(x, axis=0), ... are x's own methods of these names.

        Raises: UsageError for other functions: NumPy would take x for an object, and
            np.linalg.inv is not x.inv.
        """
        name = func.__name__
        if func.__module__ != "numpy":
            raise UsageError(
                f"{func.__module__}.{name} takes arrays, not a symbolic variable",
                hint="wrap it with ss.op(numpy=..., vjp=...)",
            )
        if name == "ndim":
            return self.ndim
        if name in PROPERTIES:
            return PROPERTIES[name](*args, **kwargs)
        if name in METHODS:
            return METHODS[name](*args, **kwargs)
        raise UsageError(
            f"np.{name} takes arrays, not a symbolic variable",
            hint=f"see whether there is a T.{name}",
        )

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: object, **kwargs: object
    ) -> Any:
        """np.exp(x) is T.exp(x); array * x comes here, too.

        Raises: UsageError for NumPy's other functions and their methods, for
            ``array += x`` and ``array == x``.
        """
        name = ufunc.__name__
        if method != "__call__" or kwargs:
            how = (
                f".{method}" if method != "__call__" else f" with {', '.join(kwargs)}="
            )
            raise UsageError(
                f"np.{name}{how} takes arrays, not a symbolic variable",
                hint="an array does not change in place: y = array + x",
            )
        if name in ("equal", "not_equal"):
            raise UsageError(
                "array == x compares no values of a symbolic variable",
                hint="use T.eq(array, x) or T.neq(array, x)",
            )
        if name not in UFUNCS:
            raise UsageError(
                f"np.{name} takes arrays, not a symbolic variable",
                hint=f"see whether there is a T.{name}, or wrap it with ss.op",
            )
        return UFUNCS[name](*inputs)

    def __bool__(self: Any) -> bool:
        """True, so that ``if mask:`` asks whether there is a mask, as in Theano.

        Raises: UsageError for a comparison, as ``a < b < c`` hides one.
        """
        if self.owner is None or self.dtype != "bool":
            return True
        raise UsageError(
            "a comparison has no truth value before the function runs",
            hint="use T.switch or ifelse, and T.and_ / T.or_ instead of 'and' / 'or'",
        )

    def __len__(self) -> int:
        raise NoLengthError("a symbolic variable has no len()", hint="use x.shape[0]")

    def __iter__(self) -> Iterator[Variable]:
        made: Iterator[Variable] = METHODS["iterate"](self)
        return made

    def __getattr__(self, name: str) -> Any:
        """The methods of the table: x.sum(axis=0), x.T, x.shape, x.dimshuffle(0, 1)."""
        if name.startswith("__") or (name not in METHODS and name not in PROPERTIES):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        if name in PROPERTIES:
            return PROPERTIES[name](self)
        function = METHODS[name]
        return lambda *args, **kwargs: function(self, *args, **kwargs)


# NumPy's name of a ufunc → our function of the same operands; filled by symseq.ops.
UFUNCS: dict[str, Callable[..., Any]] = {}
# name → function(variable), read as an attribute: shape, T, ndim, ...
PROPERTIES: dict[str, Callable[[Any], Any]] = {}
