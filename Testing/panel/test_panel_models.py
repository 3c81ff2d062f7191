"""The list of models: what it says about each, how it is searched, and what is kept out of it."""

from __future__ import annotations

import pytest

from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.models.development_scores import (
    OUTSIDE_SET,
    read_development_scores,
)
from COVIDLesionSegLib.engine.models.speed import remember_speed
from COVIDLesionSegLib.engine.parameters import DEFAULT_MODEL
from panel.conftest import MODULE_FILE
from panel.model_list import choose_model, chosen_model, listed_models, row_text
from panel.workers import finished_with, known_result

MEMBERS = ["eamc-1", "eamc-4", "eamc-5"]
PAL_DAS = {"amc-net", "eamc", *MEMBERS}
TRAINED = {"unet-lite0", "unet-lite0-classes", "drsegunet-patches", "covid-rate-patches", *PAL_DAS}


@pytest.fixture
def own_models(tmp_path, monkeypatch):
    """An empty folder of the user's own models."""
    monkeypatch.setenv("COVIDLESIONSEG_MODELS", str(tmp_path / "models"))


def details(panel) -> str:
    return panel.ui.detailsBrowser.plainText


def test_every_lesion_model_and_ensemble_is_listed_once(panel):
    catalogue = load_catalogue()
    expected = [m.id for m in catalogue.models if m.card.task == "lesions"]
    expected += [ensemble.id for ensemble in catalogue.ensembles]

    assert sorted(listed_models(panel)) == sorted(expected)


def test_untrained_models_are_shown_on_request_only(panel):
    trained = TRAINED
    assert set(listed_models(panel, visible_only=True)) == trained

    panel.ui.showUntrainedCheckBox.click()
    assert listed_models(panel, visible_only=True) == listed_models(panel)
    assert set(listed_models(panel)[: len(trained)]) == trained
    assert row_text(panel, "unet")[0].splitlines()[1].startswith("not trained")

    panel.ui.showUntrainedCheckBox.click()
    assert set(listed_models(panel, visible_only=True)) == trained


def test_a_chosen_model_stays_in_the_list_when_others_are_hidden(panel):
    panel.ui.showUntrainedCheckBox.click()
    choose_model(panel, "unet")
    panel.ui.showUntrainedCheckBox.click()
    panel.ui.searchBox.text = "eamc"

    assert "unet" in listed_models(panel, visible_only=True)
    assert chosen_model(panel) == "unet"
    assert panel.logic.getParameterNode().model == "unet"


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("eamc-4 member", {"eamc-4"}),
        ("PAL et al.", PAL_DAS),
        ("cc-by-nc vote", {"eamc"}),
        ("no such model", set()),
    ],
)
def test_the_search_finds_words_of_name_paper_and_licence(panel, search, found):
    panel.ui.searchBox.text = search
    assert set(listed_models(panel, visible_only=True)) == found | {DEFAULT_MODEL}  # the chosen one

    panel.ui.searchBox.text = ""
    assert set(listed_models(panel, visible_only=True)) == TRAINED


def test_the_search_finds_classes_of_untrained_models_too(panel):
    panel.ui.showUntrainedCheckBox.click()
    panel.ui.searchBox.text = "ground-glass"

    own = ("drsegunet-upsampling", "drsegunet-patches", "drsegunet-ggo", "drseg-unet")
    shown = {"drsegunet", *own, "unet-lite0-classes"}
    assert set(listed_models(panel, visible_only=True)) == shown | {DEFAULT_MODEL}


def test_the_dice_is_pooled_over_the_outside_set_with_the_number_of_patients(panel):
    """A mean would be dominated by a patient with a single slice."""
    (row,) = (
        score
        for score in read_development_scores()
        if (score.model, score.data) == ("amc-net", OUTSIDE_SET)
    )
    assert row_text(panel, "eamc-4")[1] == "mean 0.78\nn = 5"  # a score of its card
    choose_model(panel, "eamc-4")
    assert "mean over 5 patients of Radiopaedia, weighted by their 135 slices" in details(panel)
    _title, dice, _seconds = row_text(panel, "amc-net")
    assert dice == f"{row.pooled_dice:.2f}\nn = 5"

    choose_model(panel, "amc-net")
    said = details(panel)
    assert f"Pooled Dice {row.pooled_dice:.3f} on Radiopaedia: all 135 slices of 5 patients" in said
    assert "MedSeg: pooled Dice" in said and "coronacases: pooled Dice" in said


def test_showing_models_without_weights_is_a_setting(panel, bench):
    assert not panel.ui.showUntrainedCheckBox.checked
    panel.ui.showUntrainedCheckBox.click()
    again = bench.load(MODULE_FILE)
    assert again.widget.ui.showUntrainedCheckBox.checked
    assert "unet" in listed_models(again.widget, visible_only=True)
    bench.unload(again)


def test_a_model_without_scores_says_so(panel):
    assert row_text(panel, "unet")[1] == "not\nmeasured"
    choose_model(panel, "unet")

    assert "was not measured" in details(panel) and "Not trained" in details(panel)


def test_the_details_name_paper_licence_training_data_and_notes(panel):
    choose_model(panel, "amc-net")

    card = load_catalogue().get("amc-net").card
    said = details(panel)
    for expected in ("Pal Das et al.", card.weights.licence_note, "1010 slices of 11 patients"):
        assert expected in said
    assert all(note in said for note in card.notes)
    assert "https://doi.org/10.1101/2022.12.21.22283793" in panel.ui.detailsBrowser.html


def test_the_title_of_the_section_names_the_chosen_model(panel):
    choose_model(panel, "eamc")
    assert panel.ui.modelSection.text == "Model: EAMC: three AMC-Nets vote"

    panel.logic.getParameterNode().model = "amc-net+eamc-4+eamc-5"
    assert panel.ui.modelSection.text == "Model: AMC-Net and 2 more"


def test_a_model_that_does_not_exist_leaves_nothing_selected(panel):
    panel.logic.getParameterNode().model = "someone-elses"

    assert chosen_model(panel) is None and details(panel) == ""


def test_times_are_unknown_until_a_run_has_measured_them(own_models, panel, apply, phantom):
    panel.models_changed()
    assert row_text(panel, "amc-net")[2] == "n/a"
    choose_model(panel, "amc-net")
    assert "Not measured on this computer yet" in details(panel)

    remember_speed(["amc-net"], "cpu", "CPU, 2 threads", "threshold", slices=2, seconds=30.0)
    apply(finished_with(known_result(phantom)))

    # The selected CT has four slices.
    assert row_text(panel, "amc-net")[2] == "60 s"
    assert row_text(panel, "eamc")[2] == "n/a"
    assert "30 s for 2 slices on CPU, 2 threads" in details(panel)


def test_times_are_those_of_the_chosen_device(own_models, panel):
    remember_speed(["amc-net"], "cuda", "GPU", "threshold", slices=100, seconds=7.0)
    remember_speed(["amc-net"], "cpu", "CPU", "threshold", slices=100, seconds=500.0)
    panel.models_changed()
    devices = panel.ui.deviceComboBox
    assert row_text(panel, "amc-net")[2] == "8 min"

    devices.currentIndex = devices.findData("cuda")
    assert row_text(panel, "amc-net")[2] == "7 s"


def test_a_model_that_is_added_appears_and_the_choice_stays(own_models, panel, tmp_path):
    import json

    from COVIDLesionSegLib.engine.models.catalogue import PACKAGED_FOLDER

    choose_model(panel, "eamc")
    card = json.loads((PACKAGED_FOLDER / "amc-net.json").read_text("utf-8"))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.json").write_text(json.dumps(card | {"id": "mine"}))
    panel.models_changed()

    assert "mine" in listed_models(panel)
    assert chosen_model(panel) == "eamc"
    assert panel.logic.getParameterNode().model == "eamc"


def test_a_chosen_model_that_is_removed_leaves_nothing_selected(own_models, panel, tmp_path):
    import json

    from COVIDLesionSegLib.engine.models.catalogue import PACKAGED_FOLDER

    card = json.loads((PACKAGED_FOLDER / "amc-net.json").read_text("utf-8"))
    (tmp_path / "models").mkdir()
    own = tmp_path / "models" / "mine.json"
    own.write_text(json.dumps(card | {"id": "mine"}))
    panel.models_changed()
    choose_model(panel, "mine")
    own.unlink()
    panel.models_changed()

    assert "mine" not in listed_models(panel) and chosen_model(panel) is None
    assert panel.logic.getParameterNode().model == "mine"  # told when it is to run
