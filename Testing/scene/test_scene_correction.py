"""The run's segmentation is kept beside the one that the user corrects, and both are compared."""

from __future__ import annotations

import numpy as np
import pytest
from fabricated import DIRECTIONS, add_ct, make_geometry, make_result

from COVIDLesionSegLib.engine.severity import measure_correction, measure_severity
from COVIDLesionSegLib.engine.severity.correction import Correction

vtk = pytest.importorskip("vtk")
slicer = pytest.importorskip("slicer")

CLASSES = ("ground-glass opacity", "consolidation")


@pytest.fixture
def show():
    from COVIDLesionSegLib.scene.show import show_result

    return show_result


def array_of(node, segment_id, ct_node):
    return slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, ct_node)


def correct(node, segment_id, ct_node):
    """Turns a block of a segment round, as a person would in Segment Editor."""
    array = array_of(node, segment_id, ct_node).copy()
    array[4:8, 4:8, 4:8] = 1 - array[4:8, 4:8, 4:8]
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, segment_id, ct_node)


def painted(boxes, shape):
    """Labels on the whole grid."""
    whole = np.zeros(shape, np.uint8)
    for box in boxes:
        place = tuple(slice(a, a + n) for a, n in zip(box.start, box.voxels.shape, strict=True))
        for value, label in box.labels.items():
            whole[place][box.voxels == value] = label
    return whole


def measure(shown, ct_node) -> Correction:
    from COVIDLesionSegLib.scene.label_boxes import labelled_ct
    from COVIDLesionSegLib.scene.volumes import world_geometry

    classes = shown.original.classes
    before, after = (
        labelled_ct(node, ct_node, classes)
        for node in (shown.predictionNode, shown.segmentationNode)
    )
    geometry = world_geometry(ct_node)
    return measure_correction(before, after, classes, geometry, shown.original)


def truthful(result):
    """``result`` with the severity that its arrays have."""
    from dataclasses import replace

    severity = measure_severity(result.lungs, result.lesions, result.classes, result.geometry)
    return replace(result, severity=severity)


def table_rows(table):
    return [
        [table.GetCellText(row, column) for column in range(table.GetNumberOfColumns())]
        for row in range(table.GetNumberOfRows())
    ]


def test_the_prediction_is_kept_out_of_sight(scene, ct_node, show):
    result = make_result(classes=CLASSES)
    node = show(ct_node, result).predictionNode

    assert node.GetHideFromEditors() and not node.GetDisplayNode().GetVisibility()
    np.testing.assert_array_equal(array_of(node, "consolidation", ct_node), result.lesions == 2)
    np.testing.assert_array_equal(array_of(node, "left-lung", ct_node), result.lungs == 2)


def test_edits_in_place_leave_the_prediction_alone(ct_node, show):
    """Segment Editor changes the voxels of a layer without replacing it."""
    result = make_result()
    shown = show(ct_node, result, surfaces=False)
    layer = (
        shown.segmentationNode.GetSegmentation()
        .GetSegment("lesion")
        .GetRepresentation("Binary labelmap")
    )
    slicer.vtkOrientedImageDataResample.FillImage(layer, 1)

    np.testing.assert_array_equal(
        array_of(shown.predictionNode, "lesion", ct_node), result.lesions == 1
    )


def test_a_rerun_replaces_the_prediction_and_undo_brings_the_earlier_back(ct_node, show):
    first, second = make_result(seed=0), make_result(seed=1)
    node = show(ct_node, first, surfaces=False).predictionNode
    again = show(ct_node, second, surfaces=False)
    assert again.predictionNode is node
    np.testing.assert_array_equal(array_of(node, "lesion", ct_node), second.lesions == 1)
    again.undo()

    np.testing.assert_array_equal(array_of(node, "lesion", ct_node), first.lesions == 1)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("loaded", [False, True], ids=["made", "loaded"])
def test_segments_lie_on_the_grid_of_their_ct(scene, show, tmp_path, direction, loaded):
    from COVIDLesionSegLib.engine.volume import AxialOrder
    from COVIDLesionSegLib.headless.saved_scene import save_scene
    from COVIDLesionSegLib.scene.label_boxes import labelled_ct
    from COVIDLesionSegLib.scene.volumes import world_geometry

    geometry = make_geometry(direction)
    result = make_result(geometry, CLASSES)
    ct_node = add_ct(scene, geometry)
    node = show(ct_node, result, surfaces=False).segmentationNode
    if loaded:
        path = save_scene(scene, tmp_path / "scene.mrb")
        scene.Clear(False)
        slicer.util.loadScene(str(path))
        ct_node = scene.GetFirstNodeByName("CT")
        node = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    found = labelled_ct(node, ct_node, CLASSES)
    here = AxialOrder.of(world_geometry(ct_node))
    shape = world_geometry(ct_node).shape
    there = AxialOrder.of(geometry)

    for boxes, expected in ((found.lungs, result.lungs), (found.lesions, result.lesions)):
        assert all(box.voxels.size < expected.size for box in boxes)
        np.testing.assert_array_equal(
            here.to_axial(painted(boxes, shape)), there.to_axial(expected)
        )


def test_a_segment_on_a_grid_of_its_own_is_resampled(scene, ct_node, show):
    from COVIDLesionSegLib.scene.label_boxes import label_boxes

    shown = show(ct_node, make_result(), surfaces=False)
    node = shown.segmentationNode
    coarse = add_ct(scene, make_geometry("axial", spacing=(1.4, 1.8, 5.0)), "coarse")
    block = np.zeros(coarse.GetImageData().GetDimensions()[::-1], np.uint8)
    block[1:3, 2:4, 2:4] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(block, node, "lesion", coarse)
    expected = array_of(node, "lesion", ct_node)
    shape = ct_node.GetImageData().GetDimensions()[::-1]

    assert expected.any()
    boxes = label_boxes(node, ct_node, {"lesion": 1})
    np.testing.assert_array_equal(painted(boxes, shape), expected)


def shifted(scene, *moved_nodes):
    """Puts nodes below a transform that shifts them."""
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(2, 3, 60.0)
    transform.SetMatrixTransformToParent(matrix)
    for node in moved_nodes:
        node.SetAndObserveTransformNodeID(transform.GetID())


@pytest.mark.parametrize("hardened", [False, True], ids=["transform", "hardened"])
def test_a_ct_that_was_moved_alone_is_not_measured_nor_kept(scene, ct_node, show, hardened):
    from COVIDLesionSegLib.engine.errors import InputError
    from COVIDLesionSegLib.scene.label_boxes import labelled_ct
    from COVIDLesionSegLib.scene.prediction import prediction_of

    shown = show(ct_node, truthful(make_result()), surfaces=False)
    if hardened:
        ct_node.SetOrigin([x + 60 for x in ct_node.GetOrigin()])
        with pytest.raises(InputError, match="moved"):
            prediction_of(ct_node)
    else:
        shifted(scene, ct_node)
    with pytest.raises(InputError, match="moved"):
        measure(shown, ct_node)
    with pytest.raises(InputError, match="moved"):
        labelled_ct(shown.segmentationNode, ct_node, ["lesion"])


@pytest.mark.parametrize("hidden_too", [False, True], ids=["what is seen", "all"])
def test_a_ct_that_was_moved_with_its_segmentation_is_measured(scene, ct_node, show, hidden_too):
    shown = show(ct_node, truthful(make_result()), surfaces=False)
    correct(shown.segmentationNode, "lesion", ct_node)
    expected = measure(shown, ct_node)
    shifted(
        scene,
        ct_node,
        shown.segmentationNode,
        *([shown.predictionNode] if hidden_too else []),
    )
    found = measure(shown, ct_node)
    assert found.changes == expected.changes
    assert [region.lesion_ml for region in found.severity.regions] == pytest.approx(
        [region.lesion_ml for region in expected.severity.regions]
    )


def harden(scene, *moved_nodes):
    """Turns and shifts nodes for good, as the Data module does."""
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    motion = vtk.vtkTransform()
    motion.Translate(5.0, -7.0, 60.0)
    motion.RotateWXYZ(20.0, 0.3, 1.0, 0.2)
    transform.SetMatrixTransformToParent(motion.GetMatrix())
    for node in moved_nodes:
        node.SetAndObserveTransformNodeID(transform.GetID())
        node.HardenTransform()
    scene.RemoveNode(transform)


@pytest.mark.parametrize("direction", ["axial", "oblique left-handed"])
def test_the_runs_segmentation_goes_along_where_ct_and_segmentation_were_hardened(
    scene, show, direction
):
    from COVIDLesionSegLib.scene.corrections import corrected_segment_ids, find_prediction
    from COVIDLesionSegLib.scene.editing import discard_corrections
    from COVIDLesionSegLib.scene.prediction import prediction_of

    geometry = make_geometry(direction)
    ct_node = add_ct(scene, geometry)
    result = truthful(make_result(geometry))
    shown = show(ct_node, result, surfaces=False)
    node = shown.segmentationNode
    correct(node, "lesion", ct_node)
    expected = measure(shown, ct_node)
    harden(scene, ct_node, node)

    assert corrected_segment_ids(node) == ["lesion"]
    for one, other in zip(measure(shown, ct_node).changes, expected.changes, strict=True):
        assert (one.name, one.dice) == (other.name, other.dice)
        assert one.added_ml == pytest.approx(other.added_ml)
    assert prediction_of(ct_node).labels.lungs
    discard_corrections(node, find_prediction(node))
    np.testing.assert_array_equal(array_of(node, "lesion", ct_node), result.lesions)
    np.testing.assert_array_equal(array_of(node, "right-lung", ct_node), result.lungs == 1)


def test_the_runs_segmentation_is_in_place_after_an_undo_of_a_run_after_hardening(
    scene, ct_node, show
):
    from dataclasses import replace

    from COVIDLesionSegLib.scene.corrections import corrected_segment_ids
    from COVIDLesionSegLib.scene.volumes import world_geometry

    node = show(ct_node, truthful(make_result()), surfaces=False).segmentationNode
    harden(scene, ct_node, node)
    again = replace(truthful(make_result(seed=1)), geometry=world_geometry(ct_node))
    run = show(ct_node, again, surfaces=False)
    run.undo()
    assert corrected_segment_ids(node) == []
    np.testing.assert_array_equal(
        array_of(run.predictionNode, "lesion", ct_node), array_of(node, "lesion", ct_node)
    )


@pytest.mark.parametrize("alone", ["CT", "segmentation"])
def test_the_runs_segmentation_stays_where_only_one_was_hardened(scene, ct_node, show, alone):
    from COVIDLesionSegLib.scene.corrections import find_prediction

    shown = show(ct_node, truthful(make_result()), surfaces=False)
    images = array_of(shown.predictionNode, "lesion", ct_node).copy()
    other = add_ct(scene, make_geometry(), "where it was")
    harden(scene, ct_node if alone == "CT" else shown.segmentationNode)
    prediction = find_prediction(shown.segmentationNode)
    np.testing.assert_array_equal(array_of(prediction, "lesion", other), images)


def test_a_segmentation_on_a_finer_grid_of_the_users_is_measured(scene, ct_node, show):
    shown = show(ct_node, truthful(make_result()), surfaces=False)
    expected = measure(shown, ct_node)
    finer = add_ct(scene, make_geometry("axial", spacing=(0.35, 0.45, 1.25)), "finer")
    shown.segmentationNode.SetReferenceImageGeometryParameterFromVolumeNode(finer)
    assert measure(shown, ct_node) == expected


def test_tables_and_provenance_follow_a_correction_and_its_undo_exactly(ct_node, show):
    from COVIDLesionSegLib.scene.corrected_severity import show_correction
    from COVIDLesionSegLib.scene.show import find_result
    from scene.read_nodes import is_corrected

    result = truthful(make_result(classes=CLASSES))
    shown = show(ct_node, result, surfaces=False)
    tables = (shown.severityTableNode, shown.rulesTableNode, shown.slicesTableNode)
    before = [table_rows(table) for table in tables]
    assert shown.original == result.severity and shown.correction is None
    correct(shown.segmentationNode, "consolidation", ct_node)
    measured = measure(shown, ct_node)
    show_correction(ct_node, measured)
    now = find_result(ct_node)

    assert is_corrected(shown.segmentationNode)
    assert measured.changed and now.correction == measured
    assert now.severity == measured.severity != result.severity
    assert now.original == result.severity
    assert [table_rows(table) for table in tables] != before
    assert table_rows(now.severityTableNode)[2][2] == (
        f"{round(now.severity.region('both lungs').lesion_ml, 3):g}"
    )
    note = now.provenance["correction"]
    assert note["software_version"] and note["time"].endswith("+00:00")
    assert now.provenance["models"] == result.provenance["models"]

    correct(shown.segmentationNode, "consolidation", ct_node)  # the block is turned back
    show_correction(ct_node, measure(shown, ct_node))
    again = find_result(ct_node)
    assert not is_corrected(shown.segmentationNode)
    assert again.correction is None and again.severity == result.severity
    assert again.provenance == result.provenance
    assert [table_rows(table) for table in tables] == before


def test_a_correction_is_restored_with_the_scene_and_gone_after_a_rerun(
    scene, ct_node, show, tmp_path
):
    from COVIDLesionSegLib.headless.saved_scene import save_scene
    from COVIDLesionSegLib.scene.corrected_severity import show_correction
    from COVIDLesionSegLib.scene.show import find_result
    from scene.read_nodes import is_corrected

    result = truthful(make_result())
    shown = show(ct_node, result, surfaces=False)
    correct(shown.segmentationNode, "lesion", ct_node)
    measured = measure(shown, ct_node)
    show_correction(ct_node, measured)
    path = save_scene(scene, tmp_path / "scene.mrb")
    scene.Clear(False)
    slicer.util.loadScene(str(path))
    ct_node = scene.GetFirstNodeByName("CT")
    loaded = find_result(ct_node)

    assert loaded.predictionNode.GetHideFromEditors()
    assert loaded.correction == measured and loaded.original == result.severity
    assert is_corrected(loaded.segmentationNode)
    assert measure(loaded, ct_node).changes == measured.changes
    again = show(ct_node, result, surfaces=False)
    assert again.correction is None and find_result(ct_node).correction is None
    again.undo()
    assert find_result(ct_node).correction == measured


def test_a_scene_of_an_earlier_version_has_nothing_to_compare_with(scene, ct_node, show):
    from COVIDLesionSegLib.scene.show import find_result
    from scene.read_nodes import is_corrected

    shown = show(ct_node, make_result(), surfaces=False)
    scene.RemoveNode(shown.predictionNode)
    found = find_result(ct_node)
    assert found.predictionNode is None and found.original is None and found.correction is None
    assert is_corrected(found.segmentationNode) is None

    # What may have been corrected is kept.
    again = show(ct_node, make_result(seed=1), surfaces=False)
    assert [flag.code for flag in again.flags][-1] == "corrections-kept"
    assert "may have corrected" in again.flags[-1].message
    assert is_corrected(again.segmentationNode) is False
