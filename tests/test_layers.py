"""Every import of the tree points down the table of layers, at module level."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {"symseq": "symseq", "compiler": "symseq.compiler", "models": "symseq.models"}

# From the bottom up. A module imports its own entry and the entries of the rows above.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("symseq.span",),
    ("symseq.errors",),
    ("symseq.config", "symseq.lengths", "symseq.files"),
    ("symseq.types",),
    ("symseq.operators",),
    ("symseq.graph",),
    ("symseq.traverse",),
    ("symseq.variables",),
    ("symseq.ops",),
    ("symseq.cloning",),
    ("symseq.scan",),
    ("symseq.random",),
    ("symseq.serialize", "symseq.printing"),
    ("symseq.cost", "symseq.groups"),
    ("symseq.networks",),
    ("symseq.draw",),
    ("symseq.compiler",),  # the package's own file: only its guard
    ("symseq.compiler.profile",),
    ("symseq.compiler.watch",),
    ("symseq.compiler.reference",),
    ("symseq.compiler.autodiff",),
    ("symseq.compiler.rewrite",),
    ("symseq.compiler.passes", "symseq.compiler.loop_passes"),
    ("symseq.compiler.recipe",),  # an expression as data: kernels hold it
    ("symseq.compiler.program",),
    ("symseq.compiler.lower",),
    ("symseq.compiler.memory",),
    ("symseq.compiler.overlay",),
    ("symseq.compiler.emit",),
    ("symseq.compiler.runtime",),
    ("symseq.compiler.budget",),
    ("symseq.compiler.pipeline",),
    ("symseq.compiler.targets", "symseq.compiler.spec"),
    ("symseq.compiler.arguments",),
    ("symseq.compiler.function",),
    ("symseq.compiler.eval",),
    ("symseq.explore",),  # pages of graphs and of what became of them
    ("symseq.compiler.walk",),
    ("symseq.compiler.summary",),
    ("symseq.models",),
    ("symseq.models.converters",),
    ("symseq.models.optimizers",),
    ("symseq.models.train",),
)
# What users import: it may import everything, and nothing else imports it.
FACADES = {"symseq", "symseq.models"}
FACADE_TREES = {
    "symseq.tensor",
    "symseq.gradient",
    "symseq.ifelse",
    "symseq.scan_module",
    "symseq.scalar",
    "symseq.sandbox",
    "symseq.compile",
    "symseq.compat",
    "symseq.configdefaults",
    "symseq.cli",
    "symseq.__main__",
}
# Models take gradients; only training compiles.
MODELS_MAY_IMPORT = "symseq.compiler.autodiff"
# (module, library): an optional target loads its library when it is first asked for.
LAZY: set[tuple[str, str]] = set()


def module_name(path: Path, root: Path = ROOT) -> str:
    folder, *rest = path.relative_to(root).with_suffix("").parts
    parts = [FOLDERS[folder], *rest]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tree() -> dict[str, Path]:
    """Every module of the three folders; the links are not followed."""
    found: dict[str, Path] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            inside = path.relative_to(ROOT / folder).parts
            if folder == "symseq" and inside[0] in ("compiler", "models"):
                continue
            found[module_name(path)] = path
    return found


TREE = tree()


def is_inside(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def is_facade(module: str) -> bool:
    return module in FACADES or any(is_inside(module, tree) for tree in FACADE_TREES)


def rank(module: str) -> tuple[int, str]:
    """The row of the longest entry that covers `module`, and that entry."""
    covering = [
        (len(entry), row, entry)
        for row, entries in enumerate(LAYERS)
        for entry in entries
        if is_inside(module, entry)
    ]
    assert covering, f"{module} has no row in the table of layers"
    _, row, entry = max(covering)
    return row, entry


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def import_statements(
    node: ast.AST, inside: bool = False
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Each import, and whether it stands in a function; those for types left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child, inside
        elif not is_type_checking(child):
            function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
            yield from import_statements(child, inside or function)


def targets(
    node: ast.Import | ast.ImportFrom, module: str, package: bool
) -> Iterator[str]:
    """The full names of the modules that an import reads."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        parts = module.split(".")
        above = parts[: len(parts) - node.level + (1 if package else 0)]
        base = ".".join([*above, base] if base else above)
    for alias in node.names:
        whole = f"{base}.{alias.name}"
        yield whole if whole in TREE else base


def complaints(module: str, text: str, *, package: bool = False) -> list[str]:
    """What is wrong with the imports of a module with this text."""
    found = []
    for node, inside in import_statements(ast.parse(text)):
        for target in targets(node, module, package):
            where = f"{module}:{node.lineno} imports {target}"
            if inside and (module, target.split(".")[0]) not in LAZY:
                found.append(f"{where} inside a function")
            if is_inside(target, "symseq") and not is_facade(module):
                found += [f"{where}: {why}" for why in wrong(module, target, node)]
    return found


def wrong(module: str, target: str, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if is_facade(target):
        yield "a façade"
        return
    for folder in ("symseq.compiler", "symseq.models"):
        siblings = is_inside(module, folder) and is_inside(target, folder)
        if siblings != (isinstance(node, ast.ImportFrom) and node.level > 0) and (
            is_inside(target, folder)
        ):
            yield "siblings are imported relatively, others by their full name"
    (row, entry), (other, other_entry) = rank(module), rank(target)
    if entry != other_entry and other >= row:
        yield f"{other_entry} is not below {entry}"
    compiles = is_inside(target, "symseq.compiler") and not is_inside(
        target, MODELS_MAY_IMPORT
    )
    if (
        compiles
        and is_inside(module, "symseq.models")
        and entry != "symseq.models.train"
    ):
        yield "only models.train compiles"


@pytest.mark.parametrize("module", TREE)
def test_imports_point_down(module: str) -> None:
    path = TREE[module]
    package = path.name == "__init__.py"
    assert complaints(module, path.read_text(), package=package) == []


def test_every_module_has_its_layer() -> None:
    for module in TREE:
        assert is_facade(module) or rank(module)


def test_every_layer_has_a_module() -> None:
    entries = [entry for row in LAYERS for entry in row] + sorted(
        FACADES | FACADE_TREES
    )
    assert [entry for entry in entries if entry not in TREE] == []


WRONG = [
    ("symseq.errors", "from symseq.types import TensorType", "not below"),
    ("symseq.graph", "from symseq.compiler.function import function", "not below"),
    ("symseq.lengths", "from symseq import config", "not below"),
    ("symseq.ops.math", "import symseq.scan.front", "not below"),
    ("symseq.ops.math", "import symseq.tensor as T", "façade"),
    ("symseq.ops.math", "from symseq import function", "façade"),
    ("symseq.compiler.emit", "from ..runtime import bind", "not below"),
    ("symseq.compiler.runtime", "from symseq.compiler.emit import f", "relatively"),
    ("symseq.models.layers", "from ..compiler.autodiff import g", "full name"),
    ("symseq.models.layers", "from symseq.compiler.function import f", "only models"),
    ("symseq.models.layers", "from .train import fit", "not below"),
    ("symseq.ops.math", "def f():\n    import numpy", "inside a function"),
    ("symseq.ops.math", "class A:\n def f(s):\n  if s:\n   import re", "inside a"),
]


@pytest.mark.parametrize("module, text, why", WRONG)
def test_a_wrong_import_is_found(module: str, text: str, why: str) -> None:
    package = module in TREE and TREE[module].name == "__init__.py"
    (found,) = complaints(module, text, package=package)
    assert why in found


RIGHT = [
    ("symseq.graph", "from symseq import lengths"),
    ("symseq.operators", "if TYPE_CHECKING:\n    from symseq.graph import Variable"),
    (
        "symseq.compiler.runtime",
        "from ..emit import source\nfrom symseq.graph import Op",
    ),
    ("symseq.models.layers", "from symseq.compiler.autodiff.reverse import grad"),
    ("symseq.models.train", "from symseq.compiler.function import function"),
    ("symseq.tensor", "from symseq.compiler.autodiff.reverse import grad"),
]


@pytest.mark.parametrize("module, text", RIGHT)
def test_a_right_import_is_not(module: str, text: str) -> None:
    package = module in TREE and TREE[module].name == "__init__.py"
    assert complaints(module, text, package=package) == []


@pytest.mark.parametrize("folder", ["compiler", "models"])
def test_links_lead_to_the_folders(folder: str) -> None:
    link = ROOT / "symseq" / folder
    assert link.is_symlink()
    assert link.resolve() == (ROOT / folder).resolve()
