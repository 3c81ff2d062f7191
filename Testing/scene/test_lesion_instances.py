"""Lesions one by one as segments or as one label map, and the classes of slices as a chart."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from fabricated import DIRECTIONS, add_ct, make_geometry, make_result

from COVIDLesionSegLib.engine.severity import measure_correction, measure_severity
from COVIDLesionSegLib.engine.severity.lesions import measure_lesions, number_lesions

pytest.importorskip("slicer")

import slicer  # noqa: E402
import vtk  # noqa: E402
from vtk.util.numpy_support import vtk_to_numpy  # noqa: E402

from COVIDLesionSegLib.engine.errors import InputError  # noqa: E402
from COVIDLesionSegLib.logic import COVIDLesionSegLogic  # noqa: E402
from COVIDLesionSegLib.scene import names  # noqa: E402
from COVIDLesionSegLib.scene.images import matrix_to_array  # noqa: E402
from COVIDLesionSegLib.scene.label_boxes import labelled_ct  # noqa: E402
from COVIDLesionSegLib.scene.lesion_instances import (  # noqa: E402
    LABEL_MAP,
    SEGMENTS,
    find_instances,
    remove_instances,
    show_instances,
    show_instances_of_result,
)
from COVIDLesionSegLib.scene.nodes import nodes_by_class  # noqa: E402
from COVIDLesionSegLib.scene.show import show_result  # noqa: E402


def two_lesions(geometry):
    """Lungs, lesions, and what is measured of them: a bar and a small one."""
    lungs = np.ones(geometry.shape, np.uint8)
    lesions = np.zeros(geometry.shape, np.uint8)
    lesions[2:9, 4:7, 5:9] = 1
    lesions[11, 12:14, 15:17] = 1
    labels = number_lesions(lungs, lesions, geometry)
    return labels, measure_lesions(lungs, lesions, geometry).lesions


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_numbers_are_those_of_the_table_voxel_by_voxel(direction):
    geometry = make_geometry(direction)
    labels, lesions = two_lesions(geometry)
    assert [lesion.number for lesion in lesions] == [1, 2]
    assert (labels == 1).sum() == 7 * 3 * 4 and (labels == 2).sum() == 4
    assert labels[5, 5, 6] == 1 and labels[11, 12, 15] == 2


def test_only_the_largest_are_numbered_where_there_are_too_many():
    geometry = make_geometry()
    lungs = np.ones(geometry.shape, np.uint8)
    lesions = np.zeros(geometry.shape, np.uint8)
    lesions[2:9, 4:7, 5:9] = lesions[11, 12:14, 15:17] = 1
    assert set(np.unique(number_lesions(lungs, lesions, geometry, most=1))) == {0, 1}
    assert not number_lesions(lungs, np.zeros_like(lesions), geometry).any()


def test_every_lesion_is_a_segment_with_its_own_colour_where_it_lies(scene):
    geometry = make_geometry("oblique")
    ct = add_ct(scene, geometry)
    labels, lesions = two_lesions(geometry)
    node = show_instances(ct, labels, lesions, SEGMENTS)
    assert find_instances(ct) == (SEGMENTS, node)
    segmentation = node.GetSegmentation()
    assert segmentation.GetNumberOfSegments() == 2
    colors = set()
    for lesion in lesions:
        segment = segmentation.GetSegment(f"lesion-{lesion.number}")
        assert segment.GetName() == f"Lesion {lesion.number}, {lesion.region}"
        colors.add(segment.GetColor())
        image = segment.GetRepresentation("Binary labelmap")
        values = vtk_to_numpy(image.GetPointData().GetScalars())
        voxels = np.count_nonzero(values == segment.GetLabelValue())
        assert voxels == np.count_nonzero(labels == lesion.number)
        matrix = vtk.vtkMatrix4x4()
        image.GetImageToWorldMatrix(matrix)
        assert matrix_to_array(matrix) == pytest.approx(geometry.ijk_to_ras)
    assert len(colors) == 2


def test_segments_are_the_lesions_of_the_table_after_one_was_painted_over_its_lung(scene):
    geometry = make_geometry()
    ct = add_ct(scene, geometry)
    lungs = np.zeros(geometry.shape, np.uint8)
    lungs[1:13, 2:16, 2:20] = 1
    lesions = np.zeros_like(lungs)
    lesions[2:4, 3:5, 3:6] = 1
    severity = measure_severity(lungs, lesions, ("lesion",), geometry)
    result = replace(make_result(geometry), lungs=lungs, lesions=lesions, severity=severity)
    shown = show_result(ct, result, surfaces=False)
    node = shown.segmentationNode
    painted = np.zeros_like(lungs)
    painted[6:11, 8:14, 10:17] = 1
    for id_, voxels in (
        ("lesion", lesions | painted),
        ("right-lung", np.where(painted | lesions, 0, lungs)),  # an eraser took some out, too
    ):
        slicer.util.updateSegmentBinaryLabelmapFromArray(voxels.astype(np.uint8), node, id_, ct)
    before, after = (labelled_ct(one, ct, ("lesion",)) for one in (shown.predictionNode, node))
    now = measure_correction(before, after, ("lesion",), geometry, severity).severity
    assert [one.number for one in now.lesions] == [1]

    segments = show_instances_of_result(ct, node, now, SEGMENTS)
    voxels = slicer.util.arrayFromSegmentBinaryLabelmap(segments, "lesion-1", ct)
    np.testing.assert_array_equal(voxels, painted)


def test_one_label_map_has_a_colour_and_a_name_for_every_lesion(scene):
    geometry = make_geometry("flipped k")
    ct = add_ct(scene, geometry)
    composite = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    composite.SetBackgroundVolumeID(ct.GetID())
    labels, lesions = two_lesions(geometry)
    node = show_instances(ct, labels, lesions, LABEL_MAP)
    found = vtk_to_numpy(node.GetImageData().GetPointData().GetScalars())
    assert np.array_equal(found.reshape(geometry.shape), labels)
    colors = node.GetDisplayNode().GetColorNode()
    assert colors.GetColorName(2) == f"Lesion 2, {lesions[1].region}"
    assert composite.GetLabelVolumeID() == node.GetID()
    # The other form takes its place, and nothing is left of it.
    show_instances(ct, labels, lesions[:1], SEGMENTS)
    assert node.GetScene() is None and colors.GetScene() is None
    remove_instances(ct)
    assert find_instances(ct) is None
    assert not nodes_by_class(scene, "vtkMRMLSegmentationNode")


def test_the_console_shows_a_detection_with_the_classes_of_its_slices(scene):
    geometry = make_geometry()
    ct = add_ct(scene, geometry)
    labels, lesions = two_lesions(geometry)
    slices = tuple(
        SimpleNamespace(index=n, probabilities={"clean": 1 - n / 9, "infected": n / 9})
        for n in range(4)
    )
    found = SimpleNamespace(labels=labels, lesions=lesions, slices=slices)
    logic = COVIDLesionSegLogic()
    for _ in range(2):  # the second call takes the place of the first
        node, chart = logic.showDetection(ct, found)
    assert find_instances(ct, names.DETECTION_ROLE) == (SEGMENTS, node)
    assert find_instances(ct) is None  # the panel's own come and go beside it
    series = [
        one
        for one in nodes_by_class(scene, "vtkMRMLPlotSeriesNode")
        if one.GetAttribute(names.ROLE_ATTRIBUTE) == names.CLASSES_ROLE
    ]
    assert [one.GetName() for one in series] == ["clean", "infected"]
    assert chart.GetNumberOfPlotSeriesNodes() == 2
    table = series[1].GetTableNode().GetTable()
    assert table.GetValueByName(3, "infected").ToDouble() == pytest.approx(3 / 9)
    assert len(nodes_by_class(scene, "vtkMRMLTableNode")) == 1
    _, none = logic.showDetection(ct, SimpleNamespace(labels=labels, lesions=lesions, slices=()))
    assert none is None and not nodes_by_class(scene, "vtkMRMLPlotChartNode")
    other = SimpleNamespace(labels=labels[1:], lesions=lesions, slices=())
    with pytest.raises(InputError, match="found in another CT"):
        logic.showDetection(ct, other)
