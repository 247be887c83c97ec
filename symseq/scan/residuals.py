"""Which values of a forward step are saved for its backward step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from symseq.graph import BodyOp, Constant, Variable
from symseq.scan.backstep import row_name
from symseq.scan.known_lengths import read_lengths_only
from symseq.scan.roles import Roles
from symseq.scan.varying_lengths import varying_lengths
from symseq.traverse import depends_on, replace, sort_nodes

# Views, casts, sums and products of saved values, lengths, and what draws are made of:
# computed again in the backward step rather than saved.
LIGHT = {
    "dimshuffle", "subtensor", "reshape", "specify_shape", "shape", "alloc", "fill",
    "add", "sub", "mul", "neg", "fold_in", "bits", "random_bits",
    "lt", "le", "gt", "ge", "eq", "neq",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Residuals:
    """What the backward step reads of the forward step.

    `saved` are stacked by the forward loop; `states` (positions) are read from their
    histories; `stand_ins` has the variable that the backward step reads for each.
    """

    saved: tuple[Variable, ...]
    states: tuple[int, ...]
    stand_ins: dict[Variable, Variable]
    outputs: list[Variable]  # the backward step over body inputs and stand-ins


def choose(
    op: Roles,
    backward: Sequence[Variable],
    cotangents: Iterable[Variable],
    *,
    recompute: bool = False,
) -> Residuals:
    """Cut the backward step free of the forward step's computed values.

    With ``recompute`` nothing is saved but the states: all else is computed again,
    as are values whose lengths change from step to step, for they do not stack.
    """
    backward = read_lengths_only(op, backward)
    varying = varying_lengths(op, backward)
    inside = [v for node in op.body.nodes for v in node.outputs]
    native = [v for v in inside if id(v) not in varying]
    loops = {
        v: None
        for v in _forward_loops(native, op, backward, cotangents)
        if id(v) not in varying
    }
    cut = {id(v) for v in [*native, *loops]}
    nodes = sort_nodes(backward, stop=[*native, *loops, *op.body.inputs])
    read = [*backward, *(v for node in nodes for v in node.inputs)]
    needed = dict.fromkeys(v for v in read if id(v) in cut)
    saved = []
    if not recompute:
        saved = _saved(op, [v for v in needed if v not in loops])
        saved += [v for v in needed if v in loops]
    first = {v: k for k, v in enumerate(op.body_states) if v.owner is not None}
    own = {v: Variable(v.type, name=row_name(op, k)) for v, k in first.items()}
    new = {v: Variable(v.type, name=v.name) for v in saved if v not in own}
    outputs = replace(backward, own | new)
    reads = {id(v) for node in sort_nodes(outputs) for v in node.inputs}
    reads |= {id(v) for v in outputs}
    return Residuals(
        tuple(v for v in new if id(new[v]) in reads),
        tuple(k for v, k in first.items() if id(own[v]) in reads),
        own | new,
        outputs,
    )


def _forward_loops(
    native: Sequence[Variable],
    op: Roles,
    backward: Sequence[Variable],
    cotangents: Iterable[Variable],
) -> dict[Variable, None]:
    """Outputs of inner loops that the gradient made and that read no cotangent.

    (The forward loop of a nested scan, with its residuals.) They are run forward.
    """
    late = depends_on(backward, cotangents)
    nodes = sort_nodes(backward, stop=[*native, *op.body.inputs])
    return {
        v: None
        for node in nodes
        if isinstance(node.op, BodyOp)
        for v in node.outputs
        if id(v) not in late
    }


def _saved(op: Roles, needed: Sequence[Variable]) -> list[Variable]:
    """The needed values that must be stacked: the others follow from them, cheaply."""
    saved = {id(v): v for v in needed if not is_light(v)}
    wanted = {id(v) for v in needed}
    free = {id(v) for v in [*op.body.inputs, *op.body_states]}
    for node in op.body.nodes:
        follows = all(id(v) in free or isinstance(v, Constant) for v in node.inputs)
        for v in node.outputs:
            if id(v) in free or id(v) in saved or (follows and is_light(v)):
                free.add(id(v))
            elif id(v) in wanted:
                saved[id(v)] = v
                free.add(id(v))
    return list(saved.values())


def is_light(v: Variable) -> bool:
    """Whether a value is computed again rather than saved."""
    name = v.owner.op.name if v.owner is not None else ""
    return name in LIGHT or name.startswith("cast")
