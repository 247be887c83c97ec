"""The reference target: every op by its NumPy meaning, no rewrite, no plan: the oracle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symseq.errors import Operand, SymseqError
from symseq.graph import MOST_HELD, Apply, BodyOp, Constant, SharedVariable, Variable
from symseq.scan.body import Known
from symseq.traverse import sort_nodes
from symseq.types import Array, concrete, is_integer


def evaluate(
    outputs: Sequence[Variable], inputs: Sequence[Variable], values: Sequence[Array]
) -> list[Array]:
    """The values of `outputs`, where `inputs` have `values`.

    Lengths are checked at each node, by the same rule that built it.

    Raises: ShapeError, BadIndexError, ... at the user's line.
    """
    known: dict[int, Array] = {
        id(v): np.asarray(x) for v, x in zip(inputs, values, strict=True)
    }
    with np.errstate(all="ignore"):
        for node in sort_nodes(outputs, stop=inputs):
            made = run_node(node, [_read(v, known) for v in node.inputs])
            for variable, value in zip(node.outputs, made, strict=True):
                known.setdefault(id(variable), value)
    return [_read(v, known) for v in outputs]


def _read(variable: Variable, known: dict[int, Array]) -> Array:
    if isinstance(variable, Constant):
        return variable.data
    if id(variable) not in known and isinstance(variable, SharedVariable):
        return variable.storage
    return known[id(variable)]


def run_node(node: Apply, arrays: Sequence[Array]) -> Sequence[Array]:
    """The outputs of one node for actual inputs, after its lengths are checked."""
    args = [describe(v, x) for v, x in zip(node.inputs, arrays, strict=True)]
    try:
        node.op.infer(args)
        if isinstance(node.op, BodyOp):
            made = node.op.evaluate_body(evaluate, *arrays)
        else:
            made = node.op.numpy(*arrays)
    except SymseqError as error:
        raise error.at(node.spans[0], _shown(node, args)) from None
    for variable, value in zip(node.outputs, made, strict=True):
        if value.dtype.name != variable.dtype or value.ndim != variable.ndim:
            raise AssertionError(
                f"{node.op} said {variable.type} and made {value.dtype}{value.shape}"
            )
    return made


def describe(variable: Variable, array: Array) -> Known:
    """An actual input as its type rule sees it: numbers for lengths, integers held."""
    held = None
    if is_integer(array.dtype.name) and array.ndim <= 1 and array.size <= MOST_HELD:
        held = int(array) if array.ndim == 0 else tuple(int(n) for n in array)
    return Known(concrete(variable.type, array.shape), held)


def _shown(node: Apply, args: Sequence[Known]) -> tuple[Operand, ...]:
    return tuple(
        Operand(v.label, str(a.type), None if isinstance(v, Constant) else v.span)
        for v, a in zip(node.inputs, args, strict=True)
    )
