"""Missing packages: asked for at Apply, never installed unasked, and torch never by pip."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from COVIDLesionSegLib.engine import requirements
from in_slicer.first_questions import forget_approvals
from panel.extensions import PyTorchExtension
from panel.workers import ScriptedWorker

tomllib = pytest.importorskip("tomllib")  # Python 3.10 has none

REPOSITORY = Path(__file__).parents[2]
ENCODERS = "segmentation-models-pytorch"
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
def missing_package(panel, monkeypatch, packaging):
    """The panel asks for a package that is not installed; the run itself never ends."""
    monkeypatch.setattr(requirements, "INFERENCE", (NOT_INSTALLED,))
    panel.run.start_process = ScriptedWorker()
    return NOT_INSTALLED


@pytest.fixture
def torch_is_missing(monkeypatch):
    """PyTorch is not there; returns what makes it be there."""
    from COVIDLesionSegLib.panel.preparing import dependencies

    found = {"torch": None}
    installed = dependencies.installed_version
    monkeypatch.setattr(
        dependencies,
        "installed_version",
        lambda name: found[name] if name in found else installed(name),
    )
    return lambda: found.update(torch="99.0+cpu")


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
    from COVIDLesionSegLib.panel.running.run import RunState

    asked = press_apply_and_answer(panel, "Cancel")

    assert len(asked) == 1 and missing_package in asked[0]
    assert packaging.installed == []
    assert panel.run.state is RunState.IDLE
    assert "try again to be asked again" in panel.ui.statusLabel.text


def test_agreeing_installs_and_runs(panel, ct, missing_package, packaging, bench):
    from COVIDLesionSegLib.panel.running.run import RunState

    asked = press_apply_and_answer(panel, "Ok")

    assert len(asked) == 1
    assert packaging.installed == [missing_package]
    assert panel.run.state is RunState.RUNNING


def test_without_the_pytorch_extension_nothing_is_asked(
    panel, ct, torch_is_missing, missing_package, packaging
):
    asked = press_apply_and_answer(panel, "Ok")

    assert asked == [] and packaging.installed == []
    assert "extension PyTorch" in panel.ui.statusLabel.text


def test_without_the_pytorch_extension_no_licence_is_asked_about_either(
    panel, ct, torch_is_missing, packaging
):
    forget_approvals()
    assert press_apply_and_answer(panel, "Ok") == []
    assert "extension PyTorch" in panel.ui.statusLabel.text


@pytest.mark.parametrize("button", ["Ok", "Cancel"])
def test_packages_and_licence_are_one_question(panel, ct, missing_package, packaging, button):
    from COVIDLesionSegLib.panel.preparing import licences
    from COVIDLesionSegLib.panel.running.run import RunState

    forget_approvals()
    (question,) = press_apply_and_answer(panel, button)
    assert missing_package in question and "CC-BY-NC-SA-4.0" in question
    agreed = button == "Ok"
    assert packaging.installed == ([missing_package] if agreed else [])
    assert licences.is_approved("CC-BY-NC-SA-4.0") is agreed
    assert (panel.run.state is RunState.RUNNING) is agreed
    if not agreed:
        assert "try again to be asked again" in panel.ui.statusLabel.text


def test_torch_comes_from_the_pytorch_extension_with_one_question_for_everything(
    panel, ct, torch_is_missing, missing_package, packaging, monkeypatch
):
    from COVIDLesionSegLib.panel.preparing import first_use
    from COVIDLesionSegLib.panel.running.run import RunState

    extension = PyTorchExtension(install=torch_is_missing)
    module = types.SimpleNamespace(PyTorchUtilsLogic=extension)
    monkeypatch.setitem(sys.modules, "PyTorchUtils", module)
    monkeypatch.setattr(first_use, "_was_checked", lambda: True)
    asked = press_apply_and_answer(panel, "Ok")

    assert len(asked) == 1
    assert "torch>=2.6: 200 MB, up to 3 GB" in asked[0] and missing_package in asked[0]
    assert extension.asked == [("install", False, ">=2.6")]
    assert packaging.installed == [missing_package]
    assert panel.run.state is RunState.RUNNING


def test_an_extension_that_installs_nothing_is_an_error(
    panel, ct, torch_is_missing, packaging, monkeypatch
):
    module = types.SimpleNamespace(PyTorchUtilsLogic=PyTorchExtension())
    monkeypatch.setitem(sys.modules, "PyTorchUtils", module)
    press_apply_and_answer(panel, "Ok")

    assert "could not be installed" in panel.ui.statusLabel.text
    assert panel.ui.applyButton.text == "Apply"


@pytest.mark.parametrize(
    ("choice", "asked"),
    [
        ({"model": "amc-net", "lungs": "threshold"}, []),
        ({"model": "unet-densenet161"}, [ENCODERS]),
        ({"model": "amc-net+fpn-resnet18+unet-resnet18"}, [ENCODERS]),
        ({"lungs": "lungs-cascade-unet"}, []),
        ({"lungs": "lungs-unet-resnet18"}, [ENCODERS]),
        ({"lungs": "lungmask-r231"}, ["lungmask"]),
        ({"model": "inception-unet", "lungs": "lungmask-r231covidweb"}, ["lungmask", ENCODERS]),
    ],
)
def test_only_the_packages_of_what_was_chosen_are_asked_for(choice, asked, bench):
    from packaging.requirements import Requirement

    from COVIDLesionSegLib.engine.parameters import Parameters
    from COVIDLesionSegLib.panel.preparing.dependencies import chosen_packages

    packages = chosen_packages(Parameters(**choice))

    assert [Requirement(one).name for one in packages] == asked


@pytest.mark.parametrize(
    ("network", "choice"),
    [
        ("Lite0UNet", {"second_opinion": "lungs-lite0"}),
        ("CapsuleClassifier", {"slice_classifier": "capsule-classifier-small"}),
    ],
)
def test_the_packages_of_whoever_else_looks_at_the_ct_are_asked_for(
    network, choice, monkeypatch, bench
):
    from COVIDLesionSegLib.engine.parameters import Parameters
    from COVIDLesionSegLib.panel.preparing.dependencies import chosen_packages

    monkeypatch.setitem(requirements.NETWORK_PACKAGES, network, (NOT_INSTALLED,))

    assert chosen_packages(Parameters(model="amc-net", **choice)) == [NOT_INSTALLED]


def test_the_packages_of_the_chosen_model_are_asked_for_too(panel, monkeypatch, packaging):
    from COVIDLesionSegLib.engine.parameters import Parameters
    from COVIDLesionSegLib.panel.preparing.dependencies import install, missing_requirements

    monkeypatch.setattr(requirements, "INFERENCE", ())
    monkeypatch.setitem(requirements.NETWORK_PACKAGES, "AMCNet", (NOT_INSTALLED,))
    install(missing_requirements(Parameters(model="amc-net")))

    assert packaging.installed == [NOT_INSTALLED]


def test_every_package_has_a_known_size():
    from packaging.requirements import Requirement

    groups = (
        requirements.INFERENCE,
        requirements.TRAINING,
        requirements.DICOM,
        requirements.COHORT,
        *requirements.NETWORK_PACKAGES.values(),
        *requirements.LUNG_METHOD_PACKAGES.values(),
    )

    names = {Requirement(one).name for group in groups for one in group}
    assert names == set(requirements.DOWNLOAD_MB)


def test_every_lung_method_and_network_states_whether_it_needs_more_packages(monkeypatch):
    """A network that is not on the list is built without them; nnU-Nets are the user's own."""
    import torch

    from COVIDLesionSegLib.engine.errors import DependencyError
    from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
    from COVIDLesionSegLib.engine.networks import build_network
    from COVIDLesionSegLib.engine.parameters import LUNG_METHODS

    monkeypatch.setitem(sys.modules, "segmentation_models_pytorch", None)
    needing = set()
    for model in load_catalogue().models:
        try:
            with torch.device("meta"):
                build_network(model.card.network, model.card.arguments)
        except DependencyError:
            needing.add(model.card.network)

    assert needing == set(requirements.NETWORK_PACKAGES) - {"NnUNet"}
    assert set(requirements.LUNG_METHOD_PACKAGES) == set(LUNG_METHODS)


def test_the_module_asks_for_the_same_versions_as_the_command_line():
    from packaging.requirements import Requirement

    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    names = ("encoders", "lungmask", "training", "dicom", "nnunet")
    groups = [project["optional-dependencies"][name] for name in names]
    listed = [one for group in (project["dependencies"], *groups) for one in group]
    command_line = {one.name: one.specifier for one in map(Requirement, listed)}
    groups_here = (
        (requirements.TORCH, *requirements.INFERENCE, *requirements.TRAINING),
        requirements.DICOM,
        requirements.COHORT,
        *requirements.NETWORK_PACKAGES.values(),
        *requirements.LUNG_METHOD_PACKAGES.values(),
    )
    module = {one.name: one.specifier for group in groups_here for one in map(Requirement, group)}

    assert module == {name: command_line[name] for name in module}


def test_packages_that_are_missing_are_named_and_not_installed(bench, monkeypatch):
    from COVIDLesionSegLib.panel.preparing.dependencies import missing_packages

    monkeypatch.setattr(requirements, "INFERENCE", ("numpy>=1", NOT_INSTALLED))

    assert missing_packages() == [NOT_INSTALLED.partition(">")[0]]


def test_nothing_that_slicer_brings_is_installed_by_pip(bench):
    from packaging.requirements import Requirement

    from COVIDLesionSegLib.panel.preparing.dependencies import NEVER_INSTALLED_BY_PIP

    names = {Requirement(one).name for one in requirements.INFERENCE}

    assert names
    assert not names & {*NEVER_INSTALLED_BY_PIP, "scipy"}
