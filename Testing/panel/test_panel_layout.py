"""The panel as a person meets it, before anything runs."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from COVIDLesionSegLib.engine.parameters import DEFAULT_MODEL
from panel.conftest import MODULE_FILE
from panel.model_list import listed_models, row_text
from panel.workers import finished_with, known_result

UI_FILES = sorted((Path(__file__).parents[2] / "COVIDLesionSeg/Resources/UI").glob("*.ui"))
CONTROLS = {
    "QCheckBox",
    "QComboBox",
    "QPlainTextEdit",
    "QLineEdit",
    "QPushButton",
    "QSpinBox",
    "QTableWidget",
    "QTextBrowser",
    "ctkSearchBox",
    "ctkCheckableComboBox",
    "ctkSliderWidget",
    "qMRMLNodeComboBox",
}


def widgets() -> list[ElementTree.Element]:
    return [widget for file in UI_FILES for widget in ElementTree.parse(file).iter("widget")]


def property_text(widget: ElementTree.Element, name: str) -> str | None:
    found = widget.find(f"property[@name='{name}']")
    return None if found is None else "".join(found.itertext()).strip()


@pytest.mark.parametrize(
    "control", [w for w in widgets() if w.get("class") in CONTROLS], ids=lambda w: w.get("name")
)
def test_every_control_has_an_accessible_name_and_a_tooltip(control):
    assert property_text(control, "accessibleName")
    # The Apply button's tooltip says what it would do now, so the code sets it.
    assert property_text(control, "toolTip") or control.get("name") == "applyButton"


@pytest.mark.parametrize(
    ("what", "home"),
    [("setSectionResizeMode", "widgets.py"), (".visible = bool(sentence)", "colors.py")],
)
def test_tables_and_sentences_are_laid_out_in_one_place(what, home):
    files = (MODULE_FILE.parent / "COVIDLesionSegLib" / "panel").rglob("*.py")
    assert {file.name for file in files if what in file.read_text("utf-8")} == {home}


def test_every_widget_has_a_name_of_its_own():
    """The panel finds the widgets of all sections by name."""
    names = [widget.get("name") for widget in widgets()]
    assert sorted(names) == sorted(set(names))


def test_every_field_label_points_at_its_field():
    fields = {w.get("name") for w in widgets()}
    labels = [w for w in widgets() if (property_text(w, "text") or "").endswith(":")]

    assert labels
    assert {property_text(label, "buddy") for label in labels} <= fields


def test_advanced_settings_are_folded_away(panel):
    assert panel.ui.advancedCollapsibleButton.collapsed


def test_advanced_settings_unfold(panel):
    panel.ui.advancedCollapsibleButton.collapsed = False

    assert not panel.ui.thresholdSlider.isHidden()


def test_without_a_ct_apply_is_disabled_and_says_why(panel):
    assert not panel.ui.applyButton.enabled
    assert panel.ui.applyButton.toolTip == "Load and select a chest CT first."


def test_choosing_a_ct_enables_apply(panel, ct):
    assert panel.ui.applyButton.enabled
    assert panel.ui.applyButton.text == "Apply"


def test_removing_the_chosen_ct_disables_apply_again(panel, ct, scene):
    scene.RemoveNode(ct)

    assert not panel.ui.applyButton.enabled


def test_a_ct_loaded_earlier_is_chosen_when_the_panel_is_entered(panel, phantom):
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    node = volume_to_node(phantom.volume, "CT")
    panel.enter()

    assert panel.ui.ctSelector.currentNode() is node


def test_label_maps_and_own_results_are_not_chosen_as_a_ct(panel, scene):
    scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")
    own = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    own.SetAttribute("COVIDLesionSeg.role", "probability")
    panel.enter()

    assert panel.ui.ctSelector.currentNode() is None


def test_a_damaged_model_card_is_named_and_the_panel_goes_on(bench, scene, tmp_path, monkeypatch):
    (tmp_path / "mine.json").write_text("{")
    monkeypatch.setenv("COVIDLESIONSEG_MODELS", str(tmp_path))
    loaded = bench.load(MODULE_FILE)
    try:
        assert "mine.json" in loaded.widget.ui.statusLabel.text
        offered = listed_models(loaded.widget)
        assert offered[0] == DEFAULT_MODEL and len(offered) > 1
    finally:
        bench.unload(loaded)
    assert not bench.slot_errors


def test_no_result_and_no_progress_are_shown_before_a_run(panel, ct):
    assert panel.ui.resultsSection.isHidden()
    assert panel.ui.progressBar.isHidden()


def test_the_panel_keeps_its_width_when_names_are_long_and_a_result_appears(
    loaded, panel, ct, apply, phantom, bench
):
    """Slicer makes its module panel at least as wide as either hint."""
    from dataclasses import replace

    from bench.widths import hinted_widths
    from COVIDLesionSegLib.engine.flags import Flag

    loaded.panel.show()
    bench.wait_until(lambda: loaded.panel.isVisible())
    before = hinted_widths(loaded.panel)
    ct.SetName("Thorax 1.0 B60f, 5 mm, breath hold, without contrast agent " * 3)
    result = known_result(phantom, ensemble=True)
    apply(finished_with(replace(result, flags=(Flag("long", "A long flag. " * 30),))))
    panel.ui.rulesCollapsibleButton.collapsed = False

    assert not panel.ui.resultsSection.isHidden()
    assert hinted_widths(loaded.panel) == before


def test_the_translatable_notice_is_the_one_of_every_report(bench):
    from COVIDLesionSegLib import RESEARCH_USE_NOTICE
    from COVIDLesionSegLib.panel.widget import research_use_notice

    assert research_use_notice() == RESEARCH_USE_NOTICE


def test_research_use_is_said(panel):
    assert "not a medical device" in panel.ui.noticeLabel.text


def test_the_module_explains_itself(loaded):
    module = loaded.instance.parent

    assert module.title and module.contributors and module.acknowledgementText
    assert module.categories == ["Segmentation"]
    assert "not a medical device" in module.helpText


def test_a_model_whose_weights_are_absent_is_listed_as_such(bench, scene, tmp_path, monkeypatch):
    import json

    from COVIDLesionSegLib.engine.models.catalogue import PACKAGED_FOLDER

    card = json.loads((PACKAGED_FOLDER / "amc-net.json").read_text("utf-8"))
    (tmp_path / "mine.json").write_text(json.dumps(card | {"id": "mine", "title": "Mine"}))
    monkeypatch.setenv("COVIDLESIONSEG_MODELS", str(tmp_path))
    loaded = bench.load(MODULE_FILE)
    try:
        title, state = row_text(loaded.widget, "mine")[0].splitlines()
        assert title == "Mine" and state.startswith("weights not installed")
    finally:
        bench.unload(loaded)
