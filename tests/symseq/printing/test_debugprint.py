"""Trees: ids, references, types, lines, loops with their roles."""

import io

import pytest

import symseq  # noqa: F401  (fills the table of operators)
from symseq.graph import Variable
from symseq.lengths import dims
from symseq.ops.math import tanh
from symseq.printing.debugprint import debugprint, letters
from symseq.scan.frontend import scan
from symseq.types import TensorType

(T,) = dims("T")
a = Variable(TensorType("float32", (T,)), name="a")


def test_tree_refers_to_what_came_before():
    y = tanh(a)
    assert debugprint(y * y, file="str") == (
        "mul [id A]\n├─ tanh [id B]\n│  └─ a [id C]\n└─ tanh [id B] ···"
    )


def test_types_have_named_lengths():
    text = debugprint(a[::-1], True, file="str")
    assert text == "subtensor[::-1] [id A] <float32[T]>\n└─ a [id B] <float32[T]>"


def test_lines_of_the_user():
    assert "test_debugprint.py:" in debugprint(a + a, file="str", print_lines=True)
    assert "debugprint(a + a" in debugprint(a + a, file="str", print_lines=True)


def test_prints_to_a_file_and_to_standard_output(capsys):
    file = io.StringIO()
    assert debugprint(a, file=file) is None
    debugprint(a)
    assert file.getvalue() == capsys.readouterr().out == "a [id A]\n"


def test_loop_shows_its_roles_and_its_body():
    start = Variable(TensorType("float32"), name="start")
    outputs, _ = scan(lambda x, s: s * x, [a], [start], name="product")
    text = debugprint(outputs, file="str")
    for part in (
        "n_steps: subtensor[0] [id C] = T",
        "sequence: a [id E]",
        "initial: ",
        "body of product at each step t",
        "state 0, t: mul",
        "(sequence a[t])",
        "(state 0, t-1)",
    ):
        assert part in text


def test_deep_graph_does_not_recurse():
    y = a
    for _ in range(2000):
        y = tanh(y)
    assert len(debugprint(y, file="str").splitlines()) == 2001


@pytest.mark.parametrize(
    ("number", "text"), [(0, "A"), (25, "Z"), (26, "AA"), (52, "BA")]
)
def test_letters(number, text):
    assert letters(number) == text
