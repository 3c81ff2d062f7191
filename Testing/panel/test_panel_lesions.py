"""Lesions one by one in the panel: the table, the way to a lesion, numbered points."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.flags import untrained_flag
from COVIDLesionSegLib.engine.text import millilitres
from COVIDLesionSegLib.scene.lesion_instances import FORMS, find_instances, shows
from COVIDLesionSegLib.scene.lesion_marks import find_marks, lesion_place
from COVIDLesionSegLib.scene.nodes import nodes_by_class
from COVIDLesionSegLib.scene.volumes import may_be_ct
from panel.shown import texts
from panel.workers import finished_with, known_result


def test_the_table_lists_the_lesions_the_largest_first(shown, panel):
    lesions = shown.severity.lesions
    assert lesions
    assert texts(panel.ui.lesionsTable) == [
        [
            str(lesion.number),
            lesion.region,
            f"{lesion.slices[0]} to {lesion.slices[1]}",
            millilitres(lesion.lesion_ml),
        ]
        for lesion in lesions
    ]


def test_choosing_a_row_goes_to_the_lesion(shown, panel, monkeypatch):
    from COVIDLesionSegLib.panel.results import lesion_list

    gone = []
    monkeypatch.setattr(lesion_list, "go_to_lesion", lambda ct, lesion: gone.append(lesion))
    panel.ui.lesionsTable.setCurrentCell(0, 1)
    assert gone == [shown.severity.lesions[0]]


def test_points_come_and_go_with_the_button_and_follow_the_result(shown, panel, apply, phantom):
    button, ct = panel.ui.markLesionsButton, panel.ct
    assert button.enabled and not button.checked and find_marks(ct) is None
    button.click()
    node = find_marks(ct)
    assert node.GetNumberOfControlPoints() == len(shown.severity.lesions)
    place = [0.0, 0.0, 0.0]
    node.GetNthControlPointPositionWorld(0, place)
    assert place == pytest.approx(lesion_place(ct, shown.severity.lesions[0]))
    fewer = replace(shown, severity=replace(shown.severity, lesions=shown.severity.lesions[:1]))
    apply(finished_with(fewer))
    assert button.checked and find_marks(ct).GetNumberOfControlPoints() == 1
    button.click()
    assert not button.checked and find_marks(ct) is None


def test_lesions_get_segments_or_labels_of_their_own_and_lose_them_again(shown, panel):
    box, ct = panel.ui.lesionNodesBox, panel.ct
    assert box.enabled and box.currentIndex == 0 and find_instances(ct) is None
    for index, form in enumerate(FORMS, start=1):
        box.setCurrentIndex(index)
        found, node = find_instances(ct)
        assert found == form and box.currentIndex == index
    colors = node.GetDisplayNode().GetColorNode()
    assert colors.GetNumberOfColors() == 1 + len(shown.severity.lesions)
    box.setCurrentIndex(0)
    assert find_instances(ct) is None


@pytest.fixture
def mine(shown, panel):
    """Lesions as segments of which the user renamed and hid one, and removed another."""
    panel.ui.lesionNodesBox.setCurrentIndex(1)
    _, node = find_instances(panel.ct)
    node.SetName("mine")
    segmentation, display = node.GetSegmentation(), node.GetDisplayNode()
    segmentation.GetSegment("lesion-1").SetName("biopsied")
    display.SetSegmentVisibility("lesion-1", False)
    display.SetSegmentOpacity3D("lesion-1", 0.25)
    segmentation.RemoveSegment("lesion-2")
    return node


def renewed(panel) -> bool:
    lesions = panel.result.severity.lesions
    return not panel.corrections.pending and shows(find_instances(panel.ct)[1], lesions)


def test_after_an_edit_the_node_holds_the_lesions_of_now_and_what_the_user_made_of_it(
    mine, shown, panel, bench, correct
):
    from slicer.util import arrayFromSegmentBinaryLabelmap

    number = len(shown.severity.lesions)
    correct()
    bench.wait_until(lambda: len(panel.result.severity.lesions) > number and renewed(panel))
    _, node = find_instances(panel.ct)
    assert node is mine and node.GetName() == "mine"
    lesions = panel.result.severity.lesions
    segmentation, display = node.GetSegmentation(), node.GetDisplayNode()
    assert segmentation.GetNumberOfSegments() == len(lesions)
    ml = shown.severity.lesions[0].lesion_ml
    (id_,) = [f"lesion-{lesion.number}" for lesion in lesions if lesion.lesion_ml == ml]
    names = {i: segmentation.GetSegment(i).GetName() for i in segmentation.GetSegmentIDs()}
    assert names[id_] == "biopsied" and list(names.values()).count("biopsied") == 1
    hidden = [i for i in names if not display.GetSegmentVisibility(i)]
    assert hidden == [id_] and display.GetSegmentOpacity3D(id_) == 0.25
    for lesion in lesions:
        mask = arrayFromSegmentBinaryLabelmap(node, f"lesion-{lesion.number}", panel.ct)
        assert mask.sum() * np.prod(panel.ct.GetSpacing()) / 1000 == pytest.approx(lesion.lesion_ml)


def test_lesions_of_an_added_scene_are_as_the_user_left_them(mine, panel, bench, scene, tmp_path):
    assert scene.WriteToMRB(str(tmp_path / "s.mrb"))
    scene.ReadFromMRB(str(tmp_path / "s.mrb"), False)
    (added,) = [
        ct
        for ct in nodes_by_class(scene, "vtkMRMLScalarVolumeNode")
        if may_be_ct(ct) and ct is not panel.ct
    ]
    panel.ui.ctSelector.setCurrentNode(added)
    assert panel.ct is added
    bench.wait_until(lambda: not panel.corrections.pending)
    _, node = find_instances(added)
    assert node.GetName() == "mine" and renewed(panel)
    segmentation = node.GetSegmentation()
    assert segmentation.GetSegment("lesion-1").GetName() == "biopsied"
    assert segmentation.GetSegment("lesion-2") is None
    assert not node.GetDisplayNode().GetSegmentVisibility("lesion-1")


def test_a_marked_ct_below_a_transform_that_bends_it_loses_its_points_and_says_why(
    shown, panel, ct, scene
):
    import vtk

    panel.ui.markLesionsButton.click()
    bend = vtk.vtkThinPlateSplineTransform()
    points, moved = vtk.vtkPoints(), vtk.vtkPoints()
    for place in [(0, 0, 0), (100, 0, 0), (0, 100, 0), (0, 0, 100), (50, 50, 50)]:
        points.InsertNextPoint(place)
        moved.InsertNextPoint([x + 3 * (place[0] == 50) for x in place])
    bend.SetSourceLandmarks(points)
    bend.SetTargetLandmarks(moved)
    bend.SetBasisToR()
    transform = scene.AddNewNodeByClass("vtkMRMLTransformNode")
    transform.SetAndObserveTransformToParent(bend)
    ct.SetAndObserveTransformNodeID(transform.GetID())
    panel.show_result(ct, panel.result)
    assert find_marks(ct) is None and not panel.ui.markLesionsButton.checked
    assert "nonlinear transform" in panel.ui.statusLabel.text


def test_what_an_untrained_network_found_is_not_listed(apply, panel, phantom):
    result = known_result(phantom)
    apply(finished_with(replace(result, flags=(untrained_flag(["unet"]), *result.flags))))
    assert panel.ui.lesionsTable.rowCount == 0
    assert not panel.ui.markLesionsButton.enabled
    assert not panel.ui.lesionNodesBox.enabled
