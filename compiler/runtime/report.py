"""What a plan holds: its values, bindings, memory, and the lines that allocate."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ..program import Kind
from .threads import threads_now

if TYPE_CHECKING:
    from .plan import Plan


def report(plan: Plan) -> list[str]:
    """The lines of a plan's report that need no call's lengths."""
    values = plan.program.values
    kinds = Counter(value.kind.value for value in values)
    dynamic = [str(v.variable.span) for v in values if v.kind is Kind.DYNAMIC]
    chosen = {threads_now(b.threads) for b in plan.bindings.values()}
    shown = ", ".join(str(n) for n in sorted(n for n in chosen if n is not None))
    return [
        f"plan {plan.program.name}: {len(plan.source.splitlines())} lines, "
        f"{len(plan.loops)} loops",
        *plan.remarks,
        "values: " + ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())),
        f"bindings: {len(plan.bindings)}, arena: {plan.memory.arena.block.size} bytes",
        *([f"BLAS threads: {shown}"] if shown else []),
        *(f"allocates at each call: {place}" for place in dict.fromkeys(dynamic)),
    ]
