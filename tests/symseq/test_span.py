"""Where a node was written, as users call the place."""

import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from symseq.span import Span, place_of

FILE = "/tmp/ipykernel_9/123.py"


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    place_of.cache_clear()
    yield
    place_of.cache_clear()


def test_a_file_goes_by_its_name() -> None:
    assert str(Span("/home/me/model.py", 7)) == "model.py:7"


def test_a_cell_of_a_notebook_goes_by_its_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As tracebacks of IPython have it."""
    names = {FILE: ("Cell", "In[4]")}
    shell = SimpleNamespace(compile=SimpleNamespace(format_code_name=names.get))
    ipython = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert str(Span(FILE, 7)) == "In[4]:7"
    assert str(Span("/home/me/model.py", 7)) == "model.py:7"


def test_ipython_without_a_shell_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ipython = SimpleNamespace(get_ipython=lambda: None)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert str(Span(FILE, 7)) == "123.py:7"
