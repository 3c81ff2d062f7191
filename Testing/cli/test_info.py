"""What ``info`` prints is enough to understand a fault, and says nothing of patients or users."""

from __future__ import annotations

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
