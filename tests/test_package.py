"""The wheel and the source archive hold the tree; the wheel imports from anywhere."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("symseq", "compiler", "models")
LEFT_OUT = (".git", ".?*_cache", "__pycache__", "*.egg-info", "build", "dist", "out")


def tree_files(pattern: str) -> set[str]:
    """Paths below the root, as in the archive: the links are not followed."""
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in (ROOT / folder).rglob(pattern)
    }
    return {name for name in found if not name.startswith(LINKED)}


LINKED = ("symseq/compiler/", "symseq/models/")


def installed_name(path: str) -> str:
    """compiler/emit/numpy.py → symseq/compiler/emit/numpy.py."""
    return path if path.startswith("symseq/") else f"symseq/{path}"


@dataclass
class Built:
    wheel: Path
    archive: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The archive of a copy of the tree, and the wheel made from that archive."""
    place = tmp_path_factory.mktemp("package")
    copy = place / "tree"
    ignore = shutil.ignore_patterns(*LEFT_OUT)
    shutil.copytree(ROOT, copy, symlinks=True, ignore=ignore)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir"]
    done = subprocess.run(
        [*command, str(place / "dist"), str(copy)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (place / "dist").glob("*.whl")
    (archive,) = (place / "dist").glob("*.tar.gz")
    return Built(wheel, archive)


def test_wheel_has_every_module_once(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        names = wheel.namelist()
    modules = [name for name in names if name.endswith(".py")]
    assert sorted(modules) == sorted(map(installed_name, tree_files("*.py")))
    assert "symseq/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_archive_has_tree_and_tests_once(built: Built) -> None:
    with tarfile.open(built.archive) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert tree_files("*.py") <= names
    assert {path for path in names if path.startswith(LINKED)} == set()
    tests = {p.relative_to(ROOT).as_posix() for p in (ROOT / "tests").rglob("*.py")}
    assert tests <= names
    assert {"README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml"} <= names


IMPORT_ALL = """
import importlib, sys
place, *modules = sys.argv[1:]
sys.path.insert(0, place)
for module in modules:
    loaded = importlib.import_module(module)
    assert loaded.__file__.startswith(place), loaded.__file__
print(len(modules), "imported")
"""


def module_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def test_wheel_imports_from_another_folder(built: Built, tmp_path: Path) -> None:
    """The wheel holds only Python files, so that unpacking it installs it."""
    place = tmp_path / "installed"
    with zipfile.ZipFile(built.wheel) as wheel:
        wheel.extractall(place)
    modules = sorted(module_of(installed_name(path)) for path in tree_files("*.py"))
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", IMPORT_ALL, str(place), *modules],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{len(modules)} imported\n", done.stderr


@pytest.mark.parametrize("folder", ["compiler", "models"])
def test_a_folder_refuses_another_name(folder: str) -> None:
    """A user's own `models` can not be taken for ours, nor ours for theirs."""
    done = subprocess.run(
        [sys.executable, "-c", f"import {folder}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert f"this folder is the package symseq.{folder}" in done.stderr
