"""Files are written whole or not at all, also where several belong together."""

import os

import pytest

from symseq.errors import UsageError
from symseq.files import write_together, write_whole


def test_a_file_takes_the_place_of_the_old_one(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    write_whole(path, b"new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_where_the_second_fails_the_first_is_as_it_was(tmp_path):
    old = tmp_path / "a.txt"
    old.write_text("old")
    with pytest.raises(TypeError):
        write_together([(old, b"new"), (tmp_path / "b.txt", "no bytes")])
    assert old.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_missing_folder_is_told_before_anything_is_written(tmp_path):
    with pytest.raises(UsageError, match="no folder"):
        write_together([(tmp_path / "a", b""), (tmp_path / "none" / "b", b"")])
    assert os.listdir(tmp_path) == []
