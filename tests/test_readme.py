"""What README shows works, and its first program is as short as it says."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def block(before: str) -> str:
    """The fenced block that follows `before`."""
    _, _, rest = README.partition(before)
    found = re.search(r"```\w*\n(.*?)```", rest, re.DOTALL)
    assert found, f"README has no block after {before!r}"
    return found[1]


def test_first_program_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block("# symseq")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    first, second = map(float, done.stdout.split())
    assert second < first  # the second call sees the updated weights
    assert (tmp_path / "rnn.svg").read_text().count("<svg") == 1


def test_first_program_is_ten_lines() -> None:
    assert len([line for line in block("# symseq").splitlines() if line]) == 10


def test_commands_are_the_promised_ones() -> None:
    main, tests = block("<!-- main job -->"), block("<!-- tests -->")
    assert main == 'pip install ".[examples]" && python examples/lstm_classifier.py\n'
    assert tests == 'pip install ".[test]" && python -m pytest\n'


def test_named_files_exist() -> None:
    named = re.findall(r"`(?:python )?([\w/]+\.(?:py|md)|[\w/]+/)`", README)
    assert len(named) > 5
    assert [name for name in named if not (ROOT / name).exists()] == []
