"""Files of data that are damaged, in another code, or unusual: a rule or the text."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from symseq.errors import UsageError
from symseq.models.data import plain_text
from symseq.models.data.imdb import reviews
from symseq.models.data.parallel import PARTS, parallel

NOISE = np.random.default_rng(0).integers(97, 123, 40_000, "uint8").tobytes()
PAIRS = {f"{part}.{side}": b"a b\n" for part in PARTS for side in ("en", "ja")}
REVIEWS = {f"{part}/{kind}/0_1.txt": b"so" for part in PARTS for kind in ("pos", "neg")}
TEXT = {"text.txt": b"so"}
readers = pytest.mark.parametrize(
    ("read", "files", "longest"),
    [
        (parallel, PAIRS, "train.en"),
        (reviews, REVIEWS, "train/pos/0_1.txt"),
        (plain_text, TEXT, "text.txt"),
    ],
)


@readers
@pytest.mark.parametrize("form", ["xz", "gz"])
def test_an_archive_that_is_cut_short_is_refused(tmp_path, read, files, longest, form):
    whole = archive(files | {longest: NOISE}, form)
    path = tmp_path / f"data.tar.{form}"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match="cannot be read as an archive") as told:
        read(path)
    assert "test_damage.py" in str(told.value)  # the line that asked


@readers
def test_an_archive_with_a_wrong_byte_is_refused(tmp_path, read, files, longest):
    broken = bytearray(archive(files | {longest: NOISE}, "xz"))
    broken[len(broken) // 2] ^= 0xFF
    path = tmp_path / "data.tar.xz"
    path.write_bytes(broken)
    with pytest.raises(UsageError, match="cannot be read as an archive"):
        read(path)


@readers
def test_a_text_that_is_not_utf8_is_refused(tmp_path, read, files, longest):
    path = tmp_path / "data.tar"
    path.write_bytes(archive(files | {longest: b"\xff\xfe"}))
    with pytest.raises(UsageError, match="must be UTF-8"):
        read(path)


def test_only_a_line_feed_ends_a_sentence(tmp_path: Path) -> None:
    for name, content in PAIRS.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "dev.en").write_bytes("a\u2028b c\x0bd\r\n\ne f\n".encode())
    (tmp_path / "dev.ja").write_bytes("\ufeffあ\n\nい".encode())
    _, dev, _ = parallel(tmp_path)
    assert dev.sources == [["a", "b", "c", "d"], [], ["e", "f"]]
    assert dev.targets == [["あ"], [], ["い"]]
    (tmp_path / "test.en").write_bytes(b"")
    (tmp_path / "test.ja").write_bytes(b"")
    assert len(parallel(tmp_path)[2]) == 0


def test_a_byte_order_mark_is_no_character(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes("\ufeffab".encode())
    assert plain_text(path) == "ab"


def archive(files: dict[str, bytes], form: str = "") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=f"w:{form}") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()
