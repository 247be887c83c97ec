"""The pages on models: their code runs, their scripts draw the pictures they show."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def run(*command: str) -> str:
    settings = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", *command],
        capture_output=True,
        text=True,
        env=settings,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("page", ["attention", "bptt", "bidirectional", "converters"])
def test_the_code_of_a_page_runs(page: str) -> None:
    text = (DOCS / f"{page}.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    for block in blocks:
        assert "False" not in run("-c", block)


def test_the_costs_of_attention_are_measured() -> None:
    said = run(str(DOCS / "attention_costs.py"), "3", "1")
    assert said.count(" ms\n") == 6


@pytest.mark.parametrize("page", ["bptt", "bidirectional"])
def test_a_pages_picture_is_drawn(page: str, tmp_path: Path) -> None:
    run(str(DOCS / f"{page}_picture.py"), str(tmp_path))
    drawn = (tmp_path / f"{page}.svg").read_text()
    assert "<svg" in drawn
    assert f"({page}.svg)" in (DOCS / f"{page}.md").read_text()


def test_truncated_bptt_in_short(tmp_path: Path) -> None:
    said = run(
        str(ROOT / "examples" / "truncated_bptt.py"),
        *("--tokens", "20000", "--out", str(tmp_path)),
        *("--json", str(tmp_path / "found.json")),
    )
    assert "none: 0.6616, one: 0.5192, both: 0.4545" in said
    made = {file.name for file in tmp_path.iterdir()}
    assert made == {"truncated_bptt.png", "found.json"}
