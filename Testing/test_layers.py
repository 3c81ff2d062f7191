"""Imports go down only: panel and cli on top, then scene and headless, then engine."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

MODULE = Path(__file__).parents[1] / "COVIDLesionSeg"
LIBRARY = MODULE / "COVIDLesionSegLib"

SLICER = {"slicer", "slicer_core", "vtk", "vtkmodules", "mrml"}
QT = {"qt", "ctk", "PySide6", "PyQt5", "PythonQt"}
COMMAND_LINE = {"typer", "rich", "jinja2", "matplotlib", "filelock"}
TORCH = {"torch", "monai", "lightning"}
SHIPPED_WITH_SLICER = SLICER | QT | {"numpy", "pydicom", "scipy", "SimpleITK", "COVIDLesionSegLib"}

BELOW = {
    "engine": set(),
    "scene": {"engine"},
    "headless": {"engine", "scene"},
    "panel": {"engine", "scene", "console"},
    "cli": {"engine", "scene", "headless"},
}
NEVER = {
    "engine": SLICER | QT | COMMAND_LINE,
    "scene": QT | COMMAND_LINE | TORCH,
    "headless": QT | COMMAND_LINE | TORCH,
    "panel": COMMAND_LINE | TORCH,
    "cli": QT,
}
# What Slicer's Python imports when the module is loaded or used before its packages are there.
LOADED_BY_SLICER = (
    *MODULE.glob("*.py"),
    *LIBRARY.glob("*.py"),
    *(LIBRARY / "panel").rglob("*.py"),
    *(LIBRARY / "scene").rglob("*.py"),
    LIBRARY / "cli" / "__init__.py",
    LIBRARY / "cli" / "worker.py",
    *(LIBRARY / "engine").glob("*.py"),
    *(LIBRARY / "engine" / "volume").glob("*.py"),
)
# Run by the worker only, when the packages are there.
RUN_LATER = {LIBRARY / "engine" / name for name in ("losses.py", "pipeline.py")}


def imports(path: Path, file_scope_only: bool = False) -> Iterator[str]:
    """Full names of what a file imports; relative ones begin with ``COVIDLesionSegLib``."""
    package = path.relative_to(MODULE).with_suffix("").parts[:-1]
    for node in statements(ast.parse(path.read_text("utf-8")), file_scope_only):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            name = ".".join((*base, *filter(None, [node.module])))
            yield from (f"{name}.{alias.name}" for alias in node.names)


def statements(tree: ast.AST, file_scope_only: bool) -> Iterator[ast.AST]:
    """All nodes; or those that run on import, so neither functions nor type-checking blocks."""
    for node in ast.iter_child_nodes(tree):
        if file_scope_only and runs_later(node):
            continue
        yield node
        yield from statements(node, file_scope_only)


def runs_later(node: ast.AST) -> bool:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        return True
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def files(floor: str) -> list[Path]:
    return sorted((LIBRARY / floor).rglob("*.py"))


@pytest.mark.parametrize("floor", BELOW)
def test_a_floor_imports_only_from_the_floors_below(floor):
    allowed = BELOW[floor] | {floor, "__version__", "RESEARCH_USE_NOTICE"}
    wrong = [
        f"{path.relative_to(LIBRARY)} imports {name}"
        for path in files(floor)
        for name in imports(path)
        if name.startswith("COVIDLesionSegLib.") and name.split(".")[1] not in allowed
    ]
    assert files(floor)
    assert wrong == []


@pytest.mark.parametrize("floor", NEVER)
def test_a_floor_never_imports_what_belongs_elsewhere(floor):
    wrong = [
        f"{path.relative_to(LIBRARY)} imports {name}"
        for path in files(floor)
        for name in imports(path)
        if name.split(".")[0] in NEVER[floor]
    ]
    assert wrong == []


def test_what_slicer_loads_needs_nothing_but_slicers_own_python():
    allowed = SHIPPED_WITH_SLICER | sys.stdlib_module_names
    wrong = [
        f"{path.relative_to(MODULE)} imports {name}"
        for path in sorted(set(LOADED_BY_SLICER) - RUN_LATER)
        for name in imports(path, file_scope_only=True)
        if name.split(".")[0] not in allowed
    ]
    assert wrong == []


def test_the_engine_does_not_print():
    wrong = [
        str(path.relative_to(LIBRARY))
        for path in files("engine")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import torch.nn", ["torch.nn"]),
        ("from ..engine import errors", ["COVIDLesionSegLib.engine.errors"]),
        ("from . import options", ["COVIDLesionSegLib.cli.options"]),
        ("def f():\n    import qt", []),
        ("if TYPE_CHECKING:\n    import slicer", []),
        ("try:\n    import ctk\nexcept ImportError:\n    pass", ["ctk"]),
    ],
)
def test_imports_are_read_as_python_would(source, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "MODULE", tmp_path)
    path = tmp_path / "COVIDLesionSegLib" / "cli" / "x.py"
    path.parent.mkdir(parents=True)
    path.write_text(source)
    assert list(imports(path, file_scope_only=True)) == expected
