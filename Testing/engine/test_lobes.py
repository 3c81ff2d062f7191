"""Lobes: known by their codes, and measured with known truth on grids of every kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.lobes import LOBES, lobe_of
from COVIDLesionSegLib.engine.severity.lobes import measure_lobes
from COVIDLesionSegLib.engine.volume import Geometry
from COVIDLesionSegLib.engine.volume.placed_labels import PlacedLabels

CLASSES = ("ground-glass opacity", "consolidation")
AXIAL = (1, 0, 0, 0, 1, 0, 0, 0, 1)
CT = Geometry((30, 20, 12), (1.0, 1.5, 2.5), (-12.0, 7.0, 33.0), AXIAL)


def entry(kind, modifier="^^", region="^^", region_modifier="^^") -> str:
    category = "SCT^123037004^Anatomical Structure"
    return "~".join(("Some context", category, kind, modifier, "Regions", region, region_modifier))


RIGHT, LEFT = "SCT^24028007^Right", "SCT^7771000^Left"
UPPER, LOWER = "SCT^45653009^Upper lobe of lung", "SCT^90572001^Lower lobe of lung"


@pytest.mark.parametrize(
    ("terminology", "lobe"),
    [
        (entry(UPPER, RIGHT), 0),
        (entry("SCT^72481006^Middle lobe of right lung"), 1),
        (entry(LOWER, RIGHT), 2),
        (entry(UPPER, LEFT), 3),
        (entry(LOWER, LEFT), 4),
        (entry("SCT^42400003^Oberlappen rechts"), 0),
        (entry("SCT^266005^x"), 2),
        (entry("SCT^44714003^x"), 3),
        (entry("SCT^41224006^x"), 4),
        (entry("SCT^39607008^Lung", region=LOWER, region_modifier=LEFT), 4),
        (entry("SCT^39607008^Lung", LEFT, LOWER), 4),
    ],
)
def test_a_lobe_is_known_by_its_codes(terminology, lobe):
    assert lobe_of(terminology) == LOBES[lobe]


@pytest.mark.parametrize(
    "terminology",
    [
        "",
        "right upper lobe",
        entry(UPPER),
        entry("SCT^39607008^Lung", RIGHT),
        entry("SRT^45653009^another scheme", RIGHT),
        entry("SCT^52988006^Lesion", region=UPPER, region_modifier=RIGHT),
    ],
)
def test_names_sides_alone_and_lesions_within_a_lobe_are_no_lobe(terminology):
    assert lobe_of(terminology) is None


def finish(steps):
    """Shares on the way, and the result."""
    shares = []
    while True:
        try:
            shares.append(next(steps))
        except StopIteration as end:
            return shares, end.value


def boxes(shape=CT.shape):
    """Two lobes and two lesion classes as boxes, on the CT's grid (k, j, i)."""
    lobes, lesions = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    lobes[2:10, 4:16, 3:12] = 1
    lobes[2:7, 4:16, 15:27] = 2
    lesions[3:6, 5:9, 4:8] = 1
    lesions[5:7, 6:10, 6:20] = 2
    lesions[0:2] = 1  # below the lobes
    return lobes, lesions


def placed(voxels, names, geometry=CT):
    return PlacedLabels(voxels, geometry.ijk_to_ras, names)


def measured(lobes, lesions, names=("a", "b"), classes=CLASSES, geometry=CT):
    return finish(measure_lobes(lobes, lesions, names, classes, geometry))[1]


def test_volumes_and_fractions_are_those_of_the_voxels():
    lobes, lesions = boxes()
    found = measured(
        [placed(lobes, {1: "a", 2: "b"})], [placed(lesions, dict(enumerate(CLASSES, 1)))]
    )
    ml = CT.voxel_volume_ml
    for number, region in enumerate(found, start=1):
        inside = lobes == number
        assert region.lung_ml == pytest.approx(inside.sum() * ml)
        assert region.ratio == pytest.approx((lesions[inside] > 0).mean())
        by_class = [(lesions[inside] == n).sum() * ml for n in (1, 2)]
        assert list(region.lesion_class_ml.values()) == pytest.approx(by_class)
    assert [one.region for one in found] == ["a", "b"] and found[0].ratio != found[1].ratio


def test_a_lobe_that_is_not_there_has_no_fraction():
    lobes, lesions = boxes()
    a, absent = measured([placed(lobes, {1: "a"})], [placed(lesions, {1: CLASSES[0]})])
    assert a.lung_ml > 0
    assert (absent.lung_ml, absent.lesion_ml, absent.ratio) == (0.0, 0.0, None)


def test_a_lobe_of_several_segments_counts_each_voxel_once():
    lobes, lesions = boxes()
    twice = [placed(lobes, {1: "a", 2: "a"}), placed((lobes == 1).astype(np.int16), {1: "a"})]
    (both,) = measured(twice, [placed(lesions, {1: CLASSES[0]})], names=("a",))
    assert both.lung_ml == pytest.approx((lobes > 0).sum() * CT.voxel_volume_ml)


def cropped(voxels, geometry):
    """The part that is not empty, on its own grid."""
    box = tuple(slice(a.min(), a.max() + 1) for a in np.nonzero(voxels))
    matrix = geometry.ijk_to_ras.copy()
    matrix[:, 3] = matrix @ [*(one.start for one in box[::-1]), 1]
    return voxels[box], matrix


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("flips", [(False,) * 3, (True, False, True), (True,) * 3])
def test_cropped_turned_and_flipped_images_give_the_same(axes, flips):
    lobes, lesions = boxes()
    voxels, matrix = cropped(lobes, CT)
    for axis, flip in enumerate(flips):
        if flip:
            voxels = np.flip(voxels, axis)
            column = 2 - axis
            matrix[:3, 3] += matrix[:3, column] * (voxels.shape[axis] - 1)
            matrix[:3, column] *= -1
    voxels = voxels.transpose(axes)
    columns = [2 - axis for axis in axes][::-1]
    matrix = matrix[:, [*columns, 3]]
    names = {1: "a", 2: "b"}
    lesion_image = [placed(lesions, dict(enumerate(CLASSES, 1)))]
    expected = measured([placed(lobes, names)], lesion_image)
    assert measured([PlacedLabels(voxels, matrix, names)], lesion_image) == expected


def test_a_finer_grid_gives_what_the_centres_of_the_cts_voxels_lie_in():
    lobes, lesions = boxes()
    fine = lobes.repeat(3, 0).repeat(3, 1).repeat(3, 2)
    matrix = CT.ijk_to_ras @ np.diag([1 / 3, 1 / 3, 1 / 3, 1])
    matrix[:, 3] = CT.ijk_to_ras @ [-1 / 3, -1 / 3, -1 / 3, 1]
    names = {1: "a", 2: "b"}
    lesion_image = [placed(lesions, {1: CLASSES[0]})]
    assert measured([PlacedLabels(fine, matrix, names)], lesion_image) == measured(
        [placed(lobes, names)], lesion_image
    )


def test_an_oblique_grid_gives_the_volume_of_the_body():
    """A ball, sampled on a grid that is turned by 30 degrees."""
    ct = Geometry((64, 64, 64), (1.0, 1.0, 1.0), (0, 0, 0), AXIAL)
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    turned = replace(ct, direction=(c, -s, 0, s, c, 0, 0, 0, 1), origin=(20.0, -12.0, 0.0))
    middle = ct.ijk_to_ras @ [31.5, 31.5, 31.5, 1]
    k, j, i = np.meshgrid(*(np.arange(64),) * 3, indexing="ij")

    def ball(geometry, radius):
        at = np.stack([i, j, k, np.ones_like(i)], -1) @ geometry.ijk_to_ras.T
        return (np.linalg.norm(at - middle, axis=-1) < radius).astype(np.uint8)

    (found,) = measured(
        [placed(ball(turned, 20), {1: "a"}, turned)],
        [placed(ball(ct, 10), {1: "lesion"}, ct)],
        names=("a",),
        classes=("lesion",),
        geometry=ct,
    )
    assert found.lung_ml == pytest.approx(4 / 3 * np.pi * 20**3 / 1000, rel=0.02)
    assert found.ratio == pytest.approx(1 / 8, rel=0.03)


def test_the_share_that_is_done_rises_to_one_slice_by_slice():
    lobes, lesions = boxes()
    steps = measure_lobes([placed(lobes, {1: "a"})], [], ("a",), CLASSES, CT)
    shares, _ = finish(steps)
    assert len(shares) == CT.size[2] and shares == sorted(shares) and shares[-1] == 1.0
