"""Imports go down only, between floors and between the packages of the engine."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

MODULE = Path(__file__).parents[1] / "COVIDLesionSeg"
LIBRARY = MODULE / "COVIDLesionSegLib"
ENGINE = LIBRARY / "engine"

SLICER = {"slicer", "slicer_core", "vtk", "vtkmodules", "mrml"}
QT = {"qt", "ctk", "PySide6", "PyQt5", "PythonQt"}
COMMAND_LINE = {"typer", "rich"}
DOCUMENTS = {"jinja2", "matplotlib", "filelock", "highdicom"}
TORCH = {"torch", "monai", "lightning"}
SHIPPED_WITH_SLICER = SLICER | QT | {"numpy", "pydicom", "scipy", "SimpleITK", "COVIDLesionSegLib"}

BELOW = {
    "engine": set(),
    "scene": {"engine"},
    "headless": {"engine", "scene"},
    "report": {"engine", "scene", "headless"},
    "jobs": {"engine", "scene", "headless", "report"},
    "worker": {"engine", "jobs"},
    "monai_label": {"engine", "jobs"},
    "logic.py": {"engine", "scene", "jobs", "worker"},
    "cli": {"engine", "report", "jobs", "worker", "monai_label"},
    "panel": {"engine", "scene", "jobs", "worker", "logic"},
}
NEVER = {
    "engine": SLICER | QT | COMMAND_LINE | DOCUMENTS,
    "scene": QT | COMMAND_LINE | DOCUMENTS | TORCH,
    "headless": QT | COMMAND_LINE | DOCUMENTS | TORCH,
    "report": QT | COMMAND_LINE,
    "jobs": QT | COMMAND_LINE,
    "worker": SLICER | QT | COMMAND_LINE | DOCUMENTS | TORCH,
    "monai_label": SLICER | QT | COMMAND_LINE | DOCUMENTS | TORCH,
    "logic.py": QT | COMMAND_LINE | DOCUMENTS | TORCH,
    "cli": QT | SLICER | TORCH,
    "panel": COMMAND_LINE | DOCUMENTS | TORCH,
}
# The engine, from the ground up: a package imports from those before it, never from a sister in
# its own line or from one after it.
ENGINE_FLOORS = (
    ("errors",),
    ("choices", "files", "flags", "labels", "options", "progress", "requirements", "steps", "text"),
    ("lobes", "locks", "software"),
    ("losses", "metrics", "networks", "parameters", "volume"),
    ("boxes", "lesions"),
    ("models", "phantom", "severity"),
    ("inference", "result"),
    ("cluster", "lungs", "review"),
    ("data", "explain", "followup", "pipeline"),
    ("cohort", "evaluation", "synthesis", "training"),
    ("detection", "self_training", "studies"),
)
# What Slicer's Python imports when the module is loaded or used before its packages are there.
LOADED_BY_SLICER = (
    *MODULE.glob("*.py"),
    *LIBRARY.glob("*.py"),
    *(LIBRARY / "panel").rglob("*.py"),
    *(LIBRARY / "scene").rglob("*.py"),
    *(LIBRARY / "worker").rglob("*.py"),
    LIBRARY / "jobs" / "__init__.py",
    *(LIBRARY / "jobs" / "options").glob("*.py"),
    *ENGINE.glob("*.py"),
    *(ENGINE / "volume").glob("*.py"),
)
# Run by the worker only, when the packages are there.
RUN_LATER = {ENGINE / name for name in ("explain.py", "losses.py", "pipeline.py")}


@cache
def tree_of(path: Path) -> ast.Module:
    """A file as Python reads it; nearly every test reads them all."""
    return ast.parse(path.read_text("utf-8"))


@cache
def imports(path: Path, file_scope_only: bool = False) -> tuple[str, ...]:
    """Full names of what a file imports; relative ones begin with ``COVIDLesionSegLib``."""
    return tuple(names_imported(path, file_scope_only))


def names_imported(path: Path, file_scope_only: bool) -> Iterator[str]:
    package = path.relative_to(MODULE).with_suffix("").parts[:-1]
    for node in statements(tree_of(path), file_scope_only):
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
    place = LIBRARY / floor
    return [place] if place.suffix else sorted(place.rglob("*.py"))


def engine_package(name: str) -> str | None:
    """The package of the engine, or module at its root, that an import names."""
    parts = name.split(".")
    return parts[2] if parts[:2] == ["COVIDLesionSegLib", "engine"] and len(parts) > 2 else None


def engine_packages() -> dict[str, list[Path]]:
    """Every package and root module of the engine with its files."""
    entries = [path for path in ENGINE.iterdir() if path.name not in ("__init__.py", "__pycache__")]
    return {
        path.stem: [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))
        for path in entries
        if path.suffix == ".py" or path.is_dir()
    }


def test_the_map_of_the_code_names_every_package():
    text = (MODULE.parent / "CONTRIBUTING.md").read_text("utf-8")
    packages = [path for place in (LIBRARY, ENGINE) for path in place.iterdir() if path.is_dir()]
    names = {path.name for path in packages if (path / "__init__.py").exists()}
    assert not [name for name in sorted(names) if f"{name}/" not in text]


@pytest.mark.parametrize("floor", BELOW)
def test_a_floor_imports_only_from_the_floors_below(floor):
    of_all = {"HOMEPAGE", "RESEARCH_USE_NOTICE", "__version__"}
    allowed = BELOW[floor] | of_all | {floor.removesuffix(".py")}
    wrong = [
        f"{path.relative_to(LIBRARY)} imports {name}"
        for path in files(floor)
        for name in imports(path)
        if name.startswith("COVIDLesionSegLib.") and name.split(".")[1] not in allowed
    ]
    assert files(floor)
    assert wrong == []


def test_every_file_of_the_library_belongs_to_a_floor():
    entries = {path.name for path in LIBRARY.iterdir() if path.name != "__pycache__"}
    assert entries - {"__init__.py", "py.typed"} == set(BELOW)


def test_the_packages_of_the_engine_import_only_from_those_below():
    rank = {name: n for n, names in enumerate(ENGINE_FLOORS) for name in names}
    packages = engine_packages()
    assert set(packages) == set(rank)
    wrong = [
        f"{path.relative_to(ENGINE)} imports {imported}"
        for package, paths in packages.items()
        for path in paths
        for imported in map(engine_package, imports(path))
        if imported not in (None, package) and rank[imported] >= rank[package]
    ]
    assert wrong == []


def test_no_files_import_each_other_in_a_circle():
    modules = {
        ".".join(path.relative_to(MODULE).with_suffix("").parts).removesuffix(".__init__"): path
        for path in LIBRARY.rglob("*.py")
    }

    def imported(path: Path) -> set[str]:
        names = set(imports(path, file_scope_only=True))
        # ``from package import name``: the name may be a module or something in the package.
        return {n if n in modules else n.rpartition(".")[0] for n in names} & set(modules)

    graph = {name: imported(path) - {name} for name, path in modules.items()}
    # A package's file that imports its own modules is how Python gives them a common name.
    graph = {
        name: {n for n in found if not name.startswith(f"{n}.")} for name, found in graph.items()
    }
    TopologicalSorter(graph).prepare()


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
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("module", "package"),
    [
        # It takes longer to load than torch, and whole slices need nothing of it.
        ("engine.pipeline", "monai"),
        # Weights are compressed without the packages of training.
        ("jobs.compression", "lightning"),
    ],
)
def test_a_slow_package_is_loaded_only_where_it_is_needed(module, package):
    code = f"import COVIDLesionSegLib.{module}, sys; print({package!r} in sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(MODULE)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout == "False\n"


def messages(path: Path) -> Iterator[str]:
    """Text of the errors that a file raises and of the flags that it makes."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Raise):
            spoken: ast.AST | None = node.exc
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Flag"):
            spoken = node
        else:
            continue
        if spoken is not None:
            for part in ast.walk(spoken):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def test_no_message_below_the_command_line_names_an_option_of_it():
    below = [*files("engine"), *files("scene"), *files("headless"), *files("report")]
    wrong = [
        f"{path.relative_to(LIBRARY)}: {text}"
        for path in [*below, *files("jobs"), *files("worker")]
        for text in messages(path)
        if " --" in text or text.startswith("--")
    ]
    assert wrong == []


def test_the_command_line_loads_nothing_heavy():
    """So that help appears at once; torch, MONAI and numpy take seconds."""
    loaded = subprocess.run(
        [sys.executable, "-c", "import COVIDLesionSegLib.cli.main, sys; print(*sys.modules)"],
        env={"PYTHONPATH": str(MODULE)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    heavy = {"numpy", "scipy", "SimpleITK", "torch", "monai", "matplotlib", "vtk", "pydicom"}
    assert heavy.isdisjoint(loaded)


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
