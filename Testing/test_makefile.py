"""What make removes, and what it installs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from markdown_pages import PAGES

REPOSITORY = Path(__file__).parents[1]


pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make")


def plan(*arguments: str) -> str:
    """What make would do."""
    return subprocess.run(
        ["make", "--dry-run", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_every_target_that_help_or_a_page_names_has_a_rule():
    text = [plan("help"), *((REPOSITORY / page).read_text("utf-8") for page in PAGES)]
    named = set(re.findall(r"(?:^|[`\"])make ([a-z-]+)", "\n".join(text), re.MULTILINE))
    assert {"demo", "docs", "lint", "test", "test-slicer"} <= named
    rules = (REPOSITORY / "Makefile").read_text("utf-8")
    assert not {name for name in named if not re.search(rf"^{name}:.*\n\t", rules, re.MULTILINE)}


@pytest.mark.parametrize("variable", ["OUT", "VENV"])
def test_clean_never_removes_a_folder_that_the_user_named(variable):
    planned = plan("clean", f"{variable}=/home/jane")
    assert "rm -rf" in planned
    assert "/home/jane" not in planned


def test_the_tests_get_no_local_build_of_torch_which_torchvision_could_not_load(tmp_path):
    pinned = re.search(
        r"^torch==(\S+)$", (REPOSITORY / "constraints.txt").read_text(), re.MULTILINE
    )
    planned = plan(f"{tmp_path}/test.installed", f"VENV={tmp_path}")

    assert f"-e '.[test]' 'torch==={pinned.group(1)}'" in planned


def test_the_demo_needs_neither_torchvision_nor_the_encoders(tmp_path):
    planned = plan(f"{tmp_path}/demo.installed", f"VENV={tmp_path}")

    assert re.search(r" -e \.$", planned, re.MULTILINE)
    assert "torch===" not in planned


@pytest.mark.parametrize("target", ["test", "test-all"])
def test_the_suites_in_slicer_are_part_of_the_tests_where_slicer_is_named(target):
    assert 'Testing/in_slicer/run.py --slicer "/opt/Slicer"' in plan(target, "SLICER=/opt/Slicer")


@pytest.mark.parametrize("target", ["test", "test-all"])
def test_it_is_said_where_the_suites_in_slicer_are_left_out(target):
    planned = plan(target, "SLICER=")
    assert f"SKIPPED: the suites in the Slicer application (make {target} SLICER=" in planned
    assert "in_slicer/run.py" not in planned


def test_the_slow_tests_are_left_out_of_the_usual_run_only():
    assert "pytest -n 2" in plan("test") and '-m "not slow"' in plan("test")
    assert "pytest -n 2" in plan("test-all") and "not slow" not in plan("test-all")


@pytest.mark.parametrize("target", ["test-slicer", "screenshots"])
def test_what_needs_slicer_says_so(target):
    done = subprocess.run(
        ["make", target, "SLICER="], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert f"make {target} SLICER=/path/to/Slicer" in done.stderr
