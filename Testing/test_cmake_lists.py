"""CMake installs what lies on disk: no library file or resource is forgotten, none invented."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
MODULE = REPOSITORY / "COVIDLesionSeg"
CMAKE = (MODULE / "CMakeLists.txt").read_text("utf-8")
TOP_CMAKE = (REPOSITORY / "CMakeLists.txt").read_text("utf-8")
LEFT_OUT = {"__pycache__", ".DS_Store"}


def listed(variable: str) -> list[str]:
    block = re.search(rf"set\({variable}\n(.*?)\)", CMAKE, re.DOTALL).group(1)
    return block.replace("${MODULE_NAME}", "COVIDLesionSeg").split()


def on_disk(folder: Path) -> list[str]:
    return [
        path.relative_to(MODULE).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not LEFT_OUT & set(path.parts)
    ]


def scripts() -> set[str]:
    library = [name for name in on_disk(MODULE / "COVIDLesionSegLib") if name.endswith(".py")]
    return {"COVIDLesionSeg.py", *library}


def resources() -> set[str]:
    files = on_disk(MODULE / "COVIDLesionSegLib") + on_disk(MODULE / "Resources")
    return {name for name in files if not name.endswith(".py")}


@pytest.mark.parametrize(
    ("variable", "files"),
    [("MODULE_PYTHON_SCRIPTS", scripts()), ("MODULE_PYTHON_RESOURCES", resources())],
)
def test_every_file_on_disk_is_listed_and_every_listed_file_is_on_disk(variable, files):
    missing = sorted(files - set(listed(variable)))
    invented = sorted(set(listed(variable)) - files)

    assert not missing, f"add to {variable}:\n  " + "\n  ".join(missing)
    assert not invented, f"take out of {variable}:\n  " + "\n  ".join(invented)


@pytest.mark.parametrize("variable", ["MODULE_PYTHON_SCRIPTS", "MODULE_PYTHON_RESOURCES"])
def test_the_lists_are_sorted_and_without_repeats(variable):
    names = listed(variable)

    assert names == sorted(set(names), key=names.index)
    assert names[1:] == sorted(names[1:])


def test_the_catalogue_entry_agrees_with_cmake():
    entry = json.loads((REPOSITORY / "COVIDLesionSeg.json").read_text("utf-8"))
    depends = re.search(r'EXTENSION_DEPENDS "([^"]*)"', TOP_CMAKE).group(1).split()
    category = re.search(r'EXTENSION_CATEGORY "([^"]*)"', TOP_CMAKE).group(1)

    assert entry["build_dependencies"] == depends
    assert entry["category"] == category
    assert set(entry) <= {
        "$schema",
        "build_dependencies",
        "build_subdirectory",
        "category",
        "dicom_support_rule",
        "scm_revision",
        "scm_type",
        "scm_url",
        "tier",
    }


def test_the_icon_is_128_pixels_square():
    header = (MODULE / "Resources" / "Icons" / "COVIDLesionSeg.png").read_bytes()[:24]

    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert [int.from_bytes(header[at : at + 4], "big") for at in (16, 20)] == [128, 128]
