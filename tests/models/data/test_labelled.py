"""Labelled texts out of a file of lines."""

from pathlib import Path

import pytest

from symseq.errors import UsageError
from symseq.models.data.labelled import labelled


def test_lines_are_texts_with_labels(tmp_path: Path) -> None:
    file = tmp_path / "a.tsv"
    file.write_bytes("\ufefffr\toui, 日本\r\n\r\nde\tja\tdoch\r\nfr\t\n".encode())
    found = labelled(file)
    assert found.classes == ("de", "fr") and found.labels == (1, 0, 1)
    assert found.texts == ("oui, 日本", "ja\tdoch", "")


@pytest.mark.parametrize(
    "content, said",
    [
        (b"fr oui", "line 1 of"),
        (b"fr\toui\n\tnon", "line 2 of"),
        (b"fr\toui", "two classes"),
        (b"", "two classes"),
        (b"\xff\t\xff", "UTF-8"),
    ],
)
def test_what_is_no_such_file(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "a.tsv"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        labelled(file)
    with pytest.raises(UsageError, match="there is none"):
        labelled(tmp_path / "no.tsv")
