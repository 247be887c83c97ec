"""Wrong programs: each gives one short error that shows the user's own line.

A program stands in tests/wrong/ with its error beside it; its wrong line is marked. To
write the texts anew after a deliberate change: SYMSEQ_GOLDEN=write, then read them.
"""

import os
import runpy
import sys
from pathlib import Path

import pytest

from symseq.errors import SymseqError

WRONG = Path(__file__).parent / "wrong"
PROGRAMS = sorted(set(WRONG.glob("*.py")) - {WRONG / "conftest.py"})
MARK = "# wrong"


def error_of(program: Path) -> str:
    with pytest.raises(SymseqError) as caught:
        runpy.run_path(str(program))
    return f"{type(caught.value).__name__}: {caught.value}\n"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder to write in, and no CuPy: one program asks for the target without it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "cupy", None)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_error_is_the_golden_one(program: Path) -> None:
    text = error_of(program)
    golden = program.with_suffix(".txt")
    if os.environ.get("SYMSEQ_GOLDEN") == "write":
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_error_is_short_and_shows_the_line(program: Path) -> None:
    lines = program.read_text().splitlines()
    ((number, line),) = [(k, x) for k, x in enumerate(lines, 1) if x.endswith(MARK)]
    said = error_of(program)
    assert f"{program.name}:{number}" in said
    assert line.strip() in said
    assert len(said.splitlines()) <= 7


def test_there_are_at_least_twenty() -> None:
    assert len(PROGRAMS) >= 20
    assert {path.stem for path in PROGRAMS} == {p.stem for p in WRONG.glob("*.txt")}
