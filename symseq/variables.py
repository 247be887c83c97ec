"""Constructors of inputs and shared variables: scalar, ..., tensor5, tensor, shared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from symseq import lengths
from symseq.errors import DTypeError, ShapeError, SymseqError, UsageError
from symseq.graph import SharedVariable, Variable
from symseq.lengths import ONE, Length
from symseq.span import here
from symseq.types import LETTERS, Array, Shape, TensorType, as_dtype


@dataclass(frozen=True, slots=True)
class Constructor:
    """Makes inputs of one dtype and rank: ``matrix("x", shape=(T, B))``.

    Called without a name it makes an unnamed input; ``dtype`` is 'floatX' unless the
    constructor's letter says otherwise.
    """

    word: str
    shape: Shape
    dtype: str = "floatX"

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def broadcastable(self) -> tuple[bool, ...]:
        return TensorType(self.dtype, self.shape).broadcastable

    def __call__(
        self,
        name: str | None = None,
        dtype: object = None,
        *,
        shape: Sequence[Length] | None = None,
    ) -> Variable:
        """A new input.

        Raises: ShapeError where `shape` has another rank; DTypeError.
        """
        try:
            made = TensorType(as_dtype(dtype or self.dtype), self._shape(shape))
        except SymseqError as error:
            raise error.at(here()) from None
        return Variable(made, name=name)

    def _shape(self, shape: Sequence[Length] | None) -> Shape:
        if shape is None:
            return self.shape
        if len(shape) != self.ndim:
            raise ShapeError(
                f"a {self.word} has {self.ndim} lengths; got shape={tuple(shape)}"
            )
        pairs = zip(self.shape, shape, strict=True)
        return tuple(lengths.meet(a, b, f"lengths of a {self.word}") for a, b in pairs)

    def make_variable(self, name: str | None = None) -> Variable:
        """As a call (Theano's name)."""
        return self(name)

    def many(self, *names: str | int | None) -> list[Variable]:
        """One input per name; a number stands for so many unnamed ones."""
        if len(names) == 1 and isinstance(names[0], int):
            return [self() for _ in range(names[0])]
        return [self(None if name is None else str(name)) for name in names]

    def __repr__(self) -> str:
        return f"<constructor of a {self.dtype} {self.word}>"


SHAPES: dict[str, Shape] = {
    "scalar": (), "vector": (None,), "row": (1, None), "col": (None, 1),
    "matrix": (None,) * 2, "tensor3": (None,) * 3, "tensor4": (None,) * 4,
    "tensor5": (None,) * 5,
}  # fmt: skip


def _family(word: str) -> list[Constructor]:
    """The constructor of floatX, then those of Theano's letters in order."""
    shape = SHAPES[word]
    dtypes = ("floatX", *LETTERS.values())
    return [Constructor(word, shape, dtype) for dtype in dtypes]


scalar, bscalar, wscalar, iscalar, lscalar, fscalar, dscalar = _family("scalar")
vector, bvector, wvector, ivector, lvector, fvector, dvector = _family("vector")
row, brow, wrow, irow, lrow, frow, drow = _family("row")
col, bcol, wcol, icol, lcol, fcol, dcol = _family("col")
matrix, bmatrix, wmatrix, imatrix, lmatrix, fmatrix, dmatrix = _family("matrix")
tensor3, btensor3, wtensor3, itensor3, ltensor3, ftensor3, dtensor3 = _family("tensor3")
tensor4, btensor4, wtensor4, itensor4, ltensor4, ftensor4, dtensor4 = _family("tensor4")
tensor5, btensor5, wtensor5, itensor5, ltensor5, ftensor5, dtensor5 = _family("tensor5")

Many = Callable[..., list[Variable]]


def _plural(word: str) -> list[Many]:
    return [constructor.many for constructor in _family(word)]


(scalars, bscalars, wscalars, iscalars, lscalars, fscalars, dscalars) = _plural(
    "scalar"
)
(vectors, bvectors, wvectors, ivectors, lvectors, fvectors, dvectors) = _plural(
    "vector"
)
rows, brows, wrows, irows, lrows, frows, drows = _plural("row")
cols, bcols, wcols, icols, lcols, fcols, dcols = _plural("col")
(matrices, bmatrices, wmatrices, imatrices, lmatrices, fmatrices, dmatrices) = _plural(
    "matrix"
)
(tensor3s, btensor3s, wtensor3s, itensor3s, ltensor3s, ftensor3s, dtensor3s) = _plural(
    "tensor3"
)
(tensor4s, btensor4s, wtensor4s, itensor4s, ltensor4s, ftensor4s, dtensor4s) = _plural(
    "tensor4"
)


def tensor(
    dtype: object = None,
    broadcastable: Sequence[bool] | None = None,
    name: str | None = None,
    *,
    shape: Sequence[Length] | None = None,
) -> Variable:
    """An input of any rank, by Theano's broadcast flags or by `shape`.

    A first argument that is no dtype is the name: ``tensor("x", shape=(T, B))``.
    """
    if isinstance(dtype, str) and name is None and not _is_dtype(dtype):
        dtype, name = None, dtype
    wanted: Sequence[Length] = () if broadcastable is None else tuple(broadcastable)
    type_ = TensorType(as_dtype(dtype or "floatX"), tuple(shape or wanted))
    return Variable(type_, name=name)


def _is_dtype(name: str) -> bool:
    try:
        as_dtype(name)
    except DTypeError:
        return False
    return True


def shared(
    value: object,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: bool | None = None,
    borrow: bool = False,
    broadcastable: Sequence[bool] | None = None,
    *,
    shape: Sequence[Length] | None = None,
    **kwargs: object,
) -> SharedVariable:
    """A variable that keeps a value between calls.

    Args:
        value: an array, whose dtype is kept (float64 stays float64), or a number: a
            Python float becomes floatX, an int int64.
        borrow: keep `value` itself where it can be written to; else a copy.
        broadcastable: Theano's flags: whether an axis of length 1 stretches.
        shape: names for the lengths, checked against the value: ``shape=(H, 4 * H)``.
        strict, allow_downcast: accepted for Theano programs; the dtype is the value's.

    Raises: DTypeError for what is no array or number; ShapeError.
    """
    try:
        array = as_storage(value, borrow)
        type_ = TensorType(array.dtype.name, _lengths(array, broadcastable, shape))
    except SymseqError as error:
        raise error.at(here()) from None
    return SharedVariable(type_, array, name)


def as_storage(value: object, borrow: bool) -> Array:
    """`value` as a buffer of its own: C order, writable, of a dtype that symseq has."""
    if isinstance(value, Variable):
        raise UsageError(
            f"shared takes an array or a number; got the variable {value.label}",
            hint="compute its value first, with function(...) or eval()",
        )
    array = np.asarray(value)
    from_python = not isinstance(value, (np.ndarray, np.generic))
    if from_python and array.dtype == np.float64:
        array = array.astype(as_dtype("floatX"))
    dtype = as_dtype(array.dtype)
    fit = array.dtype.isnative and array.flags.writeable and array.flags.c_contiguous
    if borrow and fit:
        return array
    return np.array(array, dtype=dtype, order="C")


def _lengths(
    array: Array,
    broadcastable: Sequence[bool] | None,
    shape: Sequence[Length] | None,
) -> Shape:
    """The lengths of `array`, under the names of `shape` and Theano's flags."""
    for given in (broadcastable, shape):
        if given is not None and len(given) != array.ndim:
            raise ShapeError(
                f"shared needs one entry per axis; the value has {array.ndim} axes, "
                f"got {tuple(given)}"
            )
    known: list[Length] = list(array.shape)
    for axis, flag in enumerate(broadcastable or ()):
        if flag and known[axis] != 1:
            raise ShapeError(
                f"an axis that broadcasts has length 1; axis {axis} has {known[axis]}"
            )
        known[axis] = ONE if known[axis] == 1 and not flag else known[axis]
    if shape is None:
        return tuple(known)
    pairs = zip(shape, known, strict=True)
    return tuple(lengths.meet(a, b, "a shared variable's lengths") for a, b in pairs)
