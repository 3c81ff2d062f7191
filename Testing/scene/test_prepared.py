"""What a worker hands over is what the scene would make itself, and arrives whole or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fabricated import DIRECTIONS, add_ct, make_geometry, make_result
from read_nodes import contents, node_ids, segment_array

from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.result import save_result
from COVIDLesionSegLib.engine.steps import finish
from COVIDLesionSegLib.engine.volume import Volume
from COVIDLesionSegLib.engine.volume.fingerprint import FINGERPRINT, fingerprint

pytestmark = pytest.mark.slow

slicer = pytest.importorskip("slicer")
vtk_to_numpy = pytest.importorskip("vtk.util.numpy_support").vtk_to_numpy

CLASSES = ("ground-glass opacity", "consolidation")


@pytest.fixture
def hand_over(tmp_path):
    """Writes a result as the worker does, and gives its folder."""
    from COVIDLesionSegLib.scene.labels import segments_of
    from COVIDLesionSegLib.scene.surfaces import save_surfaces
    from COVIDLesionSegLib.scene.volumes import ct_matrix

    def write(ct_node, result):
        matrix = np.reshape(ct_matrix(ct_node), (4, 4))
        folder = tmp_path / f"result-{len(list(tmp_path.iterdir()))}"
        return save_result(result, folder, lambda f: save_surfaces(segments_of(result), matrix, f))

    return write


def surfaces(node):
    """Points, normals and triangles of each segment."""
    segmentation = node.GetSegmentation()
    found = {}
    for index in range(segmentation.GetNumberOfSegments()):
        surface = segmentation.GetNthSegment(index).GetRepresentation("Closed surface")
        parts = [np.empty(0)] * 3
        if surface.GetNumberOfPolys():
            parts = [
                vtk_to_numpy(surface.GetPoints().GetData()),
                vtk_to_numpy(surface.GetPointData().GetNormals()),
                vtk_to_numpy(surface.GetPolys().GetConnectivityArray()),
            ]
        found[segmentation.GetNthSegmentID(index)] = parts
    return found


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_surfaces_of_the_worker_are_those_that_slicer_makes(scene, hand_over, direction):
    from COVIDLesionSegLib.scene.prepared import load_prepared
    from COVIDLesionSegLib.scene.show import show_result

    geometry = make_geometry(direction)
    ct_node = add_ct(scene, geometry)
    result = make_result(geometry, CLASSES)
    slicers = surfaces(show_result(ct_node, result).segmentationNode)
    folder = hand_over(ct_node, result)
    ours = surfaces(show_result(ct_node, finish(load_prepared(ct_node, folder))).segmentationNode)

    assert list(ours) == list(slicers)
    for segment_id, parts in slicers.items():
        assert len(parts[2])
        for one, other in zip(parts, ours[segment_id], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)


def test_what_was_handed_over_is_shown_as_what_was_computed_here(scene, ct_node, hand_over):
    from COVIDLesionSegLib.scene.prepared import load_prepared
    from COVIDLesionSegLib.scene.show import show_result

    result = make_result(ensemble=True)
    result = replace(result, lesions=np.zeros_like(result.lesions))
    here = contents(show_result(ct_node, result), ct_node)
    prepared = finish(load_prepared(ct_node, hand_over(ct_node, result)))
    shown = show_result(ct_node, prepared)

    assert contents(shown, ct_node) == here
    np.testing.assert_array_equal(
        slicer.util.arrayFromVolume(shown.disagreementNode), result.disagreement
    )


def test_loading_that_is_given_up_leaves_the_scene_alone(scene, ct_node, hand_over):
    from COVIDLesionSegLib.scene.prepared import load_prepared

    folder = hand_over(ct_node, make_result())
    ids = node_ids(scene)
    for count in range(20):
        steps = load_prepared(ct_node, folder)
        for _ in range(count):
            next(steps, None)
        steps.close()

    assert node_ids(scene) == ids


@pytest.mark.parametrize(
    "lost", ["result.json", "lungs.nrrd", "surfaces/0-points.npy", "surfaces/surfaces.json"]
)
def test_a_damaged_result_is_one_clear_error(scene, ct_node, hand_over, lost):
    from COVIDLesionSegLib.scene.prepared import load_prepared

    folder = hand_over(ct_node, make_result())
    content = (folder / lost).read_bytes()
    (folder / lost).write_bytes(content[: len(content) // 2])

    with pytest.raises(InputError, match="run again"):
        finish(load_prepared(ct_node, folder))


def test_a_ct_whose_transform_was_hardened_meanwhile_gets_no_result(scene, ct_node, hand_over):
    from COVIDLesionSegLib.scene.prepared import load_prepared
    from COVIDLesionSegLib.scene.show import show_result
    from scene.read_nodes import volume_from_node

    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    moved = np.eye(4)
    moved[:3, 3] = 5, 6, 7
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(moved))
    ct_node.SetAndObserveTransformNodeID(transform.GetID())
    geometry = volume_from_node(ct_node).geometry
    prepared = finish(load_prepared(ct_node, hand_over(ct_node, make_result(geometry))))
    ct_node.HardenTransform()

    with pytest.raises(InputError, match="moved"):
        show_result(ct_node, prepared)


def test_what_is_corrected_while_a_result_is_loaded_is_kept(scene, ct_node, hand_over):
    from read_nodes import correct

    from COVIDLesionSegLib.scene.prepared import load_prepared
    from COVIDLesionSegLib.scene.show import show_result

    node = show_result(ct_node, make_result()).segmentationNode
    prepared = finish(load_prepared(ct_node, hand_over(ct_node, make_result(seed=1))))
    mine = correct(node, "lesion", ct_node)
    show_result(ct_node, prepared)

    np.testing.assert_array_equal(segment_array(node, "lesion-corrected", ct_node), mine)


def test_a_segment_that_shares_the_image_of_a_result_is_untouched_by_rerun_and_undo(scene, ct_node):
    from COVIDLesionSegLib.scene.show import show_result

    first = make_result()
    node = show_result(ct_node, first).segmentationNode
    segmentation = node.GetSegmentation()
    segmentation.AddEmptySegment("nodule", "my nodule")
    lesion, nodule = segmentation.GetSegment("lesion"), segmentation.GetSegment("nodule")
    shared = lesion.GetRepresentation("Binary labelmap")
    nodule.AddRepresentation("Binary labelmap", shared)
    nodule.SetLabelValue(9)
    voxels = vtk_to_numpy(shared.GetPointData().GetScalars())
    voxels[np.flatnonzero(voxels == 0)[:50]] = 9
    shared.Modified()
    mine = segment_array(node, "nodule", ct_node).copy()
    assert mine.sum() == 50

    again = show_result(ct_node, make_result(seed=1))
    np.testing.assert_array_equal(segment_array(node, "nodule", ct_node), mine)
    mine[7, 7, 7] = 1 - mine[7, 7, 7]
    slicer.util.updateSegmentBinaryLabelmapFromArray(mine, node, "nodule", ct_node)
    again.undo()
    np.testing.assert_array_equal(segment_array(node, "nodule", ct_node), mine)
    np.testing.assert_array_equal(segment_array(node, "lesion", ct_node), first.lesions == 1)


def test_undo_takes_away_the_copy_of_a_correction_and_brings_the_correction_back(scene, ct_node):
    from read_nodes import correct

    from COVIDLesionSegLib.scene.segmentation import segment_ids
    from COVIDLesionSegLib.scene.show import show_result
    from scene.read_nodes import is_corrected

    node = show_result(ct_node, make_result()).segmentationNode
    mine = correct(node, "lesion", ct_node)
    again = show_result(ct_node, make_result(seed=1))
    assert segment_ids(node)[-1] == "lesion-corrected"
    correct(node, "lesion", ct_node)
    again.undo()

    assert segment_ids(node) == ["right-lung", "left-lung", "lesion"]
    np.testing.assert_array_equal(segment_array(node, "lesion", ct_node), mine)
    assert is_corrected(node) is True


def test_a_removed_segment_comes_back_at_its_place(scene, ct_node):
    from COVIDLesionSegLib.scene.segmentation import segment_ids
    from COVIDLesionSegLib.scene.show import show_result

    node = show_result(ct_node, make_result(classes=CLASSES)).segmentationNode
    before = segment_ids(node)
    show_result(ct_node, make_result(seed=1)).undo()

    assert segment_ids(node) == before


def made_from(ct_node):
    """A result that says that it was made from what the node holds now, as a run reads it."""
    from COVIDLesionSegLib.engine.volume import check_chest_ct
    from scene.read_nodes import volume_from_node

    volume = check_chest_ct(volume_from_node(ct_node))
    result = make_result(volume.geometry)
    facts = {**result.provenance, "input": {FINGERPRINT: fingerprint(volume)}}
    return replace(result, provenance=facts)


def change(ct_node):
    slicer.util.arrayFromVolume(ct_node)[5, 5, 5] += 1
    slicer.util.arrayFromVolumeModified(ct_node)


@pytest.mark.parametrize(
    "when", ["while the run goes on", "while it is read", "before it is shown"]
)
def test_a_result_is_not_shown_on_voxels_that_it_was_not_made_from(scene, ct_node, hand_over, when):
    from COVIDLesionSegLib.scene.prepared import load_prepared
    from COVIDLesionSegLib.scene.show import show_result

    folder = hand_over(ct_node, made_from(ct_node))
    ids = node_ids(scene)
    steps = load_prepared(ct_node, folder)
    if when == "while it is read":
        next(steps)
    if when != "before it is shown":
        change(ct_node)
        with pytest.raises(InputError, match="moved or replaced since it was segmented"):
            finish(steps)
        return
    prepared = finish(steps)
    change(ct_node)
    with pytest.raises(InputError, match="moved or replaced since it was segmented"):
        show_result(ct_node, prepared)
    assert node_ids(scene) == ids


def test_voxels_that_only_count_as_modified_do_not_keep_a_result_from_being_shown(
    scene, ct_node, hand_over
):
    from COVIDLesionSegLib.scene.prepared import load_prepared
    from COVIDLesionSegLib.scene.show import show_result

    result = made_from(ct_node)
    prepared = finish(load_prepared(ct_node, hand_over(ct_node, result)))
    slicer.util.arrayFromVolumeModified(ct_node)
    assert show_result(ct_node, prepared).provenance["input"] == result.provenance["input"]


@pytest.mark.parametrize("stored", ["int16", "float32", "float64", "int32"])
def test_a_ct_with_padding_of_any_type_is_the_one_that_its_result_was_made_from(scene, stored):
    from COVIDLesionSegLib.scene.show import show_result
    from COVIDLesionSegLib.scene.volumes import set_voxels, volume_to_node

    geometry = make_geometry("oblique")
    array = np.random.default_rng(3).integers(-1024, 1500, geometry.shape)
    array[:, :3] = -3024
    ct_node = volume_to_node(Volume(array.astype(np.int16), geometry), "padded")
    set_voxels(ct_node, array.astype(stored), geometry.ijk_to_ras)
    result = made_from(ct_node)
    shown = show_result(ct_node, result)
    assert shown.provenance["input"] == result.provenance["input"]
    change(ct_node)
    with pytest.raises(InputError, match="moved or replaced"):
        show_result(ct_node, result)
