"""What an annotator corrected and saved from Slicer is read back as labels to learn from."""

from __future__ import annotations

import numpy as np
import pytest
from fabricated import DIRECTIONS, add_ct, make_geometry, make_result

from COVIDLesionSegLib.engine.data.ct_table import VolumeData
from COVIDLesionSegLib.engine.data.masks import read_mask
from COVIDLesionSegLib.engine.data.training_data import read_training_data
from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.volume import write_volume
from COVIDLesionSegLib.engine.volume.segmentation_file import read_segments
from COVIDLesionSegLib.report.pseudo_labels import write_pseudo_labels

vtk = pytest.importorskip("vtk")
slicer = pytest.importorskip("slicer")


@pytest.fixture(scope="module")
def small_chest():
    return generate_chest_ct(size=(64, 52, 20), spacing=(5.0, 5.0, 14.0)).volume


def save(node, path, cropped=True):
    """As Slicer's Save does it, with its option to write the box of the segments only."""
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(path))
    storage.SetCropToMinimumExtent(cropped)
    assert storage.WriteData(node)


def correct(node, ct_node, segment_id, change):
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, ct_node)
    corrected = change(array.astype(bool))
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        corrected.astype(np.uint8), node, segment_id, ct_node
    )
    return corrected


@pytest.mark.parametrize("cropped", [True, False])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_segments_lie_on_the_voxels_of_their_ct_however_it_is_stored(
    scene, tmp_path, direction, cropped
):
    from COVIDLesionSegLib.scene.show import show_result

    geometry = make_geometry(direction)
    result = make_result(geometry, ("ground-glass opacity", "consolidation"))
    shown = show_result(add_ct(scene, geometry), result, surfaces=False)
    save(shown.segmentationNode, tmp_path / "a.seg.nrrd", cropped)
    found = {s.class_name: s.mask for s in read_segments(tmp_path / "a.seg.nrrd", geometry)}
    np.testing.assert_array_equal(found["right lung"], result.lungs == 1)
    np.testing.assert_array_equal(found["left lung"], result.lungs == 2)
    np.testing.assert_array_equal(found["ground-glass opacity"], result.lesions == 1)
    np.testing.assert_array_equal(found["consolidation"], result.lesions == 2)


@pytest.fixture
def corrected(scene, small_chest, tmp_path):
    """A generated CT, its segmentation with one slab of lesion rubbed out, and their table."""
    from COVIDLesionSegLib.scene.show import show_result

    geometry = small_chest.geometry
    result = make_result(geometry)
    ct_node = add_ct(scene, geometry)
    node = show_result(ct_node, result, surfaces=False).segmentationNode

    def rub_out(mask):
        mask = mask.copy()
        mask[: len(mask) // 3] = False
        return mask

    lesion = correct(node, ct_node, "lesion", rub_out)
    assert 0 < lesion.sum() < (result.lesions > 0).sum()
    write_volume(small_chest.array, geometry, tmp_path / "ct.nrrd")
    table = tmp_path / "cts.csv"
    table.write_text("ct,mask,patient\nct.nrrd,a.seg.nrrd,p1\n", encoding="utf-8")
    return node, ct_node, result, lesion, table


def test_a_correction_is_what_is_learned_from_with_its_own_lungs(corrected, small_chest):
    node, _, result, lesion, table = corrected
    save(node, table.parent / "a.seg.nrrd")
    axial = small_chest.order.to_axial
    (sample,) = VolumeData(table, Parameters()).read("p1", CancelToken())
    np.testing.assert_array_equal(sample.lesion, axial(lesion))
    np.testing.assert_array_equal(sample.lungs, axial(result.lungs))

    slices = read_training_data([], [], volumes=table, with_lungs=True).training
    with_lung = np.flatnonzero(axial(result.lungs).any(axis=(1, 2)))
    assert [item.name for item in slices] == [f"ct.nrrd_{index:03d}" for index in with_lung]
    for item, index in zip(slices, with_lung, strict=True):
        np.testing.assert_array_equal(item.image, small_chest.axial[index])
        np.testing.assert_array_equal(item.lesion, axial(lesion)[index])
        np.testing.assert_array_equal(item.lungs, axial(result.lungs)[index] > 0)


CLASSES = ("ground-glass opacity", "consolidation")


@pytest.mark.parametrize("direction", ["flipped in all axes", "oblique left-handed"])
def test_corrected_classes_are_told_apart_where_somebody_asks(scene, tmp_path, direction):
    from COVIDLesionSegLib.scene.show import show_result

    geometry = make_geometry(direction)
    result = make_result(geometry, CLASSES)
    ct_node = add_ct(scene, geometry)
    node = show_result(ct_node, result, surfaces=False).segmentationNode
    kept = np.arange(geometry.shape[1]) % 2 == 0
    correct(node, ct_node, "consolidation", lambda mask: mask & kept[:, None])
    save(node, tmp_path / "a.seg.nrrd")
    expected = result.lesions.copy()
    expected[(expected == 2) & ~kept[:, None]] = 0
    mask = read_mask(tmp_path / "a.seg.nrrd", geometry, CLASSES)
    np.testing.assert_array_equal(mask.lesion, expected)
    np.testing.assert_array_equal(mask.lungs, result.lungs)
    assert not mask.pseudo
    np.testing.assert_array_equal(read_mask(tmp_path / "a.seg.nrrd", geometry).lesion, expected > 0)


def test_lesions_of_no_class_are_boolean_whoever_asks_and_overlaps_go_to_the_later_class(
    scene, tmp_path
):
    from COVIDLesionSegLib.scene.show import show_result

    geometry = make_geometry()
    ct_node = add_ct(scene, geometry)
    single = show_result(ct_node, make_result(geometry), surfaces=False).segmentationNode
    save(single, tmp_path / "single.seg.nrrd")
    assert read_mask(tmp_path / "single.seg.nrrd", geometry, CLASSES).lesion.dtype == bool
    scene.Clear(False)
    ct_node, result = add_ct(scene, geometry), make_result(geometry, CLASSES)
    node = show_result(ct_node, result, surfaces=False).segmentationNode
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        (result.lesions > 0).astype(np.uint8), node, "consolidation", ct_node
    )
    save(node, tmp_path / "both.seg.nrrd")
    lesion = read_mask(tmp_path / "both.seg.nrrd", geometry, CLASSES).lesion
    np.testing.assert_array_equal(lesion, np.where(result.lesions > 0, 2, 0))


def test_pseudo_labels_are_an_experts_once_they_are_renamed_in_slicer(scene, tmp_path):
    geometry = make_geometry("oblique")
    labels = make_result(geometry, CLASSES).lesions
    write_pseudo_labels(labels, geometry, tmp_path / "a.seg.nrrd")
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(tmp_path / "a.seg.nrrd"))
    assert storage.ReadData(node)
    save(node, tmp_path / "b.seg.nrrd")
    unchecked = read_mask(tmp_path / "b.seg.nrrd", geometry, CLASSES)
    for name in CLASSES:
        segment_id = f"pseudo-{name.replace(' ', '-')}"
        node.GetSegmentation().GetSegment(segment_id).SetName(name)
    save(node, tmp_path / "c.seg.nrrd")
    checked = read_mask(tmp_path / "c.seg.nrrd", geometry, CLASSES)
    assert unchecked.pseudo and not checked.pseudo
    for mask in (unchecked, checked):
        np.testing.assert_array_equal(mask.lesion, labels)


def test_a_copy_of_the_lesions_beside_them_does_not_count(corrected):
    """Slicer's Segment Editor keeps a copy's tags; a re-run keeps corrections as such copies."""
    node, _, _, lesion, table = corrected
    segmentation = node.GetSegmentation()
    copy = slicer.vtkSegment()
    copy.DeepCopy(segmentation.GetSegment("right-lung"))
    copy.SetName("earlier")
    copy.SetTag("COVIDLesionSeg.class", "lesion")
    segmentation.AddSegment(copy, "lesion_1")
    save(node, table.parent / "a.seg.nrrd")
    (sample,) = VolumeData(table, Parameters()).read("p1", CancelToken())
    assert sample.lesion.sum() == lesion.sum()


def test_a_segmentation_of_another_ct_or_without_lesions_is_refused(corrected, scene):
    node, _, _, _, table = corrected
    save(node, table.parent / "a.seg.nrrd")
    other = make_geometry()
    with pytest.raises(InputError, match="does not lie on the grid of its CT"):
        read_segments(table.parent / "a.seg.nrrd", other)
    node.GetSegmentation().RemoveSegment("lesion")
    save(node, table.parent / "a.seg.nrrd")
    with pytest.raises(InputError, match="none called lesion or ground-glass opacity"):
        list(VolumeData(table, Parameters()).read("p1", CancelToken()))


def test_a_file_without_segments_is_refused(small_chest, tmp_path):
    write_volume(small_chest.array, small_chest.geometry, tmp_path / "a.seg.nrrd")
    with pytest.raises(InputError, match="holds no segments"):
        read_segments(tmp_path / "a.seg.nrrd", small_chest.geometry)
    (tmp_path / "b.seg.nrrd").write_bytes(b"no header")
    with pytest.raises(InputError, match="cannot be read as a segmentation"):
        read_segments(tmp_path / "b.seg.nrrd", small_chest.geometry)
