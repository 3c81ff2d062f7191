"""Before the first run: the licence is approved, and PyTorch is checked in a process of its own."""

from __future__ import annotations

import json
import sys
import types
from dataclasses import replace

import pytest

from COVIDLesionSegLib.engine.models.catalogue import PACKAGED_FOLDER
from in_slicer.first_questions import forget_approvals, forget_torch_works
from panel.extensions import PyTorchExtension
from panel.model_list import row_text
from panel.served import served
from panel.workers import ScriptedWorker

BROKEN = {
    "cannot be imported": "raise ImportError('DLL load failed', name='torch')",
    "crashes": "import os; os.abort()",
    "computes nothing": "ones = None",
}


@pytest.fixture
def first_time(panel, ct):
    """Nothing was ever asked or checked on this computer; the run itself never ends."""
    forget_approvals()
    forget_torch_works()
    panel.run.start_process = ScriptedWorker()


@pytest.fixture
def torch_was_checked(first_time):
    from COVIDLesionSegLib.panel.preparing import first_use

    first_use.remember_torch_works()


@pytest.fixture
def licence_was_approved(first_time):
    from COVIDLesionSegLib.panel.preparing import licences

    licences.approve("CC-BY-NC-SA-4.0")


@pytest.fixture(params=BROKEN)
def broken_torch(request, tmp_path_factory, monkeypatch, licence_was_approved):
    """A PyTorch that background processes find first, and that does not work."""
    return install_broken_torch(tmp_path_factory, monkeypatch, BROKEN[request.param])


def install_broken_torch(tmp_path_factory, monkeypatch, content):
    folder = tmp_path_factory.mktemp("broken")
    (folder / "torch.py").write_text(content)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder / "torch.py"


def answer(button: str) -> None:
    """What is pressed in every dialog from now on."""
    import qt

    from bench.application import answer_message_boxes

    answer_message_boxes(getattr(qt.QMessageBox.StandardButton, button))


def asked() -> list[str]:
    from bench.application import message_boxes

    return list(message_boxes())


def is_running(panel) -> bool:
    from COVIDLesionSegLib.panel.running.run import RunState

    return panel.run.state is RunState.RUNNING


# The licence


def test_a_licence_that_limits_the_use_is_shown_before_the_first_run(panel, torch_was_checked):
    panel.ui.applyButton.click()

    (question,) = asked()
    assert "U-Net on EfficientNet-Lite0" in question and "CC-BY-NC-SA-4.0" in question
    assert "Research and non-commercial use only" in question
    assert is_running(panel)


def test_an_approved_licence_is_not_asked_about_again(panel, torch_was_checked, bench):
    for model in ("amc-net", "eamc"):
        panel.logic.getParameterNode().model = model
        panel.ui.applyButton.click()
        assert is_running(panel)
        panel.ui.applyButton.click()
        bench.wait_until(lambda: not panel.busy)

    assert len(asked()) == 1


def test_declining_the_licence_changes_nothing_and_says_what_to_do(
    panel, torch_was_checked, scene, bench
):
    nodes = scene.GetNumberOfNodes()
    answer("Cancel")
    panel.ui.applyButton.click()

    assert not panel.busy and scene.GetNumberOfNodes() == nodes
    assert "try again to be asked again" in panel.ui.statusLabel.text

    answer("Ok")
    panel.ui.applyButton.click()
    assert len(asked()) == 2 and is_running(panel)


def test_a_model_without_weights_has_no_licence_to_approve(panel, torch_was_checked):
    panel.logic.getParameterNode().model = "unet"
    panel.ui.applyButton.click()

    assert asked() == [] and is_running(panel)


@pytest.mark.parametrize(
    ("field", "model_id"),
    [("secondOpinion", "lungs-lite0"), ("sliceClassifier", "capsule-classifier-small")],
)
def test_the_licence_of_whoever_else_looks_at_the_ct_is_asked_about(
    panel, torch_was_checked, field, model_id
):
    from COVIDLesionSegLib.engine.models.catalogue import load_catalogue

    node = panel.logic.getParameterNode()
    node.model = "unet"  # has no weights, and so no licence
    setattr(node, field, model_id)
    answer("Cancel")
    panel.ui.applyButton.click()

    (question,) = asked()
    assert load_catalogue().get(model_id).title in question and "CC-BY-NC-SA-4.0" in question
    assert not panel.busy


def test_only_licences_that_limit_the_use_need_approval():
    from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
    from COVIDLesionSegLib.engine.models.licences import licences_to_approve

    model = load_catalogue().get("amc-net")

    def under(licence: str):
        weights = replace(model.card.weights, licence=licence)
        return replace(model, card=replace(model.card, weights=weights))

    free, unknown = under("CC-BY-4.0"), under("LicenseRef-hospital")
    untrained = load_catalogue().get("unet")
    assert licences_to_approve([free, untrained, model, unknown, model]) == {
        "CC-BY-NC-SA-4.0": [model, model],
        "LicenseRef-hospital": [unknown],
    }


# Weights


@pytest.fixture
def without_weights(torch_was_checked, licence_was_approved, panel, tmp_path, monkeypatch):
    """Gives the panel a model of the user's whose weights are absent."""

    def choose(url: str = "") -> None:
        card = json.loads((PACKAGED_FOLDER / "amc-net.json").read_text("utf-8"))
        card |= {"id": "mine", "title": "Mine"}
        card["weights"] |= {"file": "mine.safetensors", "url": url}
        (tmp_path / "models").mkdir()
        (tmp_path / "models" / "mine.json").write_text(json.dumps(card))
        monkeypatch.setenv("COVIDLESIONSEG_MODELS", str(tmp_path / "models"))
        panel.models_changed()
        panel.logic.getParameterNode().model = "mine"

    return choose


def test_weights_that_are_absent_are_told_before_anything_runs(panel, without_weights):
    without_weights()
    panel.ui.applyButton.click()

    assert not panel.busy and asked() == []
    assert "weights of Mine are not on this computer: import" in panel.ui.statusLabel.text


def test_a_download_that_is_not_wanted_sends_nothing(panel, without_weights):
    without_weights("http://127.0.0.1:9/weights")
    answer("Cancel")
    panel.ui.applyButton.click()

    (question,) = asked()
    assert "From: 127.0.0.1" in question and "CC-BY-NC-SA-4.0" in question
    assert not panel.busy
    assert "were not downloaded: try again" in panel.ui.statusLabel.text


@pytest.mark.slow
def test_weights_are_downloaded_in_a_process_and_the_run_begins(
    panel, without_weights, bench, monkeypatch
):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with served(PACKAGED_FOLDER) as address:
        without_weights(f"{address}/amc-net.safetensors")
        panel.ui.applyButton.click()
        assert panel.busy and not is_running(panel)
        bench.wait_until(lambda: is_running(panel) or not panel.busy, 60)

    assert is_running(panel), panel.ui.statusLabel.text
    assert "weights not installed" not in row_text(panel, "mine")[0]


@pytest.mark.slow
def test_a_download_that_fails_is_told_in_one_sentence(panel, without_weights, bench, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with served(PACKAGED_FOLDER) as address:
        without_weights(f"{address}/nowhere")
        panel.ui.applyButton.click()
        bench.wait_until(lambda: not panel.busy, 60)

    assert "does not give out the weights of model mine (404" in panel.ui.statusLabel.text


# PyTorch


@pytest.mark.slow
def test_pytorch_is_checked_once_in_a_process_and_the_run_begins_then(
    panel, licence_was_approved, bench
):
    panel.ui.applyButton.click()
    assert panel.busy and not is_running(panel)
    assert panel.ui.applyButton.text == "Cancel"
    assert "Checking PyTorch" in panel.ui.statusLabel.text
    bench.wait_until(lambda: is_running(panel), 120)

    panel.ui.applyButton.click()
    bench.wait_until(lambda: not panel.busy)
    panel.ui.applyButton.click()
    assert is_running(panel)
    assert asked() == []


@pytest.mark.slow
def test_the_check_can_be_cancelled(panel, licence_was_approved, bench):
    panel.ui.applyButton.click()
    panel.ui.applyButton.click()
    bench.wait_until(lambda: not panel.busy)

    assert panel.ui.statusLabel.text == "Cancelled: nothing was changed."
    assert panel.ui.applyButton.text == "Apply"


@pytest.mark.slow
def test_closing_the_scene_ends_the_check(panel, licence_was_approved, scene, bench):
    panel.ui.applyButton.click()
    scene.Clear(False)
    bench.wait_until(lambda: not panel.busy)

    assert "scene was closed" in panel.ui.statusLabel.text


@pytest.mark.slow
def test_a_pytorch_that_does_not_work_is_found_out_without_harm(panel, broken_torch, bench):
    answer("Cancel")
    panel.ui.applyButton.click()
    bench.wait_until(lambda: not panel.busy)

    (question,) = asked()
    assert "does not work" in question and "Repair it now" in question
    assert "does not work" in panel.ui.statusLabel.text
    assert "Try again to be offered a repair" in panel.ui.statusLabel.text
    assert panel.ui.applyButton.text == "Apply"


@pytest.mark.slow
def test_a_repair_reinstalls_pytorch_through_its_extension_and_goes_on(
    panel, licence_was_approved, bench, tmp_path_factory, monkeypatch
):
    broken = install_broken_torch(tmp_path_factory, monkeypatch, BROKEN["crashes"])
    extension = PyTorchExtension(install=broken.unlink)
    module = types.SimpleNamespace(PyTorchUtilsLogic=extension)
    monkeypatch.setitem(sys.modules, "PyTorchUtils", module)
    panel.ui.applyButton.click()
    bench.wait_until(lambda: is_running(panel) or not panel.busy, 120)

    assert [what for what, *_ in extension.asked] == ["uninstall", "install"]
    assert is_running(panel)


@pytest.mark.slow
def test_without_the_extension_a_repair_says_what_to_do(
    panel, licence_was_approved, bench, tmp_path_factory, monkeypatch
):
    install_broken_torch(tmp_path_factory, monkeypatch, BROKEN["crashes"])
    panel.ui.applyButton.click()
    bench.wait_until(lambda: not panel.busy)

    assert "install the extension PyTorch" in panel.ui.statusLabel.text


def test_help_for_computers_without_internet_names_the_packages(bench):
    from COVIDLesionSegLib.panel.preparing.dependencies import offline_help

    for expected in ("pip download torch monai", "--no-index --find-links wheels", "PythonSlicer"):
        assert expected in offline_help()
