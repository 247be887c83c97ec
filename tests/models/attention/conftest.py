"""Attention is compared in float64."""

from collections.abc import Iterator

import pytest

import symseq as ss


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    before, ss.config.floatX = ss.config.floatX, "float64"
    yield
    ss.config.floatX = before
