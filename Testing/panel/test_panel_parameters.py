"""The panel's controls are the engine's parameters, kept in the scene."""

from __future__ import annotations

import pytest

from COVIDLesionSegLib.engine import parameters as engine


def parameters_of(panel) -> engine.Parameters:
    from COVIDLesionSegLib.panel.parameter_node import parameters_from_node

    return parameters_from_node(panel.logic.getParameterNode())


def test_an_untouched_panel_has_the_engines_defaults(panel):
    assert parameters_of(panel) == engine.Parameters()


@pytest.mark.parametrize(
    ("choice", "values"),
    [
        ("LungMethod", engine.LUNG_METHODS),
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


def test_a_lung_method_that_only_the_engine_knows_is_offered_by_its_name(bench):
    from COVIDLesionSegLib.panel.choices import _offer

    method = _offer("LungMethod", ("threshold", "another-method"))("another-method")

    assert (method.name, method.label()) == ("ANOTHER_METHOD", "another-method")


def test_what_is_set_in_the_panel_reaches_the_engine(panel):
    ui = panel.ui
    ui.modelComboBox.currentIndex = ui.modelComboBox.findData("amc-net-released")
    ui.deviceComboBox.currentIndex = 1
    ui.tilingComboBox.currentIndex = 2
    ui.precisionComboBox.currentIndex = 2
    ui.thresholdSlider.value = 0.3
    ui.batchSizeSpinBox.value = 4

    assert parameters_of(panel) == engine.Parameters(
        model="amc-net-released",
        device="cpu",
        tiling="non-overlapping",
        precision="bfloat16",
        threshold=0.3,
        batch_size=4,
    )


def test_settings_come_back_with_the_scene(panel, scene, tmp_path):
    panel.ui.deviceComboBox.currentIndex = 1
    scene.Commit(str(tmp_path / "scene.mrml"))

    scene.Clear(False)
    assert panel.ui.deviceComboBox.currentIndex == 0
    scene.SetURL(str(tmp_path / "scene.mrml"))
    scene.Connect()
    panel.enter()

    assert panel.ui.deviceComboBox.currentIndex == 1


def test_an_unknown_model_in_a_scene_is_refused_by_name(panel, ct, bench):
    from COVIDLesionSegLib.panel.run import RunState

    panel.logic.getParameterNode().model = "someone-elses"
    panel.ui.applyButton.click()
    bench.wait_until(lambda: panel.run.state is RunState.IDLE)

    assert "someone-elses" in panel.ui.statusLabel.text
