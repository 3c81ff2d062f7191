"""Missing packages: asked for at Apply, never installed unasked, and torch never by pip."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from panel.workers import ScriptedWorker

tomllib = pytest.importorskip("tomllib")  # Python 3.10 has none

REPOSITORY = Path(__file__).parents[2]
NOT_INSTALLED = "covid-lesion-seg-test-package-that-is-not-there>=1"


@pytest.fixture
def packaging(bench):
    """The stand-in; Slicer's own would install for real."""
    from slicer import packaging

    if not hasattr(packaging, "installed"):
        pytest.skip("Slicer's own packaging is loaded, and would install for real")
    packaging.installed.clear()
    return packaging


@pytest.fixture
def missing_package(panel, tmp_path, monkeypatch, packaging):
    """The panel asks for a package that is not installed; the run itself never ends."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"{NOT_INSTALLED}\n")
    monkeypatch.setattr(panel, "resourcePath", lambda name: str(requirements))
    panel.run._start_process = ScriptedWorker()
    return NOT_INSTALLED


def press_apply_and_answer(panel, button: str) -> list[str]:
    """Returns what was asked."""
    import qt

    from bench.application import answer_message_boxes, message_boxes

    answer_message_boxes(getattr(qt.QMessageBox.StandardButton, button))
    panel.ui.applyButton.click()
    return list(message_boxes())


def test_declining_installs_nothing_and_says_how_to_go_on(
    panel, ct, missing_package, packaging, bench
):
    from COVIDLesionSegLib.panel.run import RunState

    asked = press_apply_and_answer(panel, "Cancel")

    assert len(asked) == 1 and "COVIDLesionSeg" in asked[0]
    assert packaging.installed == []
    assert panel.run.state is RunState.IDLE
    assert "press Apply to be asked again" in panel.ui.statusLabel.text


def test_agreeing_installs_and_runs(panel, ct, missing_package, packaging, bench):
    from COVIDLesionSegLib.panel.run import RunState

    press_apply_and_answer(panel, "Ok")

    assert packaging.installed == [missing_package]
    assert panel.run.state is RunState.RUNNING


def test_torch_is_asked_from_the_pytorch_extension(panel, ct, bench, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else find_spec(name)
    )
    panel.ui.applyButton.click()

    assert "extension PyTorch" in panel.ui.statusLabel.text


def test_the_module_asks_for_the_same_versions_as_the_command_line(loaded):
    from packaging.requirements import Requirement

    from COVIDLesionSegLib.panel.dependencies import MINIMUM_TORCH

    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        listed = tomllib.load(file)["project"]["optional-dependencies"]["inference"]
    command_line = {one.name: one.specifier for one in map(Requirement, listed)}
    with open(loaded.widget.resourcePath("requirements.txt"), encoding="utf-8") as file:
        lines = [line.partition("#")[0].strip() for line in file]
    module = {one.name: one.specifier for one in map(Requirement, filter(None, lines))}
    module["torch"] = Requirement(f"torch{MINIMUM_TORCH}").specifier

    assert module == {name: command_line[name] for name in module}


def test_packages_that_are_missing_are_named_and_not_installed(bench, tmp_path):
    from COVIDLesionSegLib.panel.dependencies import missing_packages

    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"# none\nnumpy>=1  # there\n{NOT_INSTALLED}\n")

    assert missing_packages(str(requirements)) == [NOT_INSTALLED.partition(">")[0]]


def test_nothing_that_slicer_brings_is_installed_by_pip(loaded):
    from packaging.requirements import Requirement

    from COVIDLesionSegLib.panel.dependencies import NEVER_INSTALLED_BY_PIP

    with open(loaded.widget.resourcePath("requirements.txt"), encoding="utf-8") as file:
        lines = [line.partition("#")[0].strip() for line in file]
    names = {Requirement(line).name for line in lines if line}

    assert names
    assert not names & {*NEVER_INSTALLED_BY_PIP, "scipy"}
