"""Lungs that are given: checked, used as they are, and said to be given."""

from __future__ import annotations

import numpy as np
import pytest

from COVIDLesionSegLib.engine.errors import InputError, LungsNotFoundError
from COVIDLesionSegLib.engine.labels import CLASSES, LUNG_STYLES, class_style
from COVIDLesionSegLib.engine.lobes import lung_of
from COVIDLesionSegLib.engine.lungs.given import GivenLungs, read_lungs, with_lesions
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.pipeline import find_lungs, segment
from COVIDLesionSegLib.engine.steps import finish
from COVIDLesionSegLib.engine.volume import Geometry, write_volume
from COVIDLesionSegLib.engine.volume.placed_labels import PlacedLabels, labels_on_grid

THRESHOLD = 0.02


@pytest.fixture(scope="module")
def chest():
    return generate_chest_ct(seed=3, size=(96, 96, 4), spacing=(3.4, 3.4, 60.0), orientation="RIP")


@pytest.mark.slow
def test_lesions_are_found_in_the_given_lungs_and_nowhere_else(chest):
    whole = segment(chest.volume, Parameters(threshold=THRESHOLD))
    assert (whole.lesions[whole.lungs == 1] > 0).any()
    left = np.where(whole.lungs == 2, 2, 0)
    result = segment(chest.volume, Parameters(threshold=THRESHOLD), lungs=left)

    np.testing.assert_array_equal(result.lungs, left)
    assert not result.lesions[left == 0].any()
    assert result.provenance["lungs"] == {"method": "given"}
    codes = [flag.code for flag in result.flags]
    assert "lungs-given" in codes and "lung-missing" in codes
    assert result.severity.regions[0].ratio is None


@pytest.mark.slow
def test_the_lungs_that_were_found_and_given_back_give_the_same_lesions(chest):
    whole = segment(chest.volume, Parameters(threshold=THRESHOLD))
    lungs = find_lungs(chest.volume, Parameters()).lungs
    np.testing.assert_array_equal(lungs, whole.lungs)
    result = segment(chest.volume, Parameters(threshold=THRESHOLD), lungs=lungs)

    np.testing.assert_array_equal(result.lesions, whole.lesions)
    np.testing.assert_array_equal(result.probability, whole.probability)


def test_lungs_alone_have_no_lesions_and_no_grade(chest):
    result = find_lungs(chest.volume, Parameters())

    assert result.classes == () and not result.lesions.any()
    assert result.severity.category is None
    assert result.provenance["models"] == {}


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        (lambda lungs: lungs[:-1], InputError, "size"),
        (lambda lungs: lungs * 4, InputError, "label 4"),
        (lambda lungs: (lungs > 0) * 3, LungsNotFoundError, "empty"),
        (lambda lungs: lungs * 0, LungsNotFoundError, "empty"),
    ],
)
def test_what_cannot_be_the_lungs_is_refused(chest, change, error, sentence):
    with pytest.raises(error, match=sentence):
        GivenLungs(change(chest.lungs.copy()), chest.volume)


def test_a_label_map_is_read_on_the_grid_of_the_ct_only(chest, tmp_path):
    path = tmp_path / "lungs.nii.gz"
    geometry = chest.volume.geometry
    write_volume(chest.lungs, geometry, path)
    np.testing.assert_array_equal(read_lungs(path, geometry), chest.lungs)

    moved = Geometry(geometry.size, geometry.spacing, (0.0, 0.0, 0.0), geometry.direction)
    with pytest.raises(InputError, match="grid"):
        read_lungs(path, moved)


def save_segments(path, geometry, masks: dict[str, np.ndarray], tags: dict[str, str]) -> None:
    """As 3D Slicer does: a single layer, a label for each segment."""
    array = np.zeros(geometry.shape, np.uint8)
    header = {}
    for number, (name, mask) in enumerate(masks.items()):
        array[mask] = number + 1
        header |= {
            f"Segment{number}_ID": f"Segment_{number}",
            f"Segment{number}_Name": name,
            f"Segment{number}_Layer": "0",
            f"Segment{number}_LabelValue": str(number + 1),
            f"Segment{number}_Tags": f"TerminologyEntry:{tags.get(name, '')}|",
        }
    write_volume(array, geometry, path, header=header)


def test_a_saved_segmentation_is_read_by_its_codes_whatever_it_is_called(chest, tmp_path):
    path = tmp_path / "mine.seg.nrrd"
    upper = np.zeros(chest.lungs.shape, bool)
    upper[:, :40] = True
    lobe = LUNG_STYLES[2].terminology.replace("39607008^Lung", "45653009^Upper lobe of lung")
    masks = {
        "Segment_1": (chest.lungs == 2) & upper,
        "left lung": chest.lungs == 1,
        "rest": (chest.lungs == 2) & ~upper,
        "trachea": chest.lungs == 0,
    }
    tags = {
        "Segment_1": lobe,
        "left lung": LUNG_STYLES[1].terminology,
        "rest": LUNG_STYLES[2].terminology,
    }
    save_segments(path, chest.volume.geometry, masks, tags)
    np.testing.assert_array_equal(read_lungs(path, chest.volume.geometry), chest.lungs)

    save_segments(path, chest.volume.geometry, masks, {})
    with pytest.raises(InputError, match="coded"):
        read_lungs(path, chest.volume.geometry)


@pytest.mark.parametrize("label", LUNG_STYLES)
def test_the_lungs_of_this_software_are_known_by_their_codes(label):
    assert lung_of(LUNG_STYLES[label].terminology) == label


@pytest.mark.parametrize("terminology", ["", "right lung", "a~b~SCT^39607008^Lung~^^"])
def test_without_a_side_a_lung_is_none_of_both(terminology):
    assert lung_of(terminology) is None


def test_labels_on_a_finer_grid_fall_on_the_voxels_that_hold_their_centres():
    coarse = Geometry((3, 4, 5), (2.0, 2.0, 2.0), (1.0, 2.0, 3.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    fine = Geometry((9, 12, 15), (2 / 3,) * 3, (1 / 3, 4 / 3, 7 / 3), coarse.direction)
    expected = np.random.default_rng(0).integers(0, 3, coarse.shape).astype(np.uint8)
    voxels = expected.repeat(3, 0).repeat(3, 1).repeat(3, 2) * 5
    image = PlacedLabels(voxels, fine.ijk_to_ras, {5: "a", 10: "b"})
    found = finish(labels_on_grid([image], {"a": 1, "b": 2}, coarse))

    np.testing.assert_array_equal(found, expected)


def test_parts_that_overlap_much_are_refused_and_copies_are_not():
    grid = Geometry((3, 4, 5), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    voxels = np.ones(grid.shape, np.uint8)
    right = PlacedLabels(voxels, grid.ijk_to_ras, {1: "right"})
    left = PlacedLabels(voxels, grid.ijk_to_ras, {1: "left"})
    labels = {"right": 1, "left": 2}

    assert (finish(labels_on_grid([right, right], labels, grid)) == 1).all()
    with pytest.raises(InputError, match="overlap"):
        finish(labels_on_grid([right, left], labels, grid))


def test_lesions_that_were_painted_over_the_lungs_are_part_of_them(chest):
    painted = chest.lungs.copy()
    lesions = (chest.lesions > 0) & (chest.lungs > 0)
    assert {1, 2} <= set(np.unique(chest.lungs[lesions]))
    painted[lesions] = 3
    outside = np.zeros_like(lesions)
    outside[0, 0, :3] = True
    assert not chest.lungs[outside].any()
    painted[outside] = 3
    lungs = GivenLungs(painted, chest.volume)
    hu = chest.volume.order.to_axial(chest.volume.array).astype(np.float32)
    axial = lungs.extract(hu, (60.0, 3.4, 3.4)).labels
    np.testing.assert_array_equal(axial, chest.volume.order.to_axial(chest.lungs))


def test_lesions_are_known_by_their_codes(chest, tmp_path):
    path = tmp_path / "painted.seg.nrrd"
    lesions = (chest.lesions > 0) & (chest.lungs > 0)
    masks = {"a": (chest.lungs == 1) & ~lesions, "b": (chest.lungs == 2) & ~lesions, "c": lesions}
    tags = {name: LUNG_STYLES[label].terminology for label, name in ((1, "a"), (2, "b"))}
    save_segments(path, chest.volume.geometry, masks, tags)
    cut = read_lungs(path, chest.volume.geometry)
    np.testing.assert_array_equal(cut, np.where(lesions, 0, chest.lungs))

    for style in (class_style(CLASSES[0]), class_style(CLASSES[1]), class_style("lesion")):
        tags["c"] = style.terminology
        save_segments(path, chest.volume.geometry, masks, tags)
        read = read_lungs(path, chest.volume.geometry)
        np.testing.assert_array_equal(with_lesions(read, chest.volume.geometry), chest.lungs)
