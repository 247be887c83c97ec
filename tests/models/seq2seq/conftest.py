"""In float64, so that what should be equal is equal to many digits."""

import pytest

import symseq as ss


@pytest.fixture(autouse=True, scope="module")
def double():
    before = ss.config.floatX
    ss.config.floatX = "float64"
    yield
    ss.config.floatX = before
