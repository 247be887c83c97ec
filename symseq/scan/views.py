"""map, reduce, foldl, foldr and until: the common forms of scan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symseq.errors import UsageError
from symseq.scan.frontend import arrange, build_loop, scan
from symseq.scan.returns import until
from symseq.scan.updates import OrderedUpdates

__all__ = ["foldl", "foldr", "map", "reduce", "until"]


def map(
    fn: Callable[..., Any],
    sequences: Any,
    non_sequences: Any = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    mode: object = None,
    name: str | None = None,
) -> tuple[Any, OrderedUpdates]:
    """outputs[t] = fn(sequences[t], non_sequences): (outputs, updates)."""
    return scan(
        fn,
        sequences,
        None,
        non_sequences,
        truncate_gradient=truncate_gradient,
        go_backwards=go_backwards,
        name=name,
    )


def reduce(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    go_backwards: bool = False,
    mode: object = None,
    name: str | None = None,
) -> tuple[Any, OrderedUpdates]:
    """The last value of h = fn(sequences[t], h, non_sequences): (value, updates).

    Without steps it is the initial value.
    """
    if outputs_info is None:
        raise UsageError("reduce needs the initial value; got outputs_info=None")
    loop = build_loop(
        fn, sequences, outputs_info, non_sequences, backwards=go_backwards, name=name
    )
    return arrange([loop.last(k) for k in range(len(loop.places))]), loop.updates


def foldl(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    mode: object = None,
    name: str | None = None,
) -> tuple[Any, OrderedUpdates]:
    """`reduce` from the first row to the last."""
    return reduce(fn, sequences, outputs_info, non_sequences, name=name)


def foldr(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    mode: object = None,
    name: str | None = None,
) -> tuple[Any, OrderedUpdates]:
    """`reduce` from the last row to the first."""
    return reduce(
        fn, sequences, outputs_info, non_sequences, go_backwards=True, name=name
    )
