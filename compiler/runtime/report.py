"""What a plan holds: its values, bindings, memory, and the lines that allocate."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ..program import Kind

if TYPE_CHECKING:
    from .plan import Plan


def report(plan: Plan) -> list[str]:
    """The lines of a plan's report that need no call's lengths."""
    values = plan.program.values
    kinds = Counter(value.kind.value for value in values)
    dynamic = [str(v.variable.span) for v in values if v.kind is Kind.DYNAMIC]
    chosen = {b.threads for b in plan.bindings.values() if b.threads is not None}
    shown = ", ".join(map(str, sorted(chosen)))
    return [
        f"plan {plan.program.name}: {len(plan.source.splitlines())} lines, "
        f"{len(plan.loops)} loops",
        *plan.remarks,
        "values: " + ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())),
        f"bindings: {len(plan.bindings)}, arena: {plan.memory.arena.block.size} bytes",
        *([f"BLAS threads: {shown}"] if chosen else []),
        *(f"allocates at each call: {place}" for place in dict.fromkeys(dynamic)),
    ]
