"""Pseudo-labels: the thesis' constants and steps, on generated chest CTs of every kind of grid."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.vq import kmeans2

from COVIDLesionSegLib.engine.errors import Cancelled
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.self_training import pseudo_labels as thesis
from COVIDLesionSegLib.engine.self_training.pseudo_labels import (
    disk_element,
    line_element,
    pseudo_labels,
)

FINE = {"size": (216, 168, 16), "spacing": (1.5, 1.5, 18.0)}


def labelled(phantom):
    """Pseudo-labels within the true lungs, and the true lesions, both on the CT's stored grid."""
    volume = phantom.volume
    lungs = volume.order.to_axial(phantom.lungs)
    found = pseudo_labels(volume.axial, lungs, volume.axial_spacing)
    return volume.on_grid(found), phantom.lesions


def dice(first, second):
    return (
        2 * np.count_nonzero(first & second) / (np.count_nonzero(first) + np.count_nonzero(second))
    )


def test_constants_are_those_of_the_thesis():
    """Section 4.4.1, steps 1, 5 and 6."""
    low, high = thesis.NORMALISED_HU
    assert (low, high, thesis.THRESHOLD_HU) == (-1000.0, 400.0, -170.0)
    assert (thesis.THRESHOLD_HU - low) / (high - low) == pytest.approx(0.592857, abs=1e-6)
    assert len(thesis.CLUSTERS_FROM_HU) == 3
    assert (thesis.LINE_LENGTH, thesis.LINE_DEGREES) == (8, 50)


def test_elements_are_those_of_matlab_on_pixels_of_the_thesis():
    """``strel('line', 8, 50)`` is 7 x 5 and rises to the right, ``strel('disk', 6)`` 11 x 11."""
    line = line_element((0.75, 0.75))
    assert line.shape == (7, 5) and line.sum() == 7
    assert line[0, 4] and line[3, 2] and line[6, 0] and not line[0, 0]
    disk = disk_element((0.75, 0.75))
    corner = ~disk[:3, :3]
    np.testing.assert_array_equal(corner, [[1, 1, 0], [1, 0, 0], [0, 0, 0]])
    assert disk.shape == (11, 11) and disk.sum() == 121 - 4 * 3


@pytest.mark.parametrize("pixel_mm", [(0.375, 0.375), (0.75, 1.5), (2.6, 2.6), (9.0, 9.0)])
def test_elements_keep_their_size_in_mm_and_are_odd_and_symmetric(pixel_mm):
    for element, reach_mm in (
        (line_element(pixel_mm), np.array([2.68, 2.25]) * 0.75),
        (disk_element(pixel_mm), np.array([5, 5]) * 0.75),
    ):
        np.testing.assert_array_equal(element, element[::-1, ::-1])
        half = (np.array(element.shape) - 1) // 2 * pixel_mm
        assert (np.array(element.shape) % 2 == 1).all()
        assert (np.abs(half - reach_mm) <= np.array(pixel_mm)).all()


def test_ground_glass_and_consolidation_are_told_apart_on_a_chest():
    found, truth = labelled(generate_chest_ct(seed=1, **FINE))
    assert dice(found == 1, truth == 1) > 0.9
    assert dice(found == 2, truth == 2) > 0.8
    assert found.dtype == np.uint8


def test_ground_glass_without_consolidation_is_not_called_consolidation():
    found, truth = labelled(generate_chest_ct(seed=1, ground_glass=0.3, consolidation=0, **FINE))
    assert dice(found == 1, truth == 1) > 0.9
    assert np.count_nonzero(found == 2) < 0.001 * truth.size


def test_a_healthy_lung_stays_nearly_empty():
    """k-means alone would find its three clusters in any lung."""
    phantom = generate_chest_ct(seed=1, ground_glass=0, consolidation=0, **FINE)
    found, _ = labelled(phantom)
    assert np.count_nonzero(found) < 0.01 * np.count_nonzero(phantom.lungs)


def rotated(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


@pytest.mark.parametrize(
    ("orientation", "spacing"),
    [("RAI", (3, 3, 6)), ("SPL", (3, 3, 6)), (rotated(20), (3, 3, 6)), ("LPS", (2, 4, 9))],
    ids=["flipped", "sagittal", "oblique", "anisotropic"],
)
def test_labels_lie_on_the_lesions_on_any_grid(orientation, spacing):
    size = tuple(
        round(extent / step) for extent, step in zip((320, 260, 280), spacing, strict=True)
    )
    phantom = generate_chest_ct(seed=2, size=size, spacing=spacing, orientation=orientation)
    found, truth = labelled(phantom)
    assert found.shape == phantom.volume.geometry.shape
    assert dice(found > 0, truth > 0) > 0.8


def test_the_way_a_grid_is_stored_changes_no_label():
    straight = generate_chest_ct(seed=2, size=(80, 80, 30), spacing=(3.6, 3.6, 8))
    turned = generate_chest_ct(seed=2, size=(80, 80, 30), spacing=(3.6, 3.6, 8), orientation="IRA")
    first, second = (
        phantom.volume.order.to_axial(labelled(phantom)[0]) for phantom in (straight, turned)
    )
    np.testing.assert_array_equal(first, second)


def test_a_part_of_the_voxels_is_enough_to_find_the_clusters(monkeypatch):
    phantom = generate_chest_ct(seed=1, **FINE)
    by_all = labelled(phantom)[0]
    monkeypatch.setattr(thesis, "MOST_VOXELS", 5000)
    assert dice(labelled(phantom)[0] > 0, by_all > 0) > 0.99


def test_labels_stay_within_the_lungs_and_two_runs_agree():
    phantom = generate_chest_ct(seed=4, size=(80, 80, 30), spacing=(3.6, 3.6, 8))
    first, second = labelled(phantom)[0], labelled(phantom)[0]
    np.testing.assert_array_equal(first, second)
    assert first.any() and not first[phantom.lungs == 0].any()


def slab(hu, shape=(2, 60, 60)):
    """A lung of -850 HU with a square of 20 x 20 pixels of ``hu``, and the lungs' mask."""
    image = np.random.default_rng(0).normal(-850, 15, shape)
    image[:, 20:40, 20:40] = hu
    return image, np.ones(shape, np.uint8)


@pytest.mark.parametrize(
    ("hu", "expected"), [(-820, 0), (-701, 0), (-650, 1), (-400, 1), (-180, 1), (-160, 2), (40, 2)]
)
def test_density_decides_the_class(hu, expected):
    """Up to -700 HU well aerated; above the thesis' -170 HU as dense as soft tissue."""
    found = pseudo_labels(*slab(hu), (5.0, 0.75, 0.75))
    assert (found[:, 25:35, 25:35] == expected).all()
    assert not found[:, :15].any()


def test_a_thin_vessel_goes_and_a_hole_in_ground_glass_is_closed():
    """Step 6: the line of 7 x 5 pixels does not fit into the one, the disk not into the other."""
    image, lungs = slab(-450)
    image[:, 5:9, :] = 40
    image[:, 28:32, 28:32] = -850
    found = pseudo_labels(image, lungs, (5.0, 0.75, 0.75))
    assert not found[:, :15].any()
    assert (found[:, 28:32, 28:32] == 1).all()


def test_tissue_of_one_density_and_no_lungs_at_all_give_no_labels():
    image, lungs = slab(-850)
    assert not pseudo_labels(np.full_like(image, -900), lungs, (5.0, 0.75, 0.75)).any()
    assert not pseudo_labels(image, np.zeros_like(lungs), (5.0, 0.75, 0.75)).any()


def test_a_cancelled_job_stops():
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        pseudo_labels(*slab(-450), (5.0, 0.75, 0.75), cancel)


def test_by_the_rule_of_the_thesis_the_densest_of_three_clusters_of_a_slice_is_ground_glass():
    """Section 4.4.1, steps 4 and 5, against SciPy's k-means on every pixel of the masked slice."""
    image, lungs = slab(-450, (1, 60, 60))
    image[0, 5:18, 5:18] = 20
    lungs[:, :, 45:] = 0
    image = np.rint(image)
    low, high = thesis.NORMALISED_HU
    unit = np.where(lungs > 0, np.clip(image, low, high), low)
    inside = image[lungs > 0]
    start = np.array([low, np.median(inside), np.percentile(inside, 95)])
    centres, cluster = kmeans2(unit.ravel()[:, None], start[:, None], iter=25, minit="matrix")
    assert centres[2] == centres.max()
    expected = (cluster == 2).reshape(image.shape)
    np.testing.assert_array_equal(thesis._densest(image[0], lungs[0] > 0), expected[0])
    found = pseudo_labels(image, lungs, (5.0, 0.75, 0.75), rule="thesis")
    assert set(np.unique(found)) == {0, 1}
    assert (found[expected] == 1).mean() > 0.8


def test_each_slice_has_clusters_of_its_own_by_the_rule_of_the_thesis():
    """So a healthy slice has a densest cluster, too, which is why the default rule has bounds."""
    image, lungs = slab(-820)
    image[1, 20:40, 20:40] = 40
    by_thesis = pseudo_labels(image, lungs, (5.0, 0.75, 0.75), rule="thesis")
    assert (by_thesis[:, 25:35, 25:35] == 1).all()
    by_density = pseudo_labels(image, lungs, (5.0, 0.75, 0.75))
    assert not by_density[0].any() and (by_density[1, 25:35, 25:35] == 2).all()
