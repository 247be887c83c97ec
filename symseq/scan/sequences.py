"""Sequences and the number of steps: taps and direction become views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from symseq.errors import ShapeError, UsageError
from symseq.graph import Variable, operands
from symseq.lengths import size_of
from symseq.ops.arange import arange
from symseq.ops.convert import as_tensor, constant
from symseq.ops.indexing import getitem
from symseq.ops.math import minimum
from symseq.ops.shape import length_of
from symseq.ops.sizes import as_length
from symseq.span import here


def listed(value: Any) -> list[Any]:
    """None as [], one as [one], a list or tuple as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def read_taps(value: Any, default: tuple[int, ...]) -> tuple[int, ...]:
    """Taps as a tuple of ints. Raises: UsageError."""
    if value is None or (isinstance(value, (list, tuple)) and not value):
        return default
    taps = listed(value)
    if not all(isinstance(tap, int) for tap in taps):
        raise UsageError(f"taps must be ints; got {value!r}")
    if len(set(taps)) != len(taps):
        raise UsageError(f"taps must differ; got {value!r}")
    return tuple(taps)


def check_keys(info: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    """Raises: UsageError for a key that scan would not read."""
    for key in info:
        if key not in known:
            raise UsageError(
                f"{what} is given by {' and '.join(map(repr, known[:2]))}; got {key!r}"
            )


def read_sequences(sequences: Any, backwards: bool) -> list[list[Variable]]:
    """Per sequence one view per tap: row t of each view is what step t reads."""
    return [_views(entry, backwards) for entry in listed(sequences)]


def _views(entry: Any, backwards: bool) -> list[Variable]:
    info = dict(entry) if isinstance(entry, Mapping) else {"input": entry}
    if info.get("input") is None:
        raise UsageError("a sequence given as a dict needs an 'input'")
    check_keys(info, ("input", "taps"), "a sequence")
    x, taps = as_tensor(info["input"]), read_taps(info.get("taps"), (0,))
    if x.ndim == 0:
        raise ShapeError(
            f"a sequence needs a first axis to loop over; {x.label} is a scalar",
            hint="give what is the same in all steps as a non_sequence",
        ).at(here(), operands([x]))
    views = [_shifted(x, tap, taps) for tap in taps]
    return [getitem(v, slice(None, None, -1)) for v in views] if backwards else views


def _shifted(x: Variable, tap: int, taps: Sequence[int]) -> Variable:
    """x from the first row that this tap reads to the last, tap 0 counted as read."""
    first, last = min(0, *taps), max(0, *taps)
    start, end = tap - first, tap - last
    if start == 0 and end == 0:
        return x
    view = getitem(x, slice(start or None, end or None))
    view.name = f"{x.name}[{tap:+d}]" if x.name else None
    return view


def count_steps(n_steps: Any, views: Sequence[Sequence[Variable]]) -> Variable:
    """`n_steps`, or the length of the shortest sequence, as an int64 scalar.

    Raises: UsageError where neither is given.
    """
    if n_steps is not None:
        return as_length(n_steps, "n_steps")
    if not views:
        raise UsageError(
            "scan cannot know how many steps to make; got no sequence and no n_steps",
            hint="give n_steps=",
        )
    return shortest([group[0] for group in views])


def shortest(sequences: Sequence[Variable]) -> Variable:
    """The least length along the first axis."""
    different: dict[Any, Variable] = {}
    for x in sequences:
        known = x.type.shape[0]
        key = id(x) if known is None else size_of(known) or known
        different.setdefault(key, x)
    kept = list(different.values())
    sizes = [size_of(x.type.shape[0]) for x in kept]
    known_sizes = [n for n in sizes if n is not None]
    least = length_of(kept[0], 0)
    if len(known_sizes) == len(sizes):
        return length_of(kept[sizes.index(min(known_sizes))], 0)
    for x in kept[1:]:
        least = minimum(least, length_of(x, 0))
    return least


def backward_steps(n_steps: Any) -> int | None:
    """-n_steps where it is a negative number: Theano's way to run backwards."""
    known = n_steps.held if isinstance(n_steps, Variable) else n_steps
    if isinstance(known, (int, np.integer)) and known < 0:
        return -int(known)
    return None


def step_numbers(n_steps: Variable) -> Variable:
    """0, 1, ..., n_steps − 1: the sequence of step numbers."""
    return arange(constant(0, "int64"), n_steps)
