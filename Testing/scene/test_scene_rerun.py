"""One CT keeps one set of nodes; the user's nodes, edits and names stay the user's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fabricated import DIRECTIONS, add_ct, make_geometry, make_result
from read_nodes import contents, correct, display_of, node_ids, segment_array, segment_names

from COVIDLesionSegLib.engine.errors import OutputError

pytestmark = pytest.mark.slow

slicer = pytest.importorskip("slicer")
vtk_to_numpy = pytest.importorskip("vtk.util.numpy_support").vtk_to_numpy


def test_rerun_updates_the_same_nodes(scene, ct_node, show):
    first = show(ct_node, make_result(seed=0))
    ids = node_ids(scene)
    second_result = make_result(seed=1)
    second = show(ct_node, second_result)

    assert node_ids(scene) == ids
    assert [n.GetID() for n in second.nodes] == [n.GetID() for n in first.nodes]
    np.testing.assert_array_equal(
        segment_array(second.segmentationNode, "lesion", ct_node), second_result.lesions == 1
    )
    np.testing.assert_array_equal(
        slicer.util.arrayFromVolume(second.probabilityNode), second_result.probability
    )


def test_two_cts_have_their_own_results(scene, show):
    first_ct, second_ct = add_ct(scene, name="baseline"), add_ct(scene, name="follow-up")
    first_result = make_result(seed=0)
    first = show(first_ct, first_result)
    second = show(second_ct, make_result(seed=1))
    assert not {n.GetID() for n in first.nodes} & {n.GetID() for n in second.nodes}
    np.testing.assert_array_equal(
        segment_array(first.segmentationNode, "lesion", first_ct), first_result.lesions == 1
    )


def test_users_nodes_of_the_same_names_are_left_alone(scene, ct_node, show):
    names = [node.GetName() for node in show(ct_node, make_result()).nodes]
    scene.Clear(False)
    ct_node = add_ct(scene)
    classes = ["vtkMRMLSegmentationNode", "vtkMRMLScalarVolumeNode"] + ["vtkMRMLTableNode"] * 3
    classes += ["vtkMRMLSegmentationNode", "vtkMRMLPlotChartNode"]
    users = [scene.AddNewNodeByClass(c, n) for c, n in zip(classes, names, strict=True)]
    users[0].GetSegmentation().AddEmptySegment("lesion", "my lesion")
    before = [(node.GetID(), node.GetName(), node.GetMTime()) for node in users]

    shown = show(ct_node, make_result())
    shown = show(ct_node, make_result(seed=1))

    assert [(node.GetID(), node.GetName(), node.GetMTime()) for node in users] == before
    assert not {n.GetID() for n in shown.nodes} & {n.GetID() for n in users}


def test_a_copy_the_user_made_is_not_mistaken_for_the_result(scene, ct_node, show):
    first_result = make_result(seed=0)
    shown = show(ct_node, first_result)
    copy = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    copy.Copy(shown.segmentationNode)
    for node in shown.nodes:
        scene.RemoveNode(node)

    again = show(ct_node, make_result(seed=1))

    assert again.segmentationNode is not copy
    np.testing.assert_array_equal(segment_array(copy, "lesion", ct_node), first_result.lesions == 1)


def test_renamed_results_are_found_and_keep_their_name(scene, ct_node, show):
    shown = show(ct_node, make_result())
    shown.segmentationNode.SetName("for the tumour board")
    again = show(ct_node, make_result(seed=1))
    assert again.segmentationNode is shown.segmentationNode
    assert again.segmentationNode.GetName() == "for the tumour board"


def test_users_segments_and_colours_survive_a_rerun(scene, ct_node, show):
    node = show(ct_node, make_result()).segmentationNode
    segmentation = node.GetSegmentation()
    segmentation.AddEmptySegment("nodule", "my nodule", (0, 0, 1))
    mine = np.zeros(make_result().geometry.shape, np.uint8)
    mine[3:6, 3:6, 3:6] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(mine, node, "nodule", ct_node)
    segmentation.GetSegment("lesion").SetColor(0.0, 1.0, 0.0)
    node.GetDisplayNode().SetSegmentOpacity3D("right-lung", 0.6)

    show(ct_node, make_result(seed=1))

    np.testing.assert_array_equal(segment_array(node, "nodule", ct_node), mine)
    layer = segmentation.GetSegment("nodule").GetRepresentation("Binary labelmap")
    labels = np.unique(vtk_to_numpy(layer.GetPointData().GetScalars()))
    assert set(labels) <= {0, segmentation.GetSegment("nodule").GetLabelValue()}
    assert segmentation.GetSegment("lesion").GetColor() == (0.0, 1.0, 0.0)
    assert node.GetDisplayNode().GetSegmentOpacity3D("right-lung") == pytest.approx(0.6)


def test_a_correction_is_kept_beside_the_new_result(scene, ct_node, show):
    node = show(ct_node, make_result()).segmentationNode
    result = make_result(seed=1)
    for copy_id, name in (
        ("lesion-corrected", "lesion (corrected)"),
        ("lesion-corrected_1", "lesion (corrected) 2"),
    ):
        mine = correct(node, "lesion", ct_node)
        again = show(ct_node, result)

        assert segment_names(node)[-1] == name
        np.testing.assert_array_equal(segment_array(node, copy_id, ct_node), mine)
        np.testing.assert_array_equal(segment_array(node, "lesion", ct_node), result.lesions == 1)
        kept = [flag for flag in again.flags if flag.code == "corrections-kept"]
        assert [flag.level for flag in kept] == ["note"]
        assert name in kept[0].message


def test_without_a_correction_nothing_is_copied(scene, ct_node, show):
    node = show(ct_node, make_result()).segmentationNode
    again = show(ct_node, make_result(seed=1))

    assert segment_names(node) == ["right lung", "left lung", "lesion"]
    assert again.flags == make_result().flags


def test_a_copy_of_a_segment_is_the_users(scene, ct_node, show):
    node = show(ct_node, make_result()).segmentationNode
    segmentation = node.GetSegmentation()
    segmentation.CopySegmentFromSegmentation(segmentation, "lesion")
    before = segment_array(node, "lesion_1", ct_node).copy()
    show(ct_node, make_result(classes=("consolidation",), seed=1))

    np.testing.assert_array_equal(segment_array(node, "lesion_1", ct_node), before)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_saved_segmentation_is_not_taken_for_a_corrected_one(scene, show, tmp_path, direction):
    from COVIDLesionSegLib.headless.saved_scene import save_scene
    from scene.read_nodes import is_corrected

    geometry = make_geometry(direction)
    show(add_ct(scene, geometry), make_result(geometry), surfaces=False)
    path = save_scene(scene, tmp_path / "scene.mrb")
    scene.Clear(False)
    slicer.util.loadScene(str(path))

    node = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    assert not is_corrected(node)
    correct(node, "left-lung", scene.GetFirstNodeByName("CT"))
    assert is_corrected(node)


def test_classes_of_another_model_replace_the_earlier_ones(scene, ct_node, show):
    show(ct_node, make_result())
    result = make_result(classes=("ground-glass opacity", "consolidation"), seed=1)
    node = show(ct_node, result).segmentationNode
    segmentation = node.GetSegmentation()
    ids = [segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())]
    assert ids == ["right-lung", "left-lung", "ground-glass-opacity", "consolidation"]
    for label, segment_id in ((1, "ground-glass-opacity"), (2, "consolidation")):
        np.testing.assert_array_equal(
            segment_array(node, segment_id, ct_node), result.lesions == label
        )


def test_a_ct_without_lesions_has_an_empty_lesion_segment(scene, ct_node, show):
    full = make_result()
    show(ct_node, full)
    empty = replace(full, lesions=np.zeros_like(full.lesions))
    node = show(ct_node, empty).segmentationNode
    assert node.GetSegmentation().GetSegment("lesion") is not None
    assert not segment_array(node, "lesion", ct_node).any()
    assert segment_array(node, "right-lung", ct_node).any()


def test_the_mark_of_an_untrained_network_comes_and_goes_and_the_users_names_stay(
    scene, ct_node, show
):
    trained = show(ct_node, make_result())
    trained.segmentationNode.SetName("for the tumour board")
    segment = trained.segmentationNode.GetSegmentation().GetSegment("lesion")
    segment.SetName("my lesion")

    def shown_names():
        segment = trained.segmentationNode.GetSegmentation().GetSegment("lesion")
        return [*(node.GetName() for node in trained.nodes), segment.GetName()]

    before = shown_names()
    untrained = show(ct_node, make_result(trained=False))
    assert shown_names() == [f"{name} - UNTRAINED NETWORK" for name in before]
    untrained.undo()
    assert shown_names() == before
    show(ct_node, make_result(trained=False))
    show(ct_node, make_result())
    assert shown_names() == before


def test_a_failing_run_loses_nothing_of_the_earlier_result(scene, ct_node, show, monkeypatch):
    from COVIDLesionSegLib.scene import show as module

    first = show(ct_node, make_result(seed=0))
    before, ids = contents(first, ct_node), node_ids(scene)

    def out_of_memory(node):
        raise OutputError("The 3D surfaces could not be made.")

    display = display_of(first.segmentationNode, "right-lung")
    monkeypatch.setattr(module, "show_surfaces", out_of_memory)
    with pytest.raises(OutputError):
        show(ct_node, make_result(seed=1))
    assert node_ids(scene) == ids
    assert contents(first, ct_node) == before
    assert display_of(first.segmentationNode, "right-lung") == display
    assert not scene.IsBatchProcessing()


def test_a_failing_first_run_leaves_no_nodes(scene, ct_node, show):
    from COVIDLesionSegLib.scene.colors import covidjet_node

    covidjet_node(scene)
    ids = node_ids(scene)
    result = make_result()
    result.provenance["unserialisable"] = object()
    with pytest.raises(TypeError):
        show(ct_node, result)
    assert node_ids(scene) == ids


def test_the_ct_is_not_touched(scene, ct_node, show):
    before = (ct_node.GetName(), ct_node.GetMTime(), ct_node.GetDisplayNode().GetMTime())
    show(ct_node, make_result())
    show(ct_node, make_result(seed=1)).undo()
    assert (ct_node.GetName(), ct_node.GetMTime(), ct_node.GetDisplayNode().GetMTime()) == before


def test_new_segments_are_shown_and_hidden_ones_stay_hidden(ct_node, show):
    """Slice views' lists of segments may hide what they meet when a batch of changes ends."""
    node = show(ct_node, make_result()).segmentationNode
    display = node.GetDisplayNode()
    display.SetSegmentVisibility("left-lung", False)
    scene = ct_node.GetScene()

    def hide(caller, event):
        for id_ in ("lesion", "right-lung", "consolidation"):
            if node.GetSegmentation().GetSegment(id_) is not None:
                display.SetSegmentVisibility(id_, False)

    tag = scene.AddObserver(scene.EndBatchProcessEvent, hide)
    show(ct_node, make_result(classes=("consolidation",), seed=1))
    scene.RemoveObserver(tag)

    assert display.GetSegmentVisibility("consolidation")
    assert display.GetSegmentVisibility("right-lung")
    assert not display.GetSegmentVisibility("left-lung")
