"""The notebook runs from its first cell to its last, and is kept with its pictures."""

import os
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")  # extra test
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "first_steps.ipynb"
PICTURE, TABLE = "image/svg+xml", "text/html"


def kinds(notebook: Any) -> list[set[str]]:
    """Of each cell of code, what kinds of outputs it shows."""
    return [
        {kind for output in cell.outputs for kind in output.get("data", {"text": 0})}
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_it_is_kept_as_it_ran() -> None:
    kept = nbformat.read(FILE, 4)
    nbformat.validate(kept)
    assert FILE.stat().st_size < 1_500_000
    assert sum(PICTURE in shown for shown in kinds(kept)) >= 9
    outputs = [o for c in kept.cells if c.cell_type == "code" for o in c.outputs]
    assert {o.output_type for o in outputs} <= {
        "execute_result", "display_data", "stream",
    }  # fmt: skip
    assert "/ipykernel" not in FILE.read_text()  # lines go by their cells: In[3]:2


def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT)]))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    kept, new = nbformat.read(FILE, 4), nbformat.read(FILE, 4)
    for cell in new.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    where = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(new, timeout=600, resources=where).execute()
    assert kinds(new) == kinds(kept)
    assert "<svg" in (tmp_path / "curve.svg").read_text()
    assert "</html>" in (tmp_path / "explore.html").read_text()
    told = [output for cell in new.cells for output in cell.get("outputs", [])]
    lines = [o.data["text/plain"] for o in told if "valid" in str(o.get("data", ""))]
    best = next(line for line in reversed(lines) if "(best)" in line)
    assert float(best.split("valid ")[1].split()[0]) > 0.9
