"""The floor: a work's matrix products alone, by NumPy, with nothing between them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from .work import Array, Built, Product

FLOOR = "floor"


def build(products: list[Product]) -> Built:
    """Every product into a buffer of its own, as often as the work needs it."""
    rng = np.random.default_rng(0)
    calls = [call for product in products for call in _calls(product, rng)]

    def run() -> None:
        for call in calls:
            call()

    return Built(run=run, results=lambda _: {})


def _calls(product: Product, rng: np.random.Generator) -> list[Callable[[], Array]]:
    left, right = (
        rng.standard_normal(shape).astype("float32")
        for shape in (product.left, product.right)
    )
    out = np.matmul(left, right)
    multiply = np.dot if out.ndim == 2 else np.matmul
    return [partial(multiply, left, right, out=out)] * product.times


def flops(products: list[Product]) -> int:
    """Multiplications and additions."""
    return sum(2 * p.times * int(np.prod(p.left)) * p.right[-1] for p in products)
