"""Lines of a plan and its errors know the user's line."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.compiler.runtime.loaded_text import LoadedText


def test_source_lines_know_the_users_line():
    x = T.dvector("x")
    y = T.exp(x)  # the line below
    f = ss.function([x], y)
    line = next(
        n for n, text in enumerate(f.plan.source.splitlines(), 1) if "exp(x" in text
    )
    assert "T.exp(x)" in f.plan.line_map[line].text


@pytest.mark.parametrize("target", ["reference", "numpy"])
def test_an_error_of_numpy_names_the_users_line(target):
    i, k = T.ivectors("i", "k")
    f = ss.function([i, k], i**k, target=target)
    np.testing.assert_array_equal(f([2, 3], [2, 1]), [4, 3])
    with pytest.raises(ValueError) as caught:
        f([2, 3], [2, -1])
    (note,) = caught.value.__notes__
    assert "f = ss.function([i, k], i**k, target=target)" in note


def test_given_lines_are_shown_and_not_executed():
    source = (
        "def half(x):\n    raise AssertionError\n\ndef run():\n    return half(4)\n"
    )
    text = LoadedText("f", source, {}, range(0, 2))
    assert text.function("run", {"half": lambda x: x // 2})() == 2
    assert text.source == source
