"""Models are compared in float64, so that what should be equal is so to many digits."""

from collections.abc import Iterator

import pytest

import symseq as ss

COMPARED = ("attention", "cells", "converters", "seq2seq")  # folders


@pytest.fixture(autouse=True)
def double(request: pytest.FixtureRequest) -> Iterator[None]:
    before = ss.config.floatX
    if request.path.parent.name in COMPARED:
        ss.config.floatX = "float64"
    yield
    ss.config.floatX = before
