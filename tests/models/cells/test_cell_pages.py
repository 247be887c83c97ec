"""The pages of the cells: their code runs, and their numbers are what is measured."""

import contextlib
import importlib.util
import io
import re
from pathlib import Path

import pytest

import symseq as ss
from symseq.models import cells

PAGES = Path(__file__).parents[3] / "docs" / "cells"
spec = importlib.util.spec_from_file_location("make_cell_pages", PAGES / "make.py")
make = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make)

every_page = pytest.mark.parametrize("name", make.PAGES)


@pytest.fixture(autouse=True)
def float32():
    """Over the fixture of the folder: pages are written for the default."""
    ss.config.floatX = "float32"


@every_page
def test_its_code_runs(name):
    (code,) = re.findall(r"```python\n(.*?)```", text(name), re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, f"{name}.md", "exec"), {})
    assert printed.getvalue().splitlines()[-1].startswith("(5, 2, ")


@every_page
def test_it_has_what_a_page_has(name):
    assert f"![One step]({name}.svg)" in text(name)
    assert (PAGES / f"{name}.svg").read_text().count("<svg") == 1
    linked = re.findall(r"\]\((\w+\.md)\)", text(name))
    assert all((PAGES / page).exists() for page in linked)
    assert "README.md" in linked


def test_the_picture_of_padding_is_there():
    assert "(padding.svg)" in text("README")
    assert (PAGES / "padding.svg").read_text().count("<svg") == 1


@every_page
def test_its_numbers_are_measured(name):
    facts = make.measure(name)
    error = float(re.search(r"adding problem \*\*([\d.]+)\*\*", text(name))[1])
    assert make.said(name, facts | {"error": error}) in text(name)
    assert make.row(name, facts | {"error": error}) in text("README")


@pytest.mark.parametrize("name", ["identity", "simple_rnn"])
def test_the_result_is_what_the_command_gives(name):
    error = float(re.search(r"adding problem \*\*([\d.]+)\*\*", text(name))[1])
    assert make.adding(name) == pytest.approx(error, rel=0.2)


def test_every_cell_has_a_page():
    classes = {kind for kind in vars(cells).values() if isinstance(kind, type)}
    kinds = {
        kind.__name__
        for kind in classes
        if issubclass(kind, cells.Cell) and kind not in (cells.Cell, cells.Wrapper)
    }
    written = "".join(map(text, make.PAGES))
    assert [kind for kind in kinds if f"cells.{kind}" not in written] == []


def text(name):
    return (PAGES / f"{name}.md").read_text()
