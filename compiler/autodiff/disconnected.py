"""Why a gradient does not arrive: the place where the path from the cost breaks."""

from __future__ import annotations

from collections.abc import Sequence

from symseq.graph import Apply, Variable

from .reverse import Sweep, between


def explain(
    variable: Variable, roots: Sequence[Variable], sweep: Sweep
) -> tuple[str, Variable | None]:
    """One sentence, and the variable that the broken path goes through."""
    name = variable.label
    if not any(id(root) in sweep.reached for root in roots):
        if any(id(root) in between(roots, [variable]).reached for root in roots):
            return (
                f"{name} reaches the cost only through variables of consider_constant",
                None,
            )
        return f"the cost does not depend on {name}", None
    breaks = find_breaks(variable, roots, sweep)
    if not breaks:
        return f"the cost does not depend on {name}", None
    first = breaks[0]
    others = sorted({b.op.name for b in breaks[1:]} - {first.op.name})
    also = f" and {', '.join(others)}" if others else ""
    reason = (
        f"{name} reaches the cost only through {first.op.name} at {first.spans[0]}"
        f"{also}, which lets no gradient through"
    )
    return reason, first.outputs[0]


def find_breaks(
    variable: Variable, roots: Sequence[Variable], sweep: Sweep
) -> list[Apply]:
    """The nodes that a float path from `variable` enters and does not leave."""
    floating = {id(variable)}
    found = []
    for node in between(roots, [variable]).nodes:
        if not any(id(v) in floating for v in node.inputs):
            continue
        received = any(sweep.key(v) in sweep.sums for v in node.outputs)
        if received or not any(v.type.is_float for v in node.outputs):
            found.append(node)
        else:
            floating.update(id(v) for v in node.outputs if v.type.is_float)
    return found
