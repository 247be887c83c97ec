"""Stack rows last first where only the reversed stack is read.

A gradient's loop runs backwards: its stack of rows is wanted in the order of time, and
a reversed view cannot be reshaped or multiplied as it lies. So the reversed stack gets
the memory, and the loop's stack is the view.
"""

from __future__ import annotations

from ..program import Kind, Loop, Program, Value, View, walk
from .accesses import Accesses

REVERSED = "{0}[::-1]"


def store_reversed(program: Program) -> None:
    """stack[t] = row; read stack[::-1] → read other; stack = other[::-1]"""
    found = Accesses(program)
    loops = [
        s for s in (*walk(program.steps), *walk(program.updates)) if isinstance(s, Loop)
    ]
    stacks = {id(row.source): row.source for loop in loops for row in loop.rows}
    for stack in stacks.values():
        views = _only_reversed(stack, found)
        if views:
            _flip(stack, views)


def _only_reversed(stack: Value, found: Accesses) -> list[View]:
    """The reversed views of a stack that is else touched by rows alone; or none."""
    if stack.kind is not Kind.BUFFER or any(a.value is stack for a in found.of(stack)):
        return []
    views = []
    for child in found.children.get(id(stack), ()):
        view = found.views.get(id(child))
        if view is not None and view.text != REVERSED:
            return []
        if view is not None:
            views.append(view)
    return views


def _flip(stack: Value, views: list[View]) -> None:
    """Exchange the stack with its first reversed view; others are that one's too."""
    first, *others = views
    value = first.out
    value.kind, value.source, value.loop = Kind.BUFFER, None, None
    value.contiguous_from = 0
    stack.kind, stack.source = Kind.VIEW, value
    stack.contiguous_from = 1
    first.out = stack
    for view in others:
        view.text, view.out.source, view.out.contiguous_from = "{0}", value, 0
