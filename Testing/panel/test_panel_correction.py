"""The Correction section: an editor on the result, prepared for lesions inside the lungs."""

from __future__ import annotations

import pytest

from panel.shown import measured
from panel.workers import ScriptedWorker, finished_with, known_result


@pytest.fixture
def section(panel):
    from COVIDLesionSegLib.panel.sections.correction import CorrectionSection

    return next(one for one in panel.sections if isinstance(one, CorrectionSection))


@pytest.fixture
def opened(shown, panel, section):
    """A known result of a single class, with the section unfolded."""
    panel.enter()
    panel.ui.correctionSection.collapsed = False
    return section


@pytest.fixture
def node(opened, scene):
    from COVIDLesionSegLib.scene.editing import editor_node

    return editor_node(scene)


def test_nothing_is_made_until_the_section_is_unfolded(shown, panel, scene, section):
    assert panel.ui.correctionSection.collapsed and not panel.ui.correctionSection.isHidden()
    assert section._editor._widget is None
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentEditorNode") == 0


def test_without_a_result_there_is_nothing_to_correct(panel, ct):
    assert panel.ui.correctionSection.isHidden()


def test_the_editor_gets_the_case_and_a_lesion_is_chosen(opened, node, panel, ct):
    assert node.GetSegmentationNode() is panel.result.segmentationNode
    assert node.GetSourceVolumeNode() is ct
    assert node.GetSelectedSegmentID() == "lesion"
    assert node.GetOverwriteMode() == node.OverwriteNone
    assert node.GetMaskMode() == node.GetSegmentationNode().EditAllowedInsideAllSegments
    assert node.GetAttribute("BrushAbsoluteDiameter") == "8.0"
    assert node.GetHideFromEditors()


def test_the_effects_offered_are_those_that_leave_the_lungs_whole(opened):
    assert (
        "Paint" in opened._editor._widget._effects and "Islands" in opened._editor._widget._effects
    )
    assert "Grow from seeds" not in opened._editor._widget._effects
    assert not opened._editor._widget.unorderedEffectsVisible


def test_a_density_limits_the_brush_and_its_range_can_be_changed(opened, node, panel):
    ui = panel.ui
    node.SetActiveEffectName("Paint")
    assert not node.GetSourceVolumeIntensityMask()
    assert not ui.densityFromSpinBox.enabled
    ui.groundGlassButton.click()
    assert node.GetSourceVolumeIntensityMask()
    assert node.GetSourceVolumeIntensityMaskRange() == (-700.0, -300.0)
    ui.densityFromSpinBox.value = -750
    assert node.GetSourceVolumeIntensityMaskRange() == (-750.0, -300.0)
    ui.consolidationButton.click()
    assert node.GetSourceVolumeIntensityMaskRange() == (-300.0, 100.0)
    ui.groundGlassButton.click()
    assert ui.densityFromSpinBox.value == -750
    node.SetActiveEffectName("Erase")
    assert not node.GetSourceVolumeIntensityMask()
    node.SetActiveEffectName("Paint")
    assert node.GetSourceVolumeIntensityMask()
    ui.anyDensityButton.click()
    assert not node.GetSourceVolumeIntensityMask()


def test_a_lung_is_edited_anywhere_and_the_panel_says_so(opened, node, panel):
    ui = panel.ui
    node.SetActiveEffectName("Paint")
    ui.groundGlassButton.click()
    node.SetSelectedSegmentID("left-lung")

    assert node.GetMaskMode() == node.GetSegmentationNode().EditAllowedEverywhere
    assert not node.GetSourceVolumeIntensityMask()
    assert not ui.groundGlassButton.enabled and "lungs" in ui.groundGlassButton.toolTip
    assert "anywhere" in ui.correctionHintLabel.text
    node.SetSelectedSegmentID("lesion")
    assert ui.groundGlassButton.enabled and "ground glass" in ui.groundGlassButton.toolTip
    assert "inside the lungs" in ui.correctionHintLabel.text


def test_the_panel_says_that_a_segment_of_the_users_own_does_not_count(opened, node, panel):
    panel.result.segmentationNode.GetSegmentation().AddEmptySegment("effusion", "effusion")
    node.SetSelectedSegmentID("effusion")
    assert node.GetMaskMode() == node.GetSegmentationNode().EditAllowedEverywhere
    assert "counts neither" in panel.ui.correctionHintLabel.text
    node.SetSelectedSegmentID("lesion")
    assert "inside the lungs" in panel.ui.correctionHintLabel.text


def test_islands_are_not_split_into_segments_that_do_not_count(opened, node, panel):
    node.SetActiveEffectName("Islands")
    node.SetAttribute("Islands.Operation", "SPLIT_ISLANDS_TO_SEGMENTS")
    node.InvokeEvent(node.EffectParameterModified)
    assert node.GetAttribute("Islands.Operation") == "REMOVE_SELECTED_ISLAND"
    assert "not split" in panel.ui.correctionHintLabel.text


def test_options_of_effects_that_would_change_the_lungs_are_switched_off(opened, node, panel):
    node.SetActiveEffectName("Erase")
    node.SetAttribute("Erase.EraseAllSegments", "1")
    node.InvokeEvent(node.EffectParameterModified)  # as Slicer's effects do
    assert node.GetAttribute("Erase.EraseAllSegments") == "0"
    assert "Only the chosen segment is edited" in panel.ui.correctionHintLabel.text
    node.SetActiveEffectName("Paint")
    assert "inside the lungs" in panel.ui.correctionHintLabel.text


def test_what_is_painted_in_a_segment_of_the_users_own_stays_in_the_lungs(
    opened, node, panel, ct, bench, phantom
):
    import numpy as np
    from slicer.util import arrayFromSegmentBinaryLabelmap as array_of
    from slicer.util import updateSegmentBinaryLabelmapFromArray as update

    segmentation = panel.result.segmentationNode
    place = np.s_[1, :20, :20]
    assert not phantom.lungs[place].any()
    own = np.zeros(phantom.lungs.shape, np.uint8)
    own[place] = 1
    segmentation.GetSegmentation().AddEmptySegment("mine", "mine")
    update(own, segmentation, "mine", ct)
    lesion = array_of(segmentation, "lesion", ct).copy()
    update(np.maximum(lesion, own), segmentation, "lesion", ct)
    bench.wait_until(lambda: measured(panel))
    np.testing.assert_array_equal(array_of(segmentation, "lesion", ct), lesion)
    assert panel.corrections.corrected is False


def test_a_lesion_class_is_painted_at_its_own_density(panel, apply, phantom, section, scene):
    from COVIDLesionSegLib.scene.editing import editor_node

    apply(finished_with(known_result(phantom, ensemble=True)))
    panel.ui.correctionSection.collapsed = False
    node = editor_node(scene)
    assert node.GetSelectedSegmentID() == "ground-glass-opacity"
    assert panel.ui.groundGlassButton.checked
    node.SetSelectedSegmentID("consolidation")
    assert panel.ui.consolidationButton.checked
    assert node.GetSourceVolumeIntensityMaskRange() == (-300.0, 100.0)


def test_changes_are_listed_by_segment_and_gone_when_they_are_discarded(
    opened, panel, bench, correct
):
    ui = panel.ui
    assert ui.changesTable.isHidden() and "Nothing was changed" in ui.changesLabel.text
    assert not ui.discardButton.enabled and "Nothing was changed" in ui.discardButton.toolTip
    correct()
    bench.wait_until(lambda: measured(panel))
    table = ui.changesTable
    rows = {
        table.item(row, 0).text(): [table.item(row, column).text() for column in (1, 2, 3)]
        for row in range(table.rowCount)
    }
    changes = {change.name: change for change in panel.corrections.measured.changes}

    assert not table.isHidden()
    assert list(rows) == ["right lung", "left lung", "lesion"]
    assert rows["right lung"] == ["0.00", "0.00", "1.000"]
    assert rows["lesion"][2] == f"{changes['lesion'].dice:.3f}" != "1.000"
    ui.discardButton.click()
    bench.wait_until(lambda: measured(panel))
    assert panel.corrections.corrected is False and ui.changesTable.isHidden()


def test_a_case_whose_ct_was_moved_is_neither_discarded_nor_compared_until_it_is_back(
    opened, panel, ct, bench, correct
):
    ui, display = panel.ui, panel.result.predictionNode.GetDisplayNode()
    correct()
    bench.wait_until(lambda: measured(panel))
    ui.compareButton.click()
    place = ct.GetOrigin()
    ct.SetOrigin([x + 60 for x in place])
    bench.wait_until(lambda: not ui.discardButton.enabled)
    assert not ui.compareButton.enabled and not display.GetVisibility()
    assert "moved" in ui.changesLabel.text and "moved" in ui.discardButton.toolTip
    ct.SetOrigin(place)
    bench.wait_until(lambda: ui.discardButton.enabled)
    assert ui.compareButton.enabled and display.GetVisibility()


def test_the_runs_outline_follows_the_chosen_segment(opened, node, panel):
    display = panel.result.predictionNode.GetDisplayNode()
    assert not display.GetVisibility()
    panel.ui.compareButton.click()
    assert display.GetVisibility() and display.GetSegmentVisibility("lesion")
    node.SetSelectedSegmentID("right-lung")
    assert display.GetSegmentVisibility("right-lung") and not display.GetSegmentVisibility("lesion")
    panel.ui.compareButton.click()
    assert not display.GetVisibility()


def test_the_outline_of_another_ct_is_hidden(opened, panel, ct, phantom):
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    panel.ui.compareButton.click()
    display = panel.result.predictionNode.GetDisplayNode()
    panel.ui.ctSelector.setCurrentNode(volume_to_node(phantom.volume, "other CT"))
    assert not display.GetVisibility()
    panel.ui.ctSelector.setCurrentNode(ct)
    assert display.GetVisibility()


def test_leaving_the_module_or_folding_the_section_ends_editing(opened, node, panel):
    editor = opened._editor._widget
    for leave, come_back in (
        (panel.exit, panel.enter),
        (
            lambda: setattr(panel.ui.correctionSection, "collapsed", True),
            lambda: setattr(panel.ui.correctionSection, "collapsed", False),
        ),
    ):
        node.SetActiveEffectName("Paint")
        assert editor._keys
        leave()
        assert not node.GetActiveEffectName() and not editor._keys
        come_back()
        assert editor._keys


@pytest.fixture
def keys(opened, monkeypatch):
    """Whether Segment Editor's keys work, and whether they ever did while a run was in progress."""
    widget, panel = opened._editor._widget, opened.panel
    keys = {"work": True, "worked while busy": False}

    def install() -> None:
        keys["work"] = True
        keys["worked while busy"] |= panel.busy

    monkeypatch.setattr(widget, "installKeyboardShortcuts", install)
    monkeypatch.setattr(widget, "uninstallKeyboardShortcuts", lambda: keys.update(work=False))
    return keys


def test_the_editors_keys_work_again_after_a_run_that_was_cancelled(opened, panel, bench, keys):
    from COVIDLesionSegLib.panel.running.run import RunState

    panel.run.start_process = ScriptedWorker()
    panel.ui.applyButton.click()
    assert panel.busy and not keys["work"]
    panel.ui.applyButton.click()
    bench.wait_until(lambda: panel.run.state is RunState.IDLE)
    assert not panel.ui.correctionSection.isHidden() and keys["work"]


def test_the_editors_keys_do_not_work_while_a_run_is_in_progress(
    opened, panel, bench, keys, correct, monkeypatch
):
    from COVIDLesionSegLib.panel.running.run import RunState
    from COVIDLesionSegLib.panel.sections import run

    monkeypatch.setattr(run, "ask_before_run", lambda task: task)
    correct()
    bench.wait_until(lambda: panel.corrections._poll.active)
    panel.run.start_process = ScriptedWorker()
    panel.ui.applyButton.click()
    bench.wait_until(lambda: measured(panel))
    assert panel.busy and not keys["work"] and not keys["worked while busy"]
    panel.ui.applyButton.click()
    bench.wait_until(lambda: panel.run.state is RunState.IDLE)


def test_the_editor_survives_a_closed_scene_and_takes_the_next_result(
    opened, panel, scene, phantom, bench
):
    from COVIDLesionSegLib.scene.editing import editor_node
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    scene.Clear(False)
    assert panel.ui.correctionSection.isHidden()
    ct = volume_to_node(phantom.volume, "CT")
    panel.ui.ctSelector.setCurrentNode(ct)
    panel.run.start_process = finished_with(known_result(phantom))
    panel.ui.applyButton.click()
    bench.wait_until(lambda: not panel.busy)

    node = editor_node(scene)
    assert node.GetSegmentationNode() is panel.result.segmentationNode
    assert node.GetSelectedSegmentID() == "lesion"


def test_a_scene_without_the_runs_segmentation_says_that_nothing_can_be_compared(
    opened, panel, scene
):
    scene.RemoveNode(panel.result.predictionNode)

    assert "saved without the run's segmentation" in panel.ui.changesLabel.text
    assert not panel.ui.compareButton.enabled and not panel.ui.discardButton.enabled


def test_lungs_found_alone_can_be_corrected_and_discarded(panel, ct, phantom, scene, bench):
    from dataclasses import replace

    from slicer.util import arrayFromSegmentBinaryLabelmap as array_of
    from slicer.util import updateSegmentBinaryLabelmapFromArray as update

    from COVIDLesionSegLib.scene.editing import editor_node
    from COVIDLesionSegLib.scene.show import show_lungs

    result = replace(known_result(phantom, lesion=False), classes=())
    lungs = show_lungs(ct, result).segmentationNode
    panel.show_result(ct, None, in_views=True, new=True)
    panel.show_state()
    ui = panel.ui
    assert not ui.correctionSection.isHidden()
    ui.correctionSection.collapsed = False
    node = editor_node(scene)

    assert node.GetSegmentationNode() is lungs
    assert node.GetSelectedSegmentID() == "right-lung"
    assert node.GetMaskMode() == lungs.EditAllowedEverywhere
    assert "once lesions were found" in ui.changesLabel.text
    assert panel.corrections.corrected is None
    before = array_of(lungs, "right-lung", ct).copy()
    update(0 * before, lungs, "right-lung", ct)
    ui.discardButton.click()
    assert (array_of(lungs, "right-lung", ct) == before).all()
    ui.compareButton.click()
    scene.RemoveNode(lungs)
    bench.wait_until(ui.correctionSection.isHidden)
    assert node.GetSegmentationNode() is None


@pytest.fixture
def two_classes(panel, apply, phantom):
    """A result with both lesion classes, in the editor."""
    apply(finished_with(known_result(phantom, ensemble=True)))
    panel.enter()
    panel.ui.correctionSection.collapsed = False


def paint(panel, ct, segment: str) -> object:
    """Paint a square of the left lung with a class, over what is there; gives its place."""
    import numpy as np
    import slicer

    node, place = panel.result.segmentationNode, np.s_[1:3, 44:50, 44:50]
    for id_, value in (("ground-glass-opacity", 1), (segment, 1)):
        array = slicer.util.arrayFromSegmentBinaryLabelmap(node, id_, ct).copy()
        array[place] = value
        slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, id_, ct)
    return place


def voxels(panel, ct, segment: str, place) -> set[int]:
    import slicer

    node = panel.result.segmentationNode
    return set(slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, ct)[place].flat)


def test_choosing_another_segment_right_after_a_stroke_leaves_the_stroke(
    two_classes, panel, ct, scene, bench
):
    from COVIDLesionSegLib.scene.editing import editor_node

    editor_node(scene).SetSelectedSegmentID("consolidation")
    place = paint(panel, ct, "consolidation")
    editor_node(scene).SetSelectedSegmentID("ground-glass-opacity")
    bench.wait_until(lambda: measured(panel))
    assert voxels(panel, ct, "consolidation", place) == {1}
    assert voxels(panel, ct, "ground-glass-opacity", place) == {0}


def test_choosing_another_ct_right_after_a_stroke_leaves_the_stroke(
    two_classes, panel, ct, scene, bench, phantom
):
    from COVIDLesionSegLib.scene.editing import editor_node
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    editor_node(scene).SetSelectedSegmentID("consolidation")
    place = paint(panel, ct, "consolidation")
    panel.ui.ctSelector.setCurrentNode(volume_to_node(phantom.volume, "other CT"))
    panel.ui.ctSelector.setCurrentNode(ct)
    bench.wait_until(lambda: measured(panel))
    assert voxels(panel, ct, "consolidation", place) == {1}
    assert voxels(panel, ct, "ground-glass-opacity", place) == {0}


def test_what_is_painted_elsewhere_in_slicer_is_left_alone(two_classes, panel, ct, bench):
    """In Slicer's own Segment Editor another segment is chosen than here."""
    panel.exit()
    place = paint(panel, ct, "consolidation")
    bench.wait_until(lambda: measured(panel))
    assert voxels(panel, ct, "consolidation", place) == {1}
