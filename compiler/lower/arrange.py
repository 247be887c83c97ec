"""The last look at a Program: every view before its first use, nothing unused."""

from __future__ import annotations

from collections.abc import Sequence

from ..program import Loop, Program, Step, Value, View, reads, walk, writes
from .loops import deepest


def arrange_views(program: Program, views: Sequence[View]) -> None:
    """See that views stand before their first use, and agree with their sources.

    Views, loops' tables and names that nothing uses any more are dropped.
    """
    by_value = {id(view.out): view for view in views}
    placed: set[int] = set()

    def place(value: Value, into: list[Step]) -> None:
        chain = [value]
        while chain[-1].source is not None:
            chain.append(chain[-1].source)
        for link in reversed(chain):
            view = by_value.get(id(link))
            if view is not None and id(link) not in placed:
                placed.add(id(link))
                for used in view.uses:
                    place(used, into)
                assert link.source is not None
                link.loop = link.source.loop
                into.append(view)

    def visit(steps: list[Step]) -> list[Step]:
        made: list[Step] = []
        for step in steps:
            if isinstance(step, View):
                continue
            rows = step.rows if isinstance(step, Loop) else ()
            for value in (*reads(step), *writes(step)):
                if not (isinstance(step, Loop) and value is step.stop):
                    place(value, made)
            made.append(step)
            if isinstance(step, Loop):
                step.within = deepest([row.source.loop for row in rows])
                step.body = visit(step.body)
                if step.stop is not None:
                    place(step.stop, step.body)
        return made

    program.steps = visit(program.steps)
    for value in program.outputs:
        place(value, program.steps)
    program.updates = visit(program.updates)
    _forget_values(program)


def _forget_values(program: Program) -> None:
    """Keep the values that a step, an output or another value still names."""
    used = {id(v) for v in (*program.inputs, *program.outputs)}
    for step in (*walk(program.steps), *walk(program.updates)):
        named = [*reads(step), *writes(step)]
        if isinstance(step, View):
            named.append(step.out)
        if isinstance(step, Loop):
            named += [row.out for row in step.rows]
        used.update(map(id, named))
    program.values = [v for v in program.values if id(v) in used]
