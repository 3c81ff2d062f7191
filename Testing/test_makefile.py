"""``make clean`` removes what make made, never what a variable happens to name."""

import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
@pytest.mark.parametrize("variable", ["OUT", "VENV"])
def test_clean_never_removes_a_folder_that_the_user_named(variable):
    planned = subprocess.run(
        ["make", "--dry-run", "clean", f"{variable}=/home/jane"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "rm -rf" in planned
    assert "/home/jane" not in planned
