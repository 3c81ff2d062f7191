"""Results lie on the CT's voxels, whatever the CT's grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fabricated import DIRECTIONS, add_ct, make_geometry, make_result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.errors import InputError

vtk = pytest.importorskip("vtk")
slicer = pytest.importorskip("slicer")


def segment_array(node, segment_id, ct_node):
    return slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, ct_node)


def _ijk_to_ras(node):
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return matrix


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_segments_and_overlays_equal_the_result_voxel_for_voxel(scene, direction):
    from COVIDLesionSegLib.scene.show import show_result

    geometry = make_geometry(direction)
    ct_node = add_ct(scene, geometry)
    result = make_result(geometry, ("ground-glass opacity", "consolidation"), ensemble=True)
    shown = show_result(ct_node, result)

    for segment_id, expected in (
        ("right-lung", result.lungs == 1),
        ("left-lung", result.lungs == 2),
        ("ground-glass-opacity", result.lesions == 1),
        ("consolidation", result.lesions == 2),
    ):
        array = segment_array(shown.segmentationNode, segment_id, ct_node)
        assert expected.any()
        np.testing.assert_array_equal(array, expected)
    for node, values in (
        (shown.probabilityNode, result.probability),
        (shown.disagreementNode, result.disagreement),
    ):
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(node), values)
        matrix = slicer.util.arrayFromVTKMatrix(_ijk_to_ras(node))
        np.testing.assert_allclose(matrix, geometry.ijk_to_ras, atol=1e-6)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_segment_voxels_lie_where_the_geometry_says(scene, direction):
    """The positions come from the labelmap's own matrix, not by way of the CT."""
    from COVIDLesionSegLib.scene.images import matrix_to_array
    from COVIDLesionSegLib.scene.show import show_result

    geometry = make_geometry(direction)
    result = make_result(geometry)
    node = show_result(add_ct(scene, geometry), result).segmentationNode

    labelmap = slicer.vtkOrientedImageData()
    node.GetBinaryLabelmapRepresentation("lesion", labelmap)
    matrix = vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(matrix)
    extent = labelmap.GetExtent()
    inside = [
        (i, j, k, 1)
        for k in range(extent[4], extent[5] + 1)
        for j in range(extent[2], extent[3] + 1)
        for i in range(extent[0], extent[1] + 1)
        if labelmap.GetScalarComponentAsDouble(i, j, k, 0) == 1
    ]
    found = (matrix_to_array(matrix) @ np.array(inside).T)[:3]
    kji = np.argwhere(result.lesions == 1)
    expected = (geometry.ijk_to_ras @ np.column_stack([kji[:, ::-1], np.ones(len(kji))]).T)[:3]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_lesion_stays_part_of_its_lung(scene):
    from COVIDLesionSegLib.scene.show import show_result

    ct_node = add_ct(scene)
    result = make_result()
    node = show_result(ct_node, result).segmentationNode
    lesion = segment_array(node, "lesion", ct_node) > 0
    lungs = (segment_array(node, "right-lung", ct_node) > 0) | (
        segment_array(node, "left-lung", ct_node) > 0
    )
    assert lesion.any()
    assert lungs[lesion].all()


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    direction=st.sampled_from(sorted(DIRECTIONS)),
    spacing=st.tuples(*[st.floats(0.3, 8.0)] * 3),
    origin=st.tuples(*[st.floats(-900, 900)] * 3),
)
def test_node_gives_back_the_volume_it_was_made_from(scene, direction, spacing, origin):
    from COVIDLesionSegLib.engine.volume import same_grid
    from scene.read_nodes import volume_from_node

    geometry = make_geometry(direction, spacing, origin)
    node = add_ct(scene, geometry)
    volume = volume_from_node(node)
    np.testing.assert_array_equal(volume.array, slicer.util.arrayFromVolume(node))
    np.testing.assert_allclose(volume.geometry.ijk_to_ras, geometry.ijk_to_ras, atol=1e-6)
    assert same_grid(volume.geometry, geometry)


def test_volume_is_a_copy_that_the_node_does_not_share(scene):
    from scene.read_nodes import volume_from_node

    node = add_ct(scene)
    volume = volume_from_node(node)
    before = volume.array.copy()
    slicer.util.arrayFromVolume(node)[:] = 0
    np.testing.assert_array_equal(volume.array, before)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [("int16", "int16"), ("uint8", "int16"), ("uint16", "int16"), ("int32", "int16")]
    + [("float32", "float32"), ("float64", "float32")],
)
def test_scalar_types_become_int16_or_float32(scene, stored, expected):
    from scene.read_nodes import volume_from_node

    values = np.arange(24).reshape(2, 3, 4).astype(stored)
    volume = volume_from_node(slicer.util.addVolumeFromArray(values))
    assert volume.array.dtype == expected
    np.testing.assert_array_equal(volume.array, values)


def test_large_integers_are_not_wrapped(scene):
    from scene.read_nodes import volume_from_node

    values = np.full((2, 3, 4), 40000, np.int32)
    assert volume_from_node(slicer.util.addVolumeFromArray(values)).array.max() == 40000


def linear_transform(scene, matrix):
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    return transform


def test_results_follow_a_ct_under_a_rigid_transform(scene):
    from COVIDLesionSegLib.scene.show import show_result
    from scene.read_nodes import volume_from_node

    matrix = np.eye(4)
    matrix[:3, :3] = DIRECTIONS["oblique"]
    matrix[:3, 3] = 5, -40, 12
    ct_node = add_ct(scene)
    transform = linear_transform(scene, matrix)
    ct_node.SetAndObserveTransformNodeID(transform.GetID())

    geometry = volume_from_node(ct_node).geometry
    np.testing.assert_allclose(geometry.ijk_to_ras, matrix @ make_geometry().ijk_to_ras, atol=1e-6)
    result = make_result(geometry, ensemble=True)
    shown = show_result(ct_node, result)

    for node in (shown.segmentationNode, shown.probabilityNode, shown.disagreementNode):
        assert node.GetTransformNodeID() == transform.GetID()
    np.testing.assert_array_equal(
        segment_array(shown.segmentationNode, "lesion", ct_node), result.lesions == 1
    )


def test_a_shearing_transform_is_refused(scene):
    from scene.read_nodes import volume_from_node

    matrix = np.eye(4)
    matrix[1, 2] = 0.2
    ct_node = add_ct(scene)
    ct_node.SetAndObserveTransformNodeID(linear_transform(scene, matrix).GetID())
    with pytest.raises(InputError, match="not perpendicular"):
        volume_from_node(ct_node)


def test_a_nonlinear_transform_is_refused_with_the_way_out(scene):
    from scene.read_nodes import volume_from_node

    ct_node = add_ct(scene)
    transform = scene.AddNewNodeByClass("vtkMRMLGridTransformNode")
    ct_node.SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(InputError, match="[Hh]arden"):
        volume_from_node(ct_node)


def test_what_is_no_ct_is_refused(scene):
    from scene.read_nodes import volume_from_node

    with pytest.raises(InputError, match="choose a volume"):
        volume_from_node(None)
    with pytest.raises(InputError, match="label map"):
        volume_from_node(
            slicer.util.addVolumeFromArray(
                np.zeros((2, 3, 4), np.uint8), nodeClassName="vtkMRMLLabelMapVolumeNode"
            )
        )
    with pytest.raises(InputError, match="no voxels"):
        volume_from_node(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode"))
    with pytest.raises(InputError, match="choose a volume"):
        volume_from_node(scene.AddNewNodeByClass("vtkMRMLModelNode"))


def test_a_result_of_another_grid_is_refused_and_changes_nothing(scene):
    from COVIDLesionSegLib.scene.show import show_result

    ct_node = add_ct(scene)
    count = scene.GetNumberOfNodes()
    moved = make_geometry(origin=(0.0, 0.0, 0.0))
    with pytest.raises(InputError, match="segment it again"):
        show_result(ct_node, make_result(moved))
    short = replace(make_result(), disagreement=np.zeros((2, 3, 4), np.float32))
    with pytest.raises(InputError, match="segment it again"):
        show_result(ct_node, short)
    assert scene.GetNumberOfNodes() == count


def test_a_left_handed_file_keeps_its_voxels_in_place(scene, tmp_path):
    """Slicer reverses K of left-handed files on load; the node's geometry says where voxels are."""
    import SimpleITK as sitk

    from COVIDLesionSegLib.scene.show import show_result
    from scene.read_nodes import volume_from_node

    geometry = make_geometry("flipped k")
    array = np.random.default_rng(3).integers(-1000, 1000, geometry.shape).astype(np.int16)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(geometry.spacing)
    image.SetOrigin(geometry.origin)
    image.SetDirection(geometry.direction)
    sitk.WriteImage(image, str(tmp_path / "ct.nrrd"))

    ct_node = slicer.util.loadVolume(str(tmp_path / "ct.nrrd"))
    volume = volume_from_node(ct_node)
    for index in ((0, 0, 0), (3, 5, 7), (13, 17, 21)):
        position = geometry.ijk_to_ras @ [*index[::-1], 1]
        k_j_i = np.rint(np.linalg.inv(volume.geometry.ijk_to_ras) @ position)[:3][::-1].astype(int)
        assert volume.array[tuple(k_j_i)] == array[index]

    result = make_result(volume.geometry)
    node = show_result(ct_node, result).segmentationNode
    np.testing.assert_array_equal(segment_array(node, "lesion", ct_node), result.lesions == 1)


def test_a_result_is_not_taken_for_a_ct(scene, ct_node):
    from COVIDLesionSegLib.scene.show import show_result
    from COVIDLesionSegLib.scene.volumes import first_ct
    from scene.read_nodes import volume_from_node

    shown = show_result(ct_node, make_result(ensemble=True), surfaces=False)
    for node in (shown.probabilityNode, shown.disagreementNode):
        with pytest.raises(InputError, match="choose the CT"):
            volume_from_node(node)
    assert first_ct(scene) is ct_node
    ct_node.SetHideFromEditors(True)
    scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")
    assert first_ct(scene) is None


def matrix_of_whole(node):
    """IJK to RAS of a node whose extent starts at 0, as Slicer states it."""
    assert node.GetImageData().GetExtent()[0::2] == (0, 0, 0)
    return slicer.util.arrayFromVTKMatrix(_ijk_to_ras(node))


def cut_out(scene, whole, start):
    """A volume node with the part of ``whole`` from voxel ``start`` (i, j, k) on, indices kept."""
    last = whole.GetImageData().GetExtent()[1::2]
    cutter = vtk.vtkExtractVOI()
    cutter.SetInputData(whole.GetImageData())
    cutter.SetVOI([n for pair in zip(start, last, strict=True) for n in pair])
    cutter.Update()
    part = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "part")
    part.SetIJKToRASMatrix(_ijk_to_ras(whole))
    part.SetAndObserveImageData(cutter.GetOutput())
    return part


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("start", [(0, 0, 3), (5, 2, 1)])
def test_a_ct_cut_out_of_a_larger_one_keeps_its_place(scene, direction, start):
    """vtkExtractVOI leaves an extent that does not start at 0."""
    from COVIDLesionSegLib.scene.show import show_result
    from scene.read_nodes import volume_from_node

    whole = add_ct(scene, make_geometry(direction))
    part = cut_out(scene, whole, start)
    assert part.GetImageData().GetExtent()[0::2] == start

    volume = volume_from_node(part)
    i, j, k = start
    np.testing.assert_array_equal(volume.array, slicer.util.arrayFromVolume(whole)[k:, j:, i:])
    expected = make_geometry(direction).ijk_to_ras
    np.testing.assert_allclose(
        volume.geometry.ijk_to_ras @ [0, 0, 0, 1], expected @ [*start, 1], atol=1e-6
    )

    result = make_result(volume.geometry, ensemble=True)
    assert result.lesions.any()
    shown = show_result(part, result)
    for node in (shown.probabilityNode, shown.disagreementNode):
        overlay = matrix_of_whole(node)
        np.testing.assert_allclose(overlay, volume.geometry.ijk_to_ras, atol=1e-6)
    for reference in (part, shown.probabilityNode):
        np.testing.assert_array_equal(
            segment_array(shown.segmentationNode, "lesion", reference), result.lesions == 1
        )


@pytest.mark.parametrize("direction", ["axial", "oblique left-handed"])
def test_the_place_of_a_cut_out_ct_is_where_slicer_saves_it(scene, tmp_path, direction):
    import SimpleITK as sitk

    from scene.read_nodes import volume_from_node

    part = cut_out(scene, add_ct(scene, make_geometry(direction)), (5, 2, 1))
    assert slicer.util.saveNode(part, str(tmp_path / "part.nrrd"))
    saved = sitk.ReadImage(str(tmp_path / "part.nrrd"))
    lps = volume_from_node(part).geometry.ijk_to_lps
    for index in ((0, 0, 0), (3, 1, 2)):
        np.testing.assert_allclose(
            (lps @ [*index, 1])[:3], saved.TransformIndexToPhysicalPoint(index), atol=1e-4
        )


@pytest.mark.parametrize(
    "misplace",
    [
        lambda image: image.SetOrigin(7, 0, 0),
        lambda image: image.SetSpacing(1, 1, 2),
        lambda image: image.SetDirectionMatrix(-1, 0, 0, 0, -1, 0, 0, 0, 1),
    ],
)
def test_an_image_with_a_place_of_its_own_is_refused(scene, misplace):
    from scene.read_nodes import volume_from_node

    ct_node = add_ct(scene)
    misplace(ct_node.GetImageData())
    with pytest.raises(InputError, match="save the CT and load it again"):
        volume_from_node(ct_node)


def test_a_ct_that_lost_its_voxels_is_refused_when_its_result_comes(scene):
    from COVIDLesionSegLib.scene.show import show_result

    ct_node = add_ct(scene)
    ct_node.SetAndObserveImageData(None)
    with pytest.raises(InputError, match="no voxels"):
        show_result(ct_node, make_result())
