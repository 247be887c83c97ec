"""`clone`: the same graph with some variables replaced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from symseq import traverse
from symseq.errors import DTypeError, ShapeError, UsageError
from symseq.graph import Variable, operands
from symseq.ops.convert import as_tensor
from symseq.span import here

Replacements = Mapping[Variable, Any] | Iterable[tuple[Variable, Any]]


def clone(
    output: Any,
    replace: Replacements | None = None,
    strict: bool = True,
    share_inputs: bool = True,
) -> Any:
    """`output`, a variable or a list of them, with each key of `replace` as its value.

    The graph itself is left as it is; parts that read no key are shared with it.

    Args:
        strict: a value must have its key's dtype; else it is cast.
        share_inputs: False makes new inputs in place of the old ones.

    Raises: DTypeError, ShapeError for a value of another dtype or rank; UsageError
        for a key that is no variable.
    """
    many = isinstance(output, (list, tuple))
    outputs = [as_tensor(v) for v in (output if many else [output])]
    pairs = list(replace.items() if isinstance(replace, Mapping) else replace or ())
    mapping = {old: _fitting(old, new, strict) for old, new in pairs}
    if not share_inputs:
        for old in traverse.free_inputs(outputs, stop=mapping):
            fresh = Variable(old.type, name=old.name, held=old.held)
            mapping.setdefault(old, fresh)
    made = traverse.replace(outputs, mapping)
    return made if many else made[0]


def _fitting(old: object, new: object, strict: bool) -> Variable:
    if not isinstance(old, Variable):
        raise UsageError(f"only a variable can be replaced; got {old!r}").at(here())
    weak = isinstance(new, (bool, int, float))
    value = as_tensor(new, old.dtype if weak or not strict else None)
    if value.dtype != old.dtype:
        raise DTypeError(
            f"a replacement keeps the dtype; {old.label} is {old.dtype} and the new "
            f"value is {value.dtype}",
            hint="cast it, or pass strict=False",
        ).at(here(), operands([old, value]))
    if value.ndim != old.ndim:
        raise ShapeError(
            f"a replacement keeps the rank; {old.label} has {old.ndim} and the new "
            f"value {value.ndim}"
        ).at(here(), operands([old, value]))
    return value
