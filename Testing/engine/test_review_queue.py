"""The review queue: slices whose doubt is known come in the right order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.flags import Flag
from COVIDLesionSegLib.engine.review.queue import MOST, doubt_ml, measure_slices, review_queue
from COVIDLesionSegLib.engine.severity import measure_severity
from COVIDLesionSegLib.engine.volume import AxialOrder, Geometry

SPACING = (2.0, 1.0, 8.0)
AXES = {
    "axial": (1, 0, 0, 0, 1, 0, 0, 0, 1),
    "upside down": (1, 0, 0, 0, -1, 0, 0, 0, -1),
    "sagittal": (0, 0, 1, 1, 0, 0, 0, 1, 0),
}
PIXEL_MM2 = 2.0
"""Of an axial slice of the axial grid."""


def on_grid(axial: np.ndarray, direction: str = "axial") -> tuple[np.ndarray, Geometry]:
    """An axial array (z, y, x) as it is stored on a grid with these axes."""
    grid = Geometry((1, 1, 1), SPACING, (0.0, 0.0, 0.0), AXES[direction])
    stored = np.ascontiguousarray(AxialOrder.of(grid).to_stored(axial))
    return stored, replace(grid, size=stored.shape[::-1])


def slices_of(probability, threshold=0.5, disagreement=None, flags=(), direction="axial"):
    stored, geometry = on_grid(probability, direction)
    lungs = np.ones_like(stored, np.uint8)
    lesions = (stored > threshold).astype(np.uint8)
    votes = None if disagreement is None else on_grid(disagreement, direction)[0]
    severity = measure_severity(lungs, lesions, ("lesion",), geometry, votes)
    return measure_slices(stored, threshold, geometry, severity, flags, votes)


def blank(slices: int = 6) -> np.ndarray:
    return np.zeros((slices, 20, 20), np.float32)


def test_uncertain_area_counts_pixels_by_how_near_they_are_to_the_threshold():
    probability = blank()
    probability[2, :10, :10] = 0.5  # in full
    probability[3, :10, :10] = 0.625  # half
    probability[4, :10, :10] = 0.99  # not at all
    areas = [one.uncertain_mm2 for one in slices_of(probability)]
    assert areas == pytest.approx([0, 0, 100 * PIXEL_MM2, 50 * PIXEL_MM2, 0, 0], abs=1e-3)


@pytest.mark.parametrize("threshold", [0.01, 0.1, 0.5, 0.9])
def test_what_is_outside_the_lungs_is_never_uncertain(threshold):
    assert all(one.uncertain_mm2 == 0 for one in slices_of(blank(), threshold))


def test_the_slice_with_the_most_in_doubt_comes_first():
    probability = blank()
    probability[1, :8, :8] = 0.55
    probability[4, :16, :16] = 0.55
    probability[2, :2, :2] = 0.55  # too small to matter
    queue = review_queue(slices_of(probability)).slices
    assert [one.index for one in queue] == [4, 1]


def test_disagreement_counts_as_doubt():
    probability, disagreement = blank(), blank()
    probability[1, :10, :10] = 0.5
    disagreement[3, :20, :20] = 0.75
    slices = slices_of(probability, disagreement=disagreement)
    assert slices[3].disagreement_mm2 == pytest.approx(300 * PIXEL_MM2)
    assert [slice_.index for slice_ in review_queue(slices).slices] == [3, 1]
    assert doubt_ml(slices, on_grid(probability)[1]) == pytest.approx(400 * PIXEL_MM2 * 8.0 / 1000)
    assert slices_of(probability)[3].disagreement_mm2 is None


def test_flagged_slices_come_before_all_others():
    probability = blank()
    probability[1, :18, :18] = 0.5
    flags = (Flag("lung-gap", "Look.", slices=(5, 1)), Flag("cut", "Look.", slices=(5,)))
    queue = review_queue(slices_of(probability, flags=flags)).slices
    assert [one.index for one in queue] == [1, 5]
    assert queue[1].flags == ("lung-gap", "cut")
    queue = review_queue(slices_of(probability, flags=flags[1:])).slices
    assert [one.index for one in queue] == [5, 1]


def test_the_largest_lesion_is_looked_at_even_without_doubt():
    probability = blank()
    probability[2, :6, :6] = 1.0
    probability[3, :4, :4] = 1.0
    queue = review_queue(slices_of(probability)).slices
    assert [(one.index, one.largest, one.doubt_mm2) for one in queue] == [(2, True, 0.0)]


def test_of_neighbours_the_one_with_the_greatest_need_stands_for_all():
    probability = blank(12)
    for index in range(12):
        probability[index, : 10 + index % 5, :15] = 0.55
    slices = slices_of(probability)
    assert len(review_queue(slices, apart_mm=0.0).slices) == 12
    positions = sorted(slice_.position_mm for slice_ in review_queue(slices, apart_mm=20.0).slices)
    assert min(np.diff(positions)) >= 20.0
    assert review_queue(slices, apart_mm=20.0).slices[0].index in (4, 9)


def test_a_queue_is_short_and_says_how_many_are_left_out():
    probability = blank(40)
    for index in range(40):
        probability[index, : 10 + index % 7, :15] = 0.45
    probability[3, :2, :15] = 1.0  # the largest lesion is among the less doubtful slices
    flags = (Flag("cut", "Look.", slices=(0, 7)),)
    queue = review_queue(slices_of(probability, flags=flags))
    listed = [slice_.index for slice_ in queue.slices]
    assert len(listed) == MOST and queue.left_out == 40 - MOST
    assert set(listed[:2]) == {0, 7} and 3 in listed
    needs = [slice_.need_mm2 for slice_ in queue.slices[2:] if not slice_.largest]
    assert needs == sorted(needs, reverse=True)


def test_slices_with_little_doubt_beside_much_are_left_out():
    probability = blank(6)
    probability[1, :20, :20] = 0.45
    probability[4, :6, :6] = 0.45  # less than a tenth of it
    queue = review_queue(slices_of(probability))
    assert ([slice_.index for slice_ in queue.slices], queue.left_out) == ([1], 1)


def test_a_lung_without_lesion_and_without_doubt_has_nothing_to_look_at():
    assert review_queue(slices_of(blank())) == ((), 0)


@pytest.mark.parametrize("direction", AXES)
def test_slices_are_counted_from_the_inferior_end_on_every_grid(direction):
    probability = blank()
    probability[4, :16, :16] = 0.55
    (first, *others) = review_queue(slices_of(probability, direction=direction)).slices
    assert (first.index, others) == (4, [])
