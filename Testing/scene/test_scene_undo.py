"""Undo of a run: the earlier result is back, and what the user changed since stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fabricated import make_result
from read_nodes import (
    SEGMENT_DISPLAY,
    contents,
    correct,
    display_of,
    node_ids,
    segment_array,
    segment_names,
)

from COVIDLesionSegLib.engine.errors import OutputError

pytestmark = pytest.mark.slow

slicer = pytest.importorskip("slicer")


def test_undo_brings_back_the_earlier_result(scene, ct_node, show):
    first = show(ct_node, make_result(seed=0))
    before = contents(first, ct_node)
    second_result = make_result(seed=1)
    second_result.provenance["models"] = {"another": {}}
    second = show(ct_node, second_result)
    assert contents(second, ct_node) != before
    second.undo()
    assert contents(first, ct_node) == before
    assert first.segmentationNode.GetSegmentation().ContainsRepresentation("Closed surface")


def test_undo_leaves_every_segment_displayed_as_it_was(scene, ct_node, show):
    node = show(ct_node, make_result()).segmentationNode
    ids = ("right-lung", "left-lung", "lesion")
    before = {id_: display_of(node, id_) for id_ in ids}
    assert before["right-lung"]["Opacity3D"] < 0.5 and not before["right-lung"]["Opacity2DFill"]
    show(ct_node, make_result(seed=1)).undo()
    assert {id_: display_of(node, id_) for id_ in ids} == before


def test_undo_leaves_what_the_user_changed_in_the_display_since(scene, ct_node, show):
    node = show(ct_node, make_result()).segmentationNode
    node.GetSegmentation().AddEmptySegment("nodule", "my nodule")
    run = show(ct_node, make_result(seed=1))
    display = node.GetDisplayNode()
    for id_ in ("left-lung", "nodule"):
        for key, value in SEGMENT_DISPLAY.items():
            getattr(display, f"SetSegment{key}")(id_, value)
        display.SetSegmentOverrideColor(id_, 0.0, 0.5, 1.0)
    run.undo()
    for id_ in ("left-lung", "nodule"):
        expected = {**SEGMENT_DISPLAY, "OverrideColor": [0.0, 0.5, 1.0]}
        assert display_of(node, id_) == expected


def test_undo_brings_back_how_a_class_was_displayed_that_the_run_did_not_have(scene, ct_node, show):
    node = show(ct_node, make_result()).segmentationNode
    node.GetDisplayNode().SetSegmentOpacity3D("lesion", 0.4)
    before = display_of(node, "lesion")
    show(ct_node, make_result(classes=("ground-glass opacity", "consolidation"))).undo()
    assert display_of(node, "lesion") == before


def test_undo_of_the_first_run_leaves_the_scene_without_results(scene, ct_node, show):
    from COVIDLesionSegLib.scene.colors import covidjet_node

    covidjet_node(scene)
    ids = node_ids(scene)
    show(ct_node, make_result()).undo()
    left = [i for i in node_ids(scene) if i not in ids]
    assert [i for i in left if "Storage" not in i] == []


@pytest.mark.parametrize("painted", [True, False])
def test_undo_of_the_first_run_leaves_what_the_user_painted(scene, ct_node, show, painted):
    from COVIDLesionSegLib.scene.show import find_result

    run = show(ct_node, make_result(trained=False))
    node = run.segmentationNode
    node.GetSegmentation().AddEmptySegment("effusion", "effusion")
    mine = np.zeros(make_result().geometry.shape, np.uint8)
    mine[3:6, 3:6, 3:6] = painted
    slicer.util.updateSegmentBinaryLabelmapFromArray(mine, node, "effusion", ct_node)

    assert run.undo() == (["effusion"] if painted else [])
    assert bool(scene.IsNodePresent(node)) == painted
    assert find_result(ct_node) is None and not scene.IsNodePresent(run.predictionNode)
    if painted:
        assert segment_names(node) == ["effusion"] and "UNTRAINED" not in node.GetName()
        np.testing.assert_array_equal(segment_array(node, "effusion", ct_node), mine)
        assert node.GetAttributeNames() == ("COVIDLesionSeg.role",)
        again = show(ct_node, make_result())
        assert again.segmentationNode is node and again.undo() == []
        assert segment_names(node) == ["effusion"]


@pytest.mark.parametrize("edited", [True, False])
def test_undo_takes_a_copy_of_a_correction_away_unless_the_user_edited_it(
    scene, ct_node, show, edited
):
    node = show(ct_node, make_result()).segmentationNode
    corrected = correct(node, "lesion", ct_node)
    run = show(ct_node, make_result(seed=1))
    copy = segment_array(node, "lesion-corrected", ct_node).copy()
    if edited:
        copy[9:12, 4:8, 4:8] = 1 - copy[9:12, 4:8, 4:8]
        slicer.util.updateSegmentBinaryLabelmapFromArray(copy, node, "lesion-corrected", ct_node)

    assert run.undo() == (["lesion (corrected)"] if edited else [])
    np.testing.assert_array_equal(segment_array(node, "lesion", ct_node), corrected)
    names = ["right lung", "left lung", "lesion"]
    assert segment_names(node) == names + ["lesion (corrected)"] * edited
    if edited:
        np.testing.assert_array_equal(segment_array(node, "lesion-corrected", ct_node), copy)


def names_of(scene):
    return [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")]


def test_a_single_model_takes_the_disagreement_away_and_undo_brings_it_back(scene, ct_node, show):
    from COVIDLesionSegLib.scene.overlay import show_overlay
    from COVIDLesionSegLib.scene.show import find_result

    view = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    pet = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "PET")
    view.SetForegroundVolumeID(pet.GetID())
    ensemble = make_result(ensemble=True)
    first = show(ct_node, ensemble)
    node = first.disagreementNode
    node.SetName("where they quarrel")
    node.GetDisplayNode().SetThreshold(0.5, 1.0)
    copy = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    copy.Copy(node)
    copy.SetName("my copy")
    show_overlay([view], ct_node, node)
    ids = node_ids(scene)

    second = show(ct_node, make_result(seed=1))
    assert second.disagreementNode is None and len(second.nodes) == 7
    assert find_result(ct_node).nodes == second.nodes
    assert names_of(scene) == ["CT", "PET", "CT COVID-19 lesion probability", "my copy"]
    assert view.GetForegroundVolumeID() == pet.GetID()

    second.undo()
    found = find_result(ct_node)
    assert found.nodes == first.nodes
    assert sorted(node_ids(scene)) == sorted(ids)
    assert found.disagreementNode.GetName() == "where they quarrel"
    assert found.disagreementNode.GetDisplayNode().GetLowerThreshold() == 0.5
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(found.disagreementNode)
    assert legend.GetPrimaryDisplayNode() is found.disagreementNode.GetDisplayNode()
    np.testing.assert_array_equal(
        slicer.util.arrayFromVolume(found.disagreementNode), ensemble.disagreement
    )
    second.undo()
    assert sorted(node_ids(scene)) == sorted(ids)


def test_undo_brings_a_result_back_whose_ids_an_added_scene_has_taken(
    scene, ct_node, show, tmp_path
):
    from COVIDLesionSegLib.scene.nodes import series_of
    from COVIDLesionSegLib.scene.show import find_result, show_lungs

    first = show(ct_node, make_result(ensemble=True))
    first.probabilityNode.GetDisplayNode().SetThreshold(0.5, 1.0)
    taken = [node.GetID() for node in first.nodes]
    result = make_result()
    none = np.zeros_like(result.lesions)
    lungs = show_lungs(ct_node, replace(result, classes=(), lesions=none, probability=None))
    other = slicer.vtkMRMLScene()
    scene.CopyRegisteredNodesToScene(other)
    for kind in ("Table", "TableStorage", "ScalarVolume", "ScalarVolumeDisplay"):
        for _ in range(12):
            other.AddNewNodeByClass(f"vtkMRML{kind}Node")
    for _ in range(12):
        other.AddNewNodeByClass("vtkMRMLPlotSeriesNode")
        other.AddNewNodeByClass("vtkMRMLPlotChartNode")
    path = str(tmp_path / "other.mrml")
    other.SetURL(path)
    other.Commit(path)
    scene.SetURL(path)
    scene.Import()
    strangers = [scene.GetNodeByID(id_) for id_ in taken]
    assert None not in strangers and not set(first.nodes) & set(strangers[1:5])
    lungs.undo()

    found = find_result(ct_node)
    assert found.nodes == first.nodes
    assert found.probabilityNode.GetDisplayNode().GetLowerThreshold() == 0.5
    series = [
        found.chartNode.GetNthPlotSeriesNode(number)
        for number in range(found.chartNode.GetNumberOfPlotSeriesNodes())
    ]
    assert series and set(series) <= set(series_of(found.chartNode))
    assert all(one.GetTableNode() is found.slicesTableNode for one in series)


def test_undo_out_of_turn_leaves_one_disagreement(scene, ct_node, show):
    first = make_result(ensemble=True)
    show(ct_node, first)
    single = show(ct_node, make_result(seed=1))
    show(ct_node, make_result(seed=2, ensemble=True))
    single.undo()

    (node,) = [
        n
        for n in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        if "disagreement" in n.GetName()
    ]
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(node), first.disagreement)


def test_undo_of_an_ensemble_after_a_single_model_leaves_no_disagreement(scene, ct_node, show):
    from COVIDLesionSegLib.scene.colors import covidmagenta_node

    covidmagenta_node(scene)
    show(ct_node, make_result())
    ids = node_ids(scene)
    shown = show(ct_node, make_result(seed=1, ensemble=True))
    assert shown.disagreementNode is not None
    shown.undo()
    assert [one for one in node_ids(scene) if one not in ids and "Storage" not in one] == []


def test_a_failing_single_model_keeps_the_disagreement(scene, ct_node, show, monkeypatch):
    from COVIDLesionSegLib.scene import show as module

    first = show(ct_node, make_result(ensemble=True))
    ids = node_ids(scene)

    def out_of_memory(node):
        raise OutputError("The 3D surfaces could not be made.")

    monkeypatch.setattr(module, "show_surfaces", out_of_memory)
    with pytest.raises(OutputError):
        show(ct_node, make_result(seed=1))
    assert sorted(node_ids(scene)) == sorted(ids)
    assert module.find_result(ct_node).nodes == first.nodes


def test_mrml_undo_restores_results_that_opted_in(scene, ct_node, show):
    shown = show(ct_node, make_result(seed=0))
    before = contents(shown, ct_node)
    for node in shown.nodes:
        node.SetUndoEnabled(True)
    scene.SetUndoOn()
    scene.ClearUndoStack()
    show(ct_node, make_result(seed=1))
    assert contents(shown, ct_node) != before
    scene.Undo()
    scene.SetUndoOff()
    assert contents(shown, ct_node) == before
