"""The gallery's pictures: nothing overlaps, nothing is cut, the page shows them all."""

import importlib.util
import re
from pathlib import Path

import pytest
from overlaps import Box, faults, label_faults, svg_faults

GALLERY = Path(__file__).parents[3] / "docs" / "gallery"
MOST_BYTES = 2_500_000  # of all pictures


def load():
    spec = importlib.util.spec_from_file_location("gallery", GALLERY / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


gallery = load()


@pytest.mark.parametrize("name", gallery.pictures())
def test_no_text_overlaps_or_is_cut(name):
    picture = gallery.pictures()[name]()
    found = faults(picture.dot) if hasattr(picture, "dot") else label_faults(picture)
    assert not found


def test_the_page_shows_every_picture():
    page = (GALLERY / "README.md").read_text()
    assert page == gallery.page()
    assert re.findall(r"\((\w+)\.svg\)", page) == list(gallery.pictures())


def test_every_picture_is_there_and_small():
    files = {file.stem: file.read_text() for file in GALLERY.glob("*.svg")}
    assert files.keys() == gallery.pictures().keys()
    assert sum(map(len, files.values())) < MOST_BYTES
    for name, svg in files.items():
        assert not svg_faults(svg), name


def test_an_overlap_is_found():
    assert Box("a", 0, 0, 10, 10).meets(Box("b", 8, 8, 20, 20))
    assert not Box("a", 0, 0, 10, 10).meets(Box("b", 10, 0, 20, 10))
    dot = 'digraph { layout=neato; a [pos="0,0!"]; abc [pos="0.1,0!"] }'
    assert faults(dot) == ["'a' overlaps 'abc'"]
    assert faults('graph { a [label="much too long" width=0.1 fixedsize=true] }')
