"""How many threads BLAS gets for one binding: by a model of its products, or as set.

A threaded product is shared out and waited for: that costs some microseconds a thread,
which a small product inside a loop does not earn back, the less so the more cores there
are. The number is a function of lengths alone, so that a run repeats bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from math import prod
from typing import Any

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from symseq.config import config
from symseq.ops.linalg import BatchedDot, Dot

from ..program import Compute, Loop, Step

# Seconds of one multiply-add on one thread, and of waking and awaiting one thread.
MULTIPLY_ADD, WAKING = 3e-11, 3e-6
UNTHREADED = 2**18  # products of fewer multiply-adds run on one thread in any case

Shape = Callable[[str], Sequence[int]]


def multiply_adds(
    steps: Sequence[Step], shape: Shape, trips: dict[str, int], times: int = 1
) -> Iterator[tuple[int, int]]:
    """(how often, multiply-adds) of every matrix product of a program."""
    for step in steps:
        if isinstance(step, Loop):
            inner = times * trips[step.name]
            yield from multiply_adds(step.body, shape, trips, inner)
        elif isinstance(step, Compute) and _is_product(step):
            left, out = shape(step.inputs[0].name), shape(step.outs[0].name)
            if -1 not in (*left, *out):  # known before the run
                batch = out[0] if len(out) > 2 else 1
                yield times * batch, prod(out) * left[-1] // max(batch, 1)


def _is_product(step: Compute) -> bool:
    return step.node is not None and isinstance(step.node.op, (Dot, BatchedDot))


def best_threads(products: Sequence[tuple[int, int]], found: int) -> int:
    """The number of threads, at most `found`, with the least predicted time."""
    candidates = [n for n in (1, 2, 4, 8, 16, 32, 64) if n < found] + [found]
    return min(candidates, key=lambda n: sum(k * _cost(m, n) for k, m in products))


def _cost(size: int, threads: int) -> float:
    if threads == 1 or size < UNTHREADED:
        return size * MULTIPLY_ADD
    return size * MULTIPLY_ADD / threads + WAKING * threads


def chosen_threads(
    steps: Sequence[Step], shape: Shape, trips: dict[str, int]
) -> int | None:
    """The threads that the model gives a binding; None leaves BLAS as it is.

    So do programs without products.
    """
    products = list(multiply_adds(steps, shape, trips))
    if not products or not _pools():
        return None
    return best_threads(products, found_threads())


def threads_now(chosen: int | None) -> int | None:
    """``config.blas_threads``, where it is set and BLAS is not left alone; `chosen`."""
    return chosen and (int(config.blas_threads) or chosen)


@cache
def _pools() -> list[Any]:
    """The loaded BLAS libraries, which let their number of threads be set."""
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


@cache
def found_threads() -> int:
    """How many threads BLAS had when first asked: the environment's choice."""
    return max((pool.get_num_threads() for pool in _pools()), default=1)


@contextmanager
def blas_threads(count: int | None) -> Iterator[None]:
    """BLAS on `count` threads (None: as it is); what it had before comes back after."""
    if count is None:
        yield
        return
    changed = [
        (pool, before)
        for pool in _pools()
        if (before := pool.get_num_threads()) != count
    ]
    for pool, _ in changed:
        pool.set_num_threads(count)
    try:
        yield
    finally:
        for pool, before in changed:
            pool.set_num_threads(before)
