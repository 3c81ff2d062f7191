"""Masks of several lesion classes, as label maps and as segmentations, on any grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from scipy.spatial.transform import Rotation

from COVIDLesionSegLib.engine.data.ct_table import VolumeData
from COVIDLesionSegLib.engine.data.labelled import LabelledImage
from COVIDLesionSegLib.engine.data.masks import Placement, read_mask
from COVIDLesionSegLib.engine.data.training_data import read_training_data
from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.evaluation.evaluated_model import EvaluatedModel
from COVIDLesionSegLib.engine.evaluation.run import evaluate_models
from COVIDLesionSegLib.engine.lesions import lungs_with_lesions
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.volume import Geometry, write_volume
from COVIDLesionSegLib.report.pseudo_labels import write_pseudo_labels
from engine.crafted import GROUND_GLASS_AND_CONSOLIDATION as CLASSES
from engine.crafted import Pixelwise, make_card
from engine.volume_files import segmentation

GRIDS = {
    "axial": np.eye(3),
    "flipped": np.diag([-1.0, 1.0, -1.0]),
    "oblique": Rotation.from_euler("xyz", [17, -31, 98], degrees=True).as_matrix()
    @ np.diag([1, 1, -1]),
}


def grid(name="oblique"):
    return Geometry((9, 8, 7), (0.7, 0.9, 2.5), (-31.5, 12.25, 80.0), tuple(GRIDS[name].ravel()))


def labels(*values):
    """A row of voxels for each value, somewhere in the middle."""
    array = np.zeros(grid().shape, np.uint8)
    for row, value in enumerate(values, start=1):
        array[3, row, 2:6] = value
    return array


@pytest.fixture(params=GRIDS)
def geometry(request):
    return grid(request.param)


@pytest.mark.parametrize("name", ["mask.nrrd", "mask.nii.gz", "mask.mha"])
def test_a_label_map_tells_classes_apart_for_who_asks_and_takes_them_together_for_others(
    name, geometry, tmp_path
):
    write_volume(labels(1, 2), geometry, tmp_path / name)
    mask = read_mask(tmp_path / name, geometry, CLASSES)
    assert mask.lesion.dtype == np.uint8 and not mask.pseudo and mask.lungs is None
    np.testing.assert_array_equal(mask.lesion, labels(1, 2))
    together = read_mask(tmp_path / name, geometry)
    assert together.lesion.dtype == bool
    np.testing.assert_array_equal(together.lesion, labels(1, 2) > 0)


def test_a_label_map_of_one_label_above_1_is_of_that_class(tmp_path):
    write_volume(labels(2), grid(), tmp_path / "mask.nrrd")
    expected = {
        CLASSES: labels(2),
        CLASSES[1:]: labels(1) > 0,
        CLASSES[:1]: np.zeros(grid().shape, bool),
        ("lesion",): labels(1) > 0,
        ("lesion", "scar"): labels(2),
    }
    for classes, lesion in expected.items():
        found = read_mask(tmp_path / "mask.nrrd", grid(), classes).lesion
        np.testing.assert_array_equal(found, lesion)
        assert found.dtype == lesion.dtype


@pytest.mark.parametrize("value", [1, 255])
def test_a_label_map_of_one_label_is_lesion_of_any_class(value, tmp_path):
    write_volume(labels(value), grid(), tmp_path / "mask.nrrd")
    for classes in (("lesion",), CLASSES):
        lesion = read_mask(tmp_path / "mask.nrrd", grid(), classes).lesion
        assert lesion.dtype == bool
        np.testing.assert_array_equal(lesion, labels(1) > 0)


@pytest.mark.parametrize("classes", [("lesion",), CLASSES])
def test_a_label_that_is_no_class_is_refused_with_what_is_allowed(classes, tmp_path):
    write_volume(labels(1, 2, 3), grid(), tmp_path / "mask.nrrd")
    said = (
        r"The mask mask\.nrrd holds the label 3, but its labels must be 0 for no lesion, 1 for "
        "ground-glass opacity, 2 for consolidation, or a single label for lesion of any kind"
    )
    with pytest.raises(InputError, match=said):
        read_mask(tmp_path / "mask.nrrd", grid(), classes)


@pytest.mark.parametrize("name", ["pseudo.seg.nrrd", "pseudo.nrrd"])
def test_pseudo_labels_are_read_by_their_segments_and_known_as_such(name, geometry, tmp_path):
    write_pseudo_labels(labels(1, 2), geometry, tmp_path / name)
    mask = read_mask(tmp_path / name, geometry, CLASSES)
    np.testing.assert_array_equal(mask.lesion, labels(1, 2))
    assert mask.pseudo
    assert read_mask(tmp_path / name, geometry).lesion.dtype == bool


def test_ground_glass_alone_is_told_apart_by_the_name_of_its_segment(tmp_path):
    write_pseudo_labels(labels(1), grid(), tmp_path / "a.seg.nrrd")
    lesion = read_mask(tmp_path / "a.seg.nrrd", grid(), CLASSES).lesion
    assert lesion.dtype == np.uint8
    np.testing.assert_array_equal(lesion, labels(1))


def test_classes_are_numbered_as_who_asks_has_them(tmp_path):
    write_pseudo_labels(labels(1, 2), grid(), tmp_path / "a.seg.nrrd")
    lesion = read_mask(tmp_path / "a.seg.nrrd", grid(), CLASSES[::-1]).lesion
    np.testing.assert_array_equal(lesion, labels(2, 1))


# Lesions and lungs


def lungs_and_lesion():
    lungs = np.zeros(grid().shape, np.uint8)
    lungs[1:6, 1:7, 1:4] = 1
    lungs[1:6, 1:7, 5:8] = 2
    lesion = np.zeros(grid().shape, bool)
    lesion[2:4, 2:5, 1:3] = True  # within the right lung
    lesion[3, 3, 7] = True  # at the wall of the left one
    return lungs, lesion


def test_lesions_painted_over_the_lungs_belong_to_them_as_where_segments_may_overlap(tmp_path):
    """Slicer's Segment Editor takes a painted voxel from every other segment by default."""
    lungs, lesion = lungs_and_lesion()
    names = ("right lung", "left lung", "lesion")
    exclusive = read_mask(
        segmentation(
            tmp_path / "a.seg.nrrd", np.where(lesion, 3, lungs).astype(np.uint8), names, grid()
        ),
        grid(),
    )
    layers = [(lungs == 1).astype(np.uint8), (lungs == 2).astype(np.uint8), lesion.astype(np.uint8)]
    overlapping = read_mask(segmentation(tmp_path / "b.seg.nrrd", layers, names, grid()), grid())
    for mask in (exclusive, overlapping):
        np.testing.assert_array_equal(mask.lungs, lungs)
        np.testing.assert_array_equal(mask.lesion, lesion)


def test_a_lesion_that_touches_no_lung_stays_outside_and_one_between_both_is_shared():
    lungs = np.zeros((1, 7, 12), np.uint8)
    lungs[0, 1:6, 1:3], lungs[0, 1:6, 7:9] = 1, 2
    lesion = np.zeros(lungs.shape, bool)
    lesion[0, 3, 3:7] = True  # from one lung to the other
    lesion[0, 3, 10:] = True  # a pixel away from any
    whole = lungs_with_lesions(lungs, lesion, grid_of(lungs))
    assert list(whole[0, 3]) == [0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 0, 0]
    np.testing.assert_array_equal(whole[:, :3], lungs[:, :3])


def test_a_lesion_belongs_whole_to_the_only_lung_that_it_touches():
    lungs = np.zeros((1, 7, 12), np.uint8)
    lungs[0, 1:6, 1:3], lungs[0, 1:6, 8:10] = 1, 2
    lesion = np.zeros(lungs.shape, bool)
    lesion[0, 3, 3:7] = True  # ends a pixel before the left lung
    whole = lungs_with_lesions(lungs, lesion, grid_of(lungs))
    assert list(whole[0, 3]) == [0, 1, 1, 1, 1, 1, 1, 0, 2, 2, 0, 0]


@pytest.mark.parametrize(("slice_mm", "side"), [(1.0, 1), (8.0, 2)])
def test_a_lesion_between_both_lungs_goes_to_the_nearest_in_mm(slice_mm, side):
    lungs, lesion = np.zeros((4, 1, 8), np.uint8), np.zeros((4, 1, 8), bool)
    lungs[0, 0, :2], lungs[2, 0, 6:] = 1, 2
    lesion[2, 0, 1:6] = lesion[1, 0, 1] = True  # the middle is two slices below one lung
    geometry = Geometry((8, 1, 4), (1.0, 1.0, slice_mm), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    assert lungs_with_lesions(lungs, lesion, geometry)[2, 0, 2] == side


def grid_of(array):
    """A grid of cubes."""
    return Geometry(array.shape[::-1], (1, 1, 1), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))


@given(hnp.arrays(np.uint8, (4, 5, 6), elements=st.integers(0, 2)), hnp.arrays(bool, (4, 5, 6)))
def test_lungs_only_grow_by_lesions_and_keep_their_sides(lungs, lesion):
    cubes = grid_of(lungs)
    whole = lungs_with_lesions(lungs, lesion, cubes)
    np.testing.assert_array_equal(whole[lungs > 0], lungs[lungs > 0])
    added = (whole > 0) & (lungs == 0)
    assert not (added & ~lesion).any()
    assert set(np.unique(whole[added])) <= set(np.unique(lungs)) - {0}
    again = lungs_with_lesions(whole, lesion, cubes)
    np.testing.assert_array_equal(again > 0, whole > 0)
    cut = np.where(lesion, 0, lungs)
    parts, _ = ndimage.label(lesion, np.ones((3, 3, 3)))
    back = lungs_with_lesions(cut, lesion, cubes)
    touching = np.unique(parts[ndimage.binary_dilation(cut > 0, np.ones((3, 3, 3))) & lesion])
    np.testing.assert_array_equal(back > 0, (cut > 0) | np.isin(parts, touching[touching > 0]))


def test_an_inverted_mask_is_refused(tmp_path):
    write_volume((labels(1, 2) == 0).astype(np.uint8), grid(), tmp_path / "mask.nrrd")
    with pytest.raises(InputError, match=r"mask\.nrrd marks 98 % of all voxels .* inverted"):
        read_mask(tmp_path / "mask.nrrd", grid())


def test_the_share_of_lesions_outside_the_lungs_is_known_only_where_both_are():
    lungs, lesion = lungs_and_lesion()
    lesion[0] = True
    item = LabelledImage("a", "p", np.zeros(lungs.shape, np.float32), False, lesion, lungs)
    assert Placement([item]).outside == pytest.approx(72 / 85)
    assert Placement([item]).of_lungs == pytest.approx(13 / np.count_nonzero(lungs))
    for change in ({"lungs": None}, {"lesion": np.zeros_like(lesion)}, {"lungs": lungs * 0}):
        assert Placement([replace(item, **change)]).outside is None


# CTs with such masks


@pytest.fixture(scope="module", params=["RAI", "oblique"])
def case(request, tmp_path_factory):
    """A CT with its truth as label map and as pseudo-labels, and their tables."""
    orientation = GRIDS["oblique"] if request.param == "oblique" else request.param
    chest = generate_chest_ct(
        seed=5, size=(64, 52, 16), spacing=(5.0, 5.0, 17.0), orientation=orientation
    )
    folder, grid = tmp_path_factory.mktemp("case"), chest.volume.geometry
    write_volume(chest.volume.array, grid, folder / "ct.nrrd")
    write_volume(chest.lesions, grid, folder / "map.nrrd")
    write_pseudo_labels(chest.lesions, grid, folder / "pseudo.seg.nrrd")
    for kind, file in (("map", "map.nrrd"), ("pseudo", "pseudo.seg.nrrd")):
        (folder / f"{kind}.csv").write_text(f"ct,mask,patient\nct.nrrd,{file},p1\n")
    return chest, folder


@pytest.mark.parametrize("kind", ["map", "pseudo"])
def test_slices_to_learn_from_hold_the_class_of_every_pixel(kind, case):
    chest, folder = case
    slices = read_training_data([], [], volumes=folder / f"{kind}.csv", classes=CLASSES).training
    truth = chest.volume.order.to_axial(chest.lesions)
    shown = set()
    for item in slices:
        index = int(item.name.rsplit("_", 1)[1])
        np.testing.assert_array_equal(item.lesion, truth[index])
        np.testing.assert_array_equal(item.image, chest.volume.axial[index])
        assert item.pseudo == (kind == "pseudo")
        shown |= set(np.unique(item.lesion))
    assert shown == {0, 1, 2}


def test_a_model_is_judged_on_masks_of_several_classes_taken_together_but_not_on_pseudo_labels(
    case,
):
    chest, folder = case
    parameters = Parameters(device="cpu", precision="float32")
    model = EvaluatedModel([(make_card(), Pixelwise())], parameters)
    (sample,) = VolumeData(folder / "map.csv", parameters).read("p1", CancelToken())
    assert np.count_nonzero(sample.lesion) == np.count_nonzero(chest.lesions)
    (scores,) = evaluate_models(VolumeData(folder / "map.csv", parameters), [model]).models
    assert 0 < scores.pooled["dice"] < 1
    with pytest.raises(InputError, match="ct.nrrd has pseudo-labels, which nobody checked"):
        evaluate_models(VolumeData(folder / "pseudo.csv", parameters), [model])


@pytest.mark.parametrize("without_lesions", [False, True])
def test_a_map_of_the_lungs_given_as_lesions_is_refused_with_its_ct(without_lesions, case):
    chest, folder = case
    lungs = (chest.lungs > 0) & ~((chest.lesions > 0) & without_lesions)
    write_volume(lungs.astype(np.uint8), chest.volume.geometry, folder / "lungs.nrrd")
    (folder / "lungs.csv").write_text("ct,mask,patient\nct.nrrd,lungs.nrrd,p1\n")
    data = VolumeData(folder / "lungs.csv", Parameters())
    with pytest.raises(
        InputError, match=r"ct\.nrrd: The mask lungs\.nrrd marks .* map of the lungs"
    ):
        list(data.read("p1", CancelToken()))
