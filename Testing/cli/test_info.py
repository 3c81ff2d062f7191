"""What ``info`` prints is enough to understand a fault, and says nothing of patients or users."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from typer.testing import CliRunner

from COVIDLesionSegLib import __version__
from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from COVIDLesionSegLib.engine.review.folder import REVIEWS_FOLDER_VARIABLE


def printed() -> dict[str, str]:
    result = CliRunner().invoke(app, ["info"])
    assert result.exit_code == 0, result.output
    return {name: value.strip() for name, _, value in map(_parts, result.output.splitlines())}


def _parts(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def test_versions_device_and_models_are_those_of_this_computer():
    facts = printed()
    assert facts["COVIDLesionSeg"] == __version__
    assert torch.__version__.startswith(facts["torch"])
    assert facts["device"].startswith(("cpu", "cuda", "mps"))
    assert facts["models"].startswith(str(len(load_catalogue().models)))


def test_neither_the_home_folder_nor_names_of_reviewed_cases_are_told(monkeypatch, tmp_path):
    home = tmp_path / "home-of-dr-miller"
    (home / "reviews" / "case-of-mrs-doe").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv(REVIEWS_FOLDER_VARIABLE, str(home / "reviews"))
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(home / "models"))
    facts = printed()
    assert facts["reviewed cases"] == "~/reviews"
    assert not any("miller" in value or "doe" in value for value in facts.values())


def test_a_damaged_model_of_the_users_is_told(monkeypatch, tmp_path):
    (tmp_path / "mine.json").write_text("{")
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path))
    assert "mine.json" in printed()["model left out"]


@pytest.mark.slow
def test_a_computer_without_pytorch_gets_all_other_facts():
    """Where the installation is broken, this block is what shows it."""
    without = "import sys; sys.modules.update(torch=None, scipy=None, monai=None, skimage=None)"
    run = "from COVIDLesionSegLib.cli.main import app; app(['info'])"
    done = subprocess.run(
        [sys.executable, "-c", f"{without}; {run}"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    facts = {name: value.strip() for name, _, value in map(_parts, done.stdout.splitlines())}
    assert done.returncode == 0, done.stderr
    assert facts["device"] == "unknown, as PyTorch cannot be loaded"
    assert facts["models"] and facts["temporary files"]
