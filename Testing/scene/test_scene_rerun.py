"""One CT keeps one set of nodes; the user's nodes, edits and names stay the user's."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from fabricated import DIRECTIONS, add_ct, make_geometry, make_result

from COVIDLesionSegLib.engine.errors import OutputError

pytestmark = pytest.mark.slow

vtk = pytest.importorskip("vtk")
slicer = pytest.importorskip("slicer")
vtk_to_numpy = pytest.importorskip("vtk.util.numpy_support").vtk_to_numpy


@pytest.fixture
def show():
    from COVIDLesionSegLib.scene.show import show_result

    return show_result


def segment_array(node, segment_id, ct_node):
    return slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, ct_node)


def node_ids(scene):
    return [scene.GetNthNode(i).GetID() for i in range(scene.GetNumberOfNodes())]


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


def correct(node, segment_id, ct_node):
    """Adds a block to a segment, as a person would in Segment Editor."""
    array = segment_array(node, segment_id, ct_node).copy()
    array[4:8, 4:8, 4:8] = 1 - array[4:8, 4:8, 4:8]
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, segment_id, ct_node)
    return segment_array(node, segment_id, ct_node).copy()


def segment_names(node):
    segmentation = node.GetSegmentation()
    return [
        segmentation.GetNthSegment(i).GetName() for i in range(segmentation.GetNumberOfSegments())
    ]


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


def contents(shown, ct_node):
    return (
        segment_array(shown.segmentationNode, "lesion", ct_node).tolist(),
        slicer.util.arrayFromVolume(shown.probabilityNode).tolist(),
        shown.severityTableNode.GetCellText(0, 1),
        shown.segmentationNode.GetAttribute("COVIDLesionSeg.provenance"),
    )


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


SEGMENT_DISPLAY = {
    "Visibility": False,
    "Visibility3D": False,
    "Visibility2DFill": False,
    "Visibility2DOutline": False,
    "Opacity3D": 0.6,
    "Opacity2DFill": 0.3,
    "Opacity2DOutline": 0.7,
    "Pickable": False,
}


def display_of(node, segment_id):
    """How a segment is displayed, by setting."""
    display = node.GetDisplayNode()
    settings = {key: getattr(display, f"GetSegment{key}")(segment_id) for key in SEGMENT_DISPLAY}
    return settings | {"OverrideColor": list(display.GetSegmentOverrideColor(segment_id))}


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


def test_a_result_without_its_deleted_disagreement_is_still_one(scene, ct_node, show):
    from COVIDLesionSegLib.scene.show import find_result

    shown = show(ct_node, make_result(ensemble=True))
    scene.RemoveNode(shown.disagreementNode)
    assert find_result(ct_node).disagreementNode is None
    again = show(ct_node, make_result(seed=1))
    scene.RemoveNode(show(ct_node, make_result(ensemble=True)).disagreementNode)
    again.undo()
    assert find_result(ct_node).disagreementNode is None


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


def test_figures_of_another_version_are_not_shown_and_can_be_replaced(ct_node, show):
    from COVIDLesionSegLib.scene.show import find_result

    node = show(ct_node, make_result()).segmentationNode
    figures = json.loads(node.GetAttribute("COVIDLesionSeg.severity"))
    del figures["slices"][0]["lesion_class_mm2"]
    node.SetAttribute("COVIDLesionSeg.severity", json.dumps(figures))

    assert find_result(ct_node) is None
    assert show(ct_node, make_result(seed=1)).segmentationNode is node


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


def test_result_is_found_again_from_the_ct_alone(scene, ct_node, show):
    from COVIDLesionSegLib.scene.show import find_result

    assert find_result(ct_node) is None
    result = make_result()
    shown = show(ct_node, result)
    found = find_result(ct_node)
    assert found.nodes == shown.nodes
    assert found.severity == result.severity
    assert found.flags == result.flags
    assert found.provenance == result.provenance


@pytest.mark.parametrize("tables", [["severity"], ["rules"], ["slices"], ["rules", "slices"]])
def test_a_result_without_tables_that_the_user_deleted_is_still_one(scene, ct_node, show, tables):
    from COVIDLesionSegLib.scene.nodes import find_output, lost_role
    from COVIDLesionSegLib.scene.show import find_result

    result = make_result()
    shown = show(ct_node, result)
    for role in tables:
        scene.RemoveNode(find_output(ct_node, role))
    found = find_result(ct_node)
    assert found.severity == result.severity and lost_role(ct_node) is None
    assert len(found.nodes) == len(shown.nodes) - len(tables) - ("slices" in tables)
    assert (found.chartNode is None) == ("slices" in tables)
    again = show(ct_node, make_result(seed=1))
    assert len(again.nodes) == len(shown.nodes)
    again.undo()
    assert find_result(ct_node).severity == result.severity


@pytest.mark.parametrize("role", ["segmentation", "probability"])
def test_which_node_a_result_lacks_is_known(scene, ct_node, show, role):
    from COVIDLesionSegLib.scene.nodes import find_output, lost_role
    from COVIDLesionSegLib.scene.show import find_result

    assert lost_role(ct_node) is None
    shown = show(ct_node, make_result())
    assert lost_role(ct_node) is None
    scene.RemoveNode(find_output(ct_node, role))
    assert find_result(ct_node) is None and lost_role(ct_node) == role
    shown.undo()
    assert lost_role(ct_node) is None


@pytest.mark.parametrize("deleted", ["CT", "segmentation", "chart", "nothing"])
def test_hidden_nodes_leave_with_what_they_belong_to(scene, ct_node, show, deleted):
    from COVIDLesionSegLib.scene.nodes import remove_left_behind, series_of

    other = show(add_ct(scene, name="other"), make_result())
    shown = show(ct_node, make_result())
    lines = series_of(shown.chartNode)
    users = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "mine")
    users.Copy(shown.predictionNode)
    users.SetHideFromEditors(True)
    if deleted == "CT":
        scene.RemoveNode(shown.chartNode)
        scene.RemoveNode(ct_node)
    elif deleted != "nothing":
        scene.RemoveNode(shown.segmentationNode if deleted != "chart" else shown.chartNode)
    remove_left_behind(scene)
    present = scene.IsNodePresent
    assert bool(present(shown.predictionNode)) == (deleted in ("chart", "nothing"))
    assert {bool(present(line)) for line in lines} == {deleted in ("segmentation", "nothing")}
    assert present(users) and all(map(present, other.nodes))
    assert all(map(present, series_of(other.chartNode)))


def test_results_are_placed_under_the_study_of_the_ct(scene, ct_node, show):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "anonymous")
    study = hierarchy.CreateStudyItem(patient, "chest CT")
    hierarchy.CreateItem(study, ct_node)
    shown = show(ct_node, make_result())
    for node in shown.nodes:
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study
    # Slicer's tree does not show items of hidden nodes.
    assert shown.predictionNode.GetHideFromEditors()

    elsewhere = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "mine")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(shown.probabilityNode), elsewhere)
    show(ct_node, make_result(seed=1))
    item = hierarchy.GetItemByDataNode(shown.probabilityNode)
    assert hierarchy.GetItemParent(item) == elsewhere


def test_the_ct_is_not_touched(scene, ct_node, show):
    before = (ct_node.GetName(), ct_node.GetMTime(), ct_node.GetDisplayNode().GetMTime())
    show(ct_node, make_result())
    show(ct_node, make_result(seed=1)).undo()
    assert (ct_node.GetName(), ct_node.GetMTime(), ct_node.GetDisplayNode().GetMTime()) == before


@pytest.fixture
def automatic(ct_node):
    """The CT's display, in the window that Slicer chooses by itself."""
    ct_node.GetDisplayNode().AutoWindowLevelOn()
    return ct_node.GetDisplayNode()


def window(display):
    return bool(display.GetAutoWindowLevel()), display.GetWindow(), display.GetLevel()


def test_with_its_first_result_a_ct_is_shown_in_the_lung_window(scene, ct_node, show, automatic):
    before = window(automatic)
    run = show(ct_node, make_result())
    assert window(automatic) == (False, 1500.0, -600.0)
    run.undo()
    assert window(automatic) == before


def test_a_window_that_the_user_chose_stays(scene, ct_node, show, automatic):
    automatic.AutoWindowLevelOff()
    automatic.SetWindowLevel(350.0, 40.0)
    run = show(ct_node, make_result())
    assert window(automatic) == (False, 350.0, 40.0)
    run.undo()
    assert window(automatic) == (False, 350.0, 40.0)


def test_a_window_that_the_user_chose_after_a_run_outlives_undo_and_the_next_run(
    scene, ct_node, show, automatic
):
    run = show(ct_node, make_result())
    automatic.SetWindowLevel(350.0, 40.0)
    run.undo()
    assert window(automatic) == (False, 350.0, 40.0)
    show(ct_node, make_result())
    automatic.AutoWindowLevelOn()
    chosen = window(automatic)
    show(ct_node, make_result(seed=1)).undo()
    assert window(automatic) == chosen


def test_a_failing_first_run_leaves_the_window(scene, ct_node, show, automatic):
    before = window(automatic)
    result = make_result()
    result.provenance["unserialisable"] = object()
    with pytest.raises(TypeError):
        show(ct_node, result)
    assert window(automatic) == before


def test_provenance_is_plain_json(scene, ct_node, show):
    result = make_result()
    node = show(ct_node, result).segmentationNode
    assert json.loads(node.GetAttribute("COVIDLesionSeg.provenance")) == result.provenance


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
