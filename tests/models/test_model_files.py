"""Model files are short, and say the shapes of what they read and show."""

import ast
from pathlib import Path

import pytest

MODELS = Path(__file__).parents[2] / "models"
FILES = sorted(MODELS.rglob("*.py"))
EQUATIONS = [f for f in FILES if f.parent.name in ("cells", "attention", "seq2seq")]


def named(file):
    return str(file.relative_to(MODELS))


@pytest.mark.parametrize("file", FILES, ids=named)
def test_a_file_has_at_most_250_lines(file):
    assert len(file.read_text().splitlines()) <= 250


@pytest.mark.parametrize("file", EQUATIONS, ids=named)
def test_public_classes_of_variables_name_their_shapes(file):
    text = file.read_text()
    silent = [
        node.name
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef)
        and not node.name.startswith("_")
        and "Variable" in (ast.get_source_segment(text, node) or "")
        and "Shapes:" not in (ast.get_source_segment(text, node) or "")
    ]
    assert silent == []
