"""The panel's controls are the engine's parameters, kept in the scene."""

from __future__ import annotations

from dataclasses import replace

import pytest

from COVIDLesionSegLib.engine import parameters as engine
from COVIDLesionSegLib.engine.parameters import DEFAULT_MODEL
from panel.model_list import choose_model, chosen_model


def parameters_of(panel) -> engine.Parameters:
    from COVIDLesionSegLib.panel.parameter_node import parameters_from_node

    return parameters_from_node(panel.logic.getParameterNode())


@pytest.fixture
def lungs_of_mine(tmp_path, monkeypatch):
    """Card of a model of the user's that finds lungs; made before the panel is."""
    from COVIDLesionSegLib.engine.models.card import Weights
    from COVIDLesionSegLib.engine.models.card_json import write_card
    from COVIDLesionSegLib.engine.models.catalogue import load_catalogue

    monkeypatch.setenv("COVIDLESIONSEG_MODELS", str(tmp_path))
    card = load_catalogue().get("lungs-lite0").card
    weights = Weights("mine.safetensors", "0" * 64, "CC0-1.0", "A test.")
    write_card(replace(card, id="lungs-of-mine", weights=weights), tmp_path)
    return tmp_path / "lungs-of-mine.json"


def test_an_untouched_panel_has_the_engines_defaults(panel):
    assert parameters_of(panel) == engine.Parameters()


@pytest.mark.parametrize(
    ("choice", "values"),
    [
        ("Combination", engine.COMBINATIONS),
        ("Device", engine.DEVICES),
        ("Tiling", engine.TILINGS),
        ("Precision", engine.PRECISIONS),
    ],
)
def test_every_choice_of_the_engine_is_offered_with_a_label(bench, choice, values):
    from COVIDLesionSegLib.panel import choices

    offered = list(getattr(choices, choice))

    assert [one.value for one in offered] == list(values)
    assert all(one.label() for one in offered)


def values_of(box) -> list[str]:
    return [box.itemData(index) for index in range(box.count)]


def choose(box, value: str) -> None:
    box.currentIndex = box.findData(value)


def check(box, value: str, checked: bool = True) -> None:
    """As a click on the item does."""
    import qt

    state = qt.Qt.Checked if checked else qt.Qt.Unchecked
    box.model().item(box.findData(value)).setCheckState(state)


def checked_in(box) -> list[str]:
    import qt

    rows = range(box.count)
    return [box.itemData(i) for i in rows if box.model().item(i).checkState() == qt.Qt.Checked]


def test_every_way_to_find_the_lungs_is_offered_and_says_what_is_missing(panel):
    from COVIDLesionSegLib.engine.models.catalogue import load_catalogue

    models = [model for model in load_catalogue().models if model.card.task == "lungs"]
    box = panel.ui.lungsComboBox
    trained = [model.id for model in models if model.card.weights]
    assert values_of(box) == [*engine.LUNG_METHODS, *trained]

    panel.ui.showUntrainedCheckBox.click()
    assert values_of(box) == [*engine.LUNG_METHODS, *(model.id for model in models)]
    for model in models:
        label = box.itemText(box.findData(model.id))
        assert label.startswith(model.title)
        assert ("(not trained)" in label) is (model.card.weights is None)
    assert "weights not included" in box.itemText(box.findData("lungmask-r231"))


def test_every_trained_network_for_lungs_is_offered_for_a_second_opinion(lungs_of_mine, panel):
    assert lungs_of_mine.is_file()
    box = panel.ui.opinionComboBox
    assert parameters_of(panel).second_opinion == engine.NO_OPINION
    assert values_of(box)[0] == engine.NO_OPINION and "lungs-of-mine" in values_of(box)
    assert "lungs-cascade-unet" not in values_of(box)  # it was never trained
    choose(box, "lungs-of-mine")
    assert parameters_of(panel).second_opinion == "lungs-of-mine"


def test_trained_slice_classifiers_are_offered_and_none_is_used_unasked(panel):
    box = panel.ui.classifierComboBox
    assert parameters_of(panel).slice_classifier == engine.NO_CLASSIFIER
    assert values_of(box) == [engine.NO_CLASSIFIER, "capsule-classifier-small"]
    choose(box, "capsule-classifier-small")
    assert parameters_of(panel).slice_classifier == "capsule-classifier-small"


def test_what_is_set_in_the_panel_reaches_the_engine(panel):
    ui = panel.ui
    ui.showUntrainedCheckBox.click()
    choose_model(panel, "amc-net-released")
    choose(ui.lungsComboBox, "lungs-cascade-unet")
    check(ui.membersComboBox, "unet")
    check(ui.membersComboBox, "amc-net")
    ui.combinationComboBox.currentIndex = 1
    ui.deviceComboBox.currentIndex = 1
    ui.tilingComboBox.currentIndex = 2
    ui.precisionComboBox.currentIndex = 2
    ui.thresholdSlider.value = 0.3
    ui.smallestLesionSlider.value = 0.25
    ui.lesionFreeSlider.value = 5.5
    ui.batchSizeSpinBox.value = 4
    ui.allowUntrainedCheckBox.checked = True

    assert parameters_of(panel) == engine.Parameters(
        model="amc-net-released+amc-net+unet",
        combination="mean",
        lungs="lungs-cascade-unet",
        device="cpu",
        tiling="non-overlapping",
        precision="bfloat16",
        threshold=0.3,
        smallest_lesion_ml=0.25,
        lesion_free_ml=5.5,
        batch_size=4,
        allow_untrained=True,
    )


def test_what_was_chosen_without_weights_stays_chosen_when_such_models_are_hidden(panel):
    ui = panel.ui
    ui.showUntrainedCheckBox.click()
    choose_model(panel, "unet")
    choose(ui.lungsComboBox, "lungs-cascade-unet")
    check(ui.membersComboBox, "r2unet")
    ui.showUntrainedCheckBox.click()

    assert parameters_of(panel).members == ("unet", "r2unet")
    assert parameters_of(panel).lungs == "lungs-cascade-unet"
    assert "lungs-cascade-unet" in values_of(ui.lungsComboBox)
    assert "lungs-unet-resnet18" not in values_of(ui.lungsComboBox)
    assert checked_in(ui.membersComboBox) == ["r2unet"]
    assert "attention-unet" not in values_of(ui.membersComboBox)


def test_only_models_of_the_same_classes_are_offered_to_vote(panel):
    ui = panel.ui
    ui.showUntrainedCheckBox.click()
    assert "unet" in values_of(ui.membersComboBox)
    assert not {DEFAULT_MODEL, "drsegunet", "lungs-cascade-unet"} & {*values_of(ui.membersComboBox)}
    check(ui.membersComboBox, "unet")
    choose_model(panel, "drsegunet")

    others = ["unet-lite0-classes", "drsegunet-patches", "drsegunet-upsampling", "drseg-unet"]
    assert values_of(ui.membersComboBox) == others
    assert parameters_of(panel).members == ("drsegunet",)


def test_a_voter_that_becomes_the_model_votes_once_and_the_others_stay(panel):
    ui = panel.ui
    ui.showUntrainedCheckBox.click()
    for voter in ("unet", "r2unet"):
        check(ui.membersComboBox, voter)
    choose_model(panel, "unet")
    assert parameters_of(panel).members == ("unet", "r2unet")
    assert checked_in(ui.membersComboBox) == ["r2unet"]
    check(ui.membersComboBox, "r2unet", False)

    assert parameters_of(panel).members == ("unet",)


def test_an_ensemble_that_ships_is_one_choice_and_votes_as_it_is(panel):
    assert not panel.ui.combinationComboBox.enabled
    choose_model(panel, "eamc")
    assert parameters_of(panel).model == "eamc"
    assert panel.ui.combinationComboBox.enabled
    assert "eamc-1" in values_of(panel.ui.membersComboBox)


def test_how_to_decide_is_asked_of_ensembles_and_models_of_several_classes_only(panel):
    ui = panel.ui
    assert not ui.combinationComboBox.enabled
    check(ui.membersComboBox, "amc-net")
    assert ui.combinationComboBox.enabled
    check(ui.membersComboBox, "amc-net", False)
    assert not ui.combinationComboBox.enabled
    choose_model(panel, "drsegunet")
    assert ui.combinationComboBox.enabled


@pytest.mark.parametrize(
    ("platform", "absent"), [("linux", "mps"), ("win32", "mps"), ("darwin", "cuda")]
)
def test_devices_that_a_platform_cannot_have_are_not_offered(bench, platform, absent):
    from COVIDLesionSegLib.panel.choices import devices

    offered = {device.value for device in devices(platform)}
    assert offered == {*engine.DEVICES} - {absent}


def test_the_devices_of_this_platform_are_listed(panel):
    from COVIDLesionSegLib.panel.choices import devices

    assert values_of(panel.ui.deviceComboBox) == [device.value for device in devices()]


def test_the_device_of_another_computers_scene_becomes_automatic(panel):
    from COVIDLesionSegLib.panel.choices import Device, devices

    (foreign,) = set(Device) - {*devices()}
    panel.logic.getParameterNode().device = foreign

    assert parameters_of(panel).device == "auto"
    assert panel.ui.deviceComboBox.currentIndex == 0


def test_settings_come_back_with_the_scene(panel, scene, tmp_path):
    ui = panel.ui
    ui.deviceComboBox.currentIndex = 1
    ui.allowUntrainedCheckBox.checked = True
    ui.showUntrainedCheckBox.click()
    choose(ui.lungsComboBox, "lungs-cascade-unet")
    choose_model(panel, "unet")
    check(ui.membersComboBox, "amc-net")
    scene.Commit(str(tmp_path / "scene.mrml"))

    scene.Clear(False)
    assert ui.deviceComboBox.currentIndex == 0
    assert parameters_of(panel) == engine.Parameters()
    assert checked_in(ui.membersComboBox) == []
    scene.SetURL(str(tmp_path / "scene.mrml"))
    scene.Connect()
    panel.enter()

    assert ui.deviceComboBox.currentIndex == 1
    assert ui.allowUntrainedCheckBox.checked
    assert chosen_model(panel) == "unet"
    assert ui.lungsComboBox.itemData(ui.lungsComboBox.currentIndex) == "lungs-cascade-unet"
    assert checked_in(ui.membersComboBox) == ["amc-net"]
    assert parameters_of(panel).model == "unet+amc-net"


def test_an_unknown_model_in_a_scene_is_refused_by_name(panel, ct, bench):
    from COVIDLesionSegLib.panel.running.run import RunState

    panel.logic.getParameterNode().model = "someone-elses"
    panel.ui.applyButton.click()
    bench.wait_until(lambda: panel.run.state is RunState.IDLE)

    assert "someone-elses" in panel.ui.statusLabel.text
