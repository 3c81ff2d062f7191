"""The wheel holds the whole library, its licence and its command."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from COVIDLesionSegLib import __version__

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[1]
LIBRARY = "COVIDLesionSeg/COVIDLesionSegLib"
LEFT_OUT = {"__pycache__", ".DS_Store"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """Built from a copy, as a build writes beside its sources; the weights are empty there."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    shutil.copytree(
        REPOSITORY / LIBRARY,
        source / LIBRARY,
        ignore=shutil.ignore_patterns(*LEFT_OUT),
        copy_function=lambda one, other: (
            Path(other).touch() if one.endswith(".safetensors") else shutil.copy(one, other)
        ),
    )
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "dist", "."],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (source / "dist").glob("*.whl")
    return zipfile.ZipFile(path)


def test_every_file_of_the_library_is_in_the_wheel(wheel):
    library = REPOSITORY / LIBRARY
    files = {
        path.relative_to(library.parent).as_posix()
        for path in library.rglob("*")
        if path.is_file() and not LEFT_OUT & set(path.parts)
    }
    assert not files - set(wheel.namelist())


def test_version_licence_and_command_are_in_the_wheel(wheel):
    info = f"covid_lesion_seg-{__version__}.dist-info"
    metadata = wheel.read(f"{info}/METADATA").decode()
    assert f"\nVersion: {__version__}\n" in metadata
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    assert f"{info}/licenses/LICENSE" in wheel.namelist()
    commands = wheel.read(f"{info}/entry_points.txt").decode()
    assert "covid-lesion-seg = COVIDLesionSegLib.cli.main:main" in commands


def test_the_wheel_alone_brings_what_segments_a_ct(wheel):
    """`pip install .` is complete: extras are for other tasks."""
    metadata = wheel.read(f"covid_lesion_seg-{__version__}.dist-info/METADATA").decode()
    required = {
        re.match(r"[\w-]+", line)[0]
        for line in re.findall(r"^Requires-Dist: (.+)$", metadata, re.MULTILINE)
        if "extra ==" not in line
    }
    assert {"torch", "monai", "SimpleITK", "slicer-core", "vtk", "matplotlib", "typer"} <= required
