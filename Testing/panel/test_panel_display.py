"""The Display section, the parameter node and the views say the same, whoever changes one."""

from __future__ import annotations

import numpy as np
import pytest

from panel.workers import finished_with, known_result

SURFACES, VOLUME, NOTHING = range(3)
JET, UNIFORM = range(2)


@pytest.fixture
def view(scene):
    """The layers of the only slice view."""
    from slicer.util import getNodesByClass

    for earlier in getNodesByClass("vtkMRMLSliceCompositeNode"):
        scene.RemoveNode(earlier)
    composite = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    composite.SetLayoutName("Red")
    yield composite
    scene.RemoveNode(composite)


@pytest.fixture
def single(view, apply, panel, phantom):
    """The result of a single model, shown."""
    apply(finished_with(known_result(phantom)))
    return panel.result


@pytest.fixture
def ensemble(view, apply, panel, phantom):
    """The result of an ensemble, shown."""
    apply(finished_with(known_result(phantom, ensemble=True)))
    return panel.result


def rendering_of(result):
    import slicer

    logic = slicer.modules.volumerendering.logic()
    return logic.GetFirstVolumeRenderingDisplayNode(result.probabilityNode)


def settled(panel, bench) -> None:
    """Wait until the section has read the views."""
    (display,) = (section for section in panel.sections if section.UI_FILE == "Display")
    bench.wait_until(lambda: not display._watch._timer.active, seconds=10)


def test_the_overlay_is_switched_and_made_transparent(single, panel, view, ct):
    assert view.GetBackgroundVolumeID() == ct.GetID()
    assert view.GetForegroundVolumeID() == single.probabilityNode.GetID()
    panel.ui.overlayOpacitySlider.value = 0.8
    assert view.GetForegroundOpacity() == 0.8
    panel.ui.overlayCheckBox.click()
    assert view.GetForegroundVolumeID() is None
    assert not panel.ui.overlayOpacitySlider.enabled
    assert panel.ui.overlayOpacitySlider.toolTip == "Switch the overlay on first."
    panel.ui.overlayCheckBox.click()
    assert view.GetForegroundVolumeID() == single.probabilityNode.GetID()
    assert view.GetForegroundOpacity() == 0.8


def test_the_disagreement_is_shown_instead_with_a_limit_of_its_own(ensemble, panel, view):
    assert view.GetForegroundVolumeID() == ensemble.probabilityNode.GetID()
    assert panel.ui.visibleFromSlider.value == 0.25
    panel.ui.overlayComboBox.currentIndex = 1
    assert view.GetForegroundVolumeID() == ensemble.disagreementNode.GetID()
    assert panel.ui.visibleFromSlider.value == 0.01
    assert not panel.ui.colorMapComboBox.enabled and panel.ui.colorMapComboBox.toolTip
    panel.ui.visibleFromSlider.value = 0.4
    limits = [
        node.GetDisplayNode().GetLowerThreshold()
        for node in (ensemble.probabilityNode, ensemble.disagreementNode)
    ]
    assert limits == [0.25, 0.4]


def test_the_limit_changes_the_display_and_no_figure(single, panel):
    headline = panel.ui.severityLabel.text
    panel.ui.visibleFromSlider.value = 0.6
    display = single.probabilityNode.GetDisplayNode()
    assert display.GetLowerThreshold() == 0.6 and display.GetApplyThreshold()
    assert panel.ui.severityLabel.text == headline
    assert panel.ui.thresholdSlider.value == 0.5


def test_colours_of_slices_and_volume_rendering_change_together(single, panel):
    from COVIDLesionSegLib.scene.colors import jet_colors, uniform_colors

    panel.ui.threeDComboBox.currentIndex = VOLUME
    for index, name, colors in (
        (UNIFORM, "COVIDUNIFORM", uniform_colors),
        (JET, "COVIDJET", jet_colors),
    ):
        panel.ui.colorMapComboBox.currentIndex = index
        assert single.probabilityNode.GetDisplayNode().GetColorNode().GetName() == name
        transfer = rendering_of(single).GetVolumePropertyNode().GetColor()
        np.testing.assert_allclose(transfer.GetColor(1.0), colors()[-1], atol=1e-6)


def test_3d_views_show_surfaces_or_a_volume_rendering_or_nothing(single, panel):
    surfaces = single.segmentationNode.GetDisplayNode()
    assert surfaces.GetSegmentVisibility3D("lesion") and rendering_of(single) is None
    panel.ui.threeDComboBox.currentIndex = VOLUME
    assert not surfaces.GetSegmentVisibility3D("lesion")
    assert rendering_of(single).GetVisibility()
    assert not panel.ui.lungsOpacitySlider.enabled and "surfaces" in (
        panel.ui.lungsOpacitySlider.toolTip
    )
    panel.ui.threeDComboBox.currentIndex = NOTHING
    assert not surfaces.GetSegmentVisibility3D("lesion")
    assert not rendering_of(single).GetVisibility()
    panel.ui.threeDComboBox.currentIndex = SURFACES
    assert surfaces.GetSegmentVisibility3D("lesion")


def test_a_volume_rendering_begins_where_the_overlay_does(single, panel):
    panel.ui.threeDComboBox.currentIndex = VOLUME
    panel.ui.visibleFromSlider.value = 0.7
    opacity = rendering_of(single).GetVolumePropertyNode().GetScalarOpacity()
    assert opacity.GetValue(0.69) == 0 < opacity.GetValue(0.75)
    panel.ui.visibleFromSlider.value = 0.1
    opacity = rendering_of(single).GetVolumePropertyNode().GetScalarOpacity()
    assert opacity.GetValue(0.09) == 0 < opacity.GetValue(0.2)


def test_lungs_are_made_transparent_and_lesions_are_not(single, panel):
    display = single.segmentationNode.GetDisplayNode()
    panel.ui.lungsOpacitySlider.value = 0.6
    opacities = [display.GetSegmentOpacity3D(i) for i in ("right-lung", "left-lung", "lesion")]
    assert opacities == [0.6, 0.6, 1.0]


def test_what_is_changed_elsewhere_is_read_back(ensemble, panel, view, bench):
    from COVIDLesionSegLib.scene import model3d, overlay

    ui = panel.ui
    view.SetForegroundVolumeID(ensemble.disagreementNode.GetID())
    view.SetForegroundOpacity(0.3)
    display = ensemble.segmentationNode.GetDisplayNode()
    display.SetSegmentOpacity3D("right-lung", 0.9)
    overlay.set_visible_from(ensemble.probabilityNode, 0.45)
    overlay.set_color_map(ensemble.probabilityNode, "uniform")
    settled(panel, bench)
    assert ui.overlayComboBox.currentIndex == 1
    assert (ui.overlayOpacitySlider.value, ui.lungsOpacitySlider.value) == (0.3, 0.9)
    assert ui.colorMapComboBox.currentIndex == UNIFORM
    # Reading changes nothing: the other lung keeps what it has.
    assert display.GetSegmentOpacity3D("left-lung") == 0.25
    ui.overlayComboBox.currentIndex = 0
    assert ui.visibleFromSlider.value == 0.45
    model3d.set_surfaces_visible(ensemble.segmentationNode, False)
    view.SetForegroundVolumeID(None)
    settled(panel, bench)
    assert ui.threeDComboBox.currentIndex == NOTHING
    assert not ui.overlayCheckBox.checked


def test_a_volume_rendering_switched_on_elsewhere_is_noticed(single, panel, bench):
    import slicer

    logic = slicer.modules.volumerendering.logic()
    logic.CreateDefaultVolumeRenderingNodes(single.probabilityNode).SetVisibility(True)
    bench.wait_until(lambda: panel.ui.threeDComboBox.currentIndex == VOLUME, seconds=10)
    rendering_of(single).SetVisibility(False)
    bench.wait_until(lambda: panel.ui.threeDComboBox.currentIndex != VOLUME, seconds=10)


def test_what_was_changed_while_the_module_was_left_is_read_when_it_is_entered(single, panel, view):
    from COVIDLesionSegLib.panel import views
    from COVIDLesionSegLib.scene import model3d

    panel.exit()
    views.hide_overlays(single)
    model3d.set_surfaces_visible(single.segmentationNode, False)
    model3d.show_volume_rendering(single.probabilityNode)
    panel.enter()

    assert not panel.ui.overlayCheckBox.checked
    assert panel.ui.threeDComboBox.currentIndex == VOLUME


def test_colours_that_the_user_chose_elsewhere_stay_until_others_are_chosen(
    single, panel, scene, bench
):
    grey = scene.AddNewNodeByClass("vtkMRMLColorTableNode")
    grey.SetTypeToGrey()
    display = single.probabilityNode.GetDisplayNode()
    display.SetAndObserveColorNodeID(grey.GetID())
    settled(panel, bench)
    panel.ui.overlayOpacitySlider.value = 0.9
    assert display.GetColorNodeID() == grey.GetID()
    panel.ui.colorMapComboBox.currentIndex = UNIFORM
    assert display.GetColorNode().GetName() == "COVIDUNIFORM"


def test_a_new_result_shows_its_probability_as_the_user_likes_it(
    single, panel, apply, phantom, view
):
    ui = panel.ui
    ui.overlayOpacitySlider.value = 0.7
    ui.colorMapComboBox.currentIndex = UNIFORM
    ui.threeDComboBox.currentIndex = NOTHING
    ui.overlayCheckBox.click()
    ui.undoButton.click()
    assert panel.result is None
    apply(finished_with(known_result(phantom)))

    result = panel.result
    assert ui.overlayCheckBox.checked and view.GetForegroundOpacity() == 0.7
    assert view.GetForegroundVolumeID() == result.probabilityNode.GetID()
    assert result.probabilityNode.GetDisplayNode().GetColorNode().GetName() == "COVIDUNIFORM"
    assert not result.segmentationNode.GetDisplayNode().GetSegmentVisibility3D("lesion")


def test_undo_keeps_the_overlay_as_it_is_seen(ensemble, panel, apply, phantom, view):
    panel.ui.overlayOpacitySlider.value = 0.7
    apply(finished_with(known_result(phantom)))
    assert panel.ui.overlayComboBox.currentIndex == 0 and not panel.ui.overlayComboBox.enabled
    panel.ui.undoButton.click()
    assert view.GetForegroundOpacity() == 0.7
    assert panel.ui.overlayComboBox.enabled


def test_settings_come_back_with_the_scene(single, panel, scene, tmp_path, view):
    ui = panel.ui
    ui.overlayOpacitySlider.value = 0.7
    ui.visibleFromSlider.value = 0.4
    ui.colorMapComboBox.currentIndex = UNIFORM
    ui.threeDComboBox.currentIndex = NOTHING
    ui.lungsOpacitySlider.value = 0.5
    assert scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    scene.Clear(False)
    panel.enter()
    ui.colorMapComboBox.currentIndex = JET
    scene.ReadFromMRB(str(tmp_path / "scene.mrb"), True)

    assert ui.colorMapComboBox.currentIndex == UNIFORM
    assert ui.threeDComboBox.currentIndex == NOTHING
    assert (ui.visibleFromSlider.value, ui.lungsOpacitySlider.value) == (0.4, 0.5)
    if ui.overlayCheckBox.checked:
        assert ui.overlayOpacitySlider.value == 0.7
    display = panel.result.probabilityNode.GetDisplayNode()
    assert display.GetColorNode().GetName() == "COVIDUNIFORM"


def test_the_overlay_key_does_what_the_box_does(single, panel, view):
    from COVIDLesionSegLib.panel.shortcuts import TOGGLE_OVERLAY

    registered = panel.shortcuts
    keys = dict(zip([one.key for one in registered._registered], registered._objects, strict=True))
    panel.enter()
    keys[TOGGLE_OVERLAY].activated.emit()
    assert view.GetForegroundVolumeID() is None and not panel.ui.overlayCheckBox.checked
    keys[TOGGLE_OVERLAY].activated.emit()
    assert view.GetForegroundVolumeID() == single.probabilityNode.GetID()
    assert "Ctrl+Shift+O" in panel.ui.overlayCheckBox.toolTip


def test_deleting_the_disagreement_leaves_the_result_on_the_panel(ensemble, panel, scene):
    scene.RemoveNode(ensemble.disagreementNode)

    assert not panel.ui.resultsSection.isHidden()
    assert not panel.ui.overlayComboBox.enabled
