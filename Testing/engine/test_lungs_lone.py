"""A field of view around one lung alone: its side is right, or is said not to be known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from COVIDLesionSegLib.engine.lungs.given import GivenLungs
from COVIDLesionSegLib.engine.lungs.network import label_lungs
from COVIDLesionSegLib.engine.lungs.plausibility import check_lungs
from COVIDLesionSegLib.engine.lungs.threshold import ThresholdExtractor
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.volume import Volume
from engine.volume_files import grid_of

SPACING = (10.0, 3.6, 3.6)


@cache
def chest(seed):
    return generate_chest_ct(size=(104, 81, 28), spacing=SPACING[::-1], seed=seed)


def around(side, seed, lateral_mm, medial_mm, other_filled=False):
    """HU and the lung in a field of view that ends so far beside the lung."""
    phantom = chest(seed)
    x = np.flatnonzero((phantom.lungs == side).any(axis=(0, 1)))
    lateral, medial = round(lateral_mm / SPACING[2]), round(medial_mm / SPACING[2])
    low, high = (lateral, medial) if side == 1 else (medial, lateral)
    part = np.s_[:, :, max(0, x[0] - low) : x[-1] + high + 1]
    hu = phantom.volume.axial
    if other_filled:
        hu = np.where(phantom.lungs == 3 - side, 30, hu).astype(np.int16)
    return np.ascontiguousarray(hu[part]), phantom.lungs[part] == side


def share_of(labels, side):
    return np.count_nonzero(labels == side) / np.count_nonzero(labels)


@pytest.mark.parametrize("seed", [0, 3])
@pytest.mark.parametrize("side", [1, 2])
def test_the_chest_wall_tells_the_side_where_the_field_of_view_cuts_the_body_at_one_end(side, seed):
    hu, lung = around(side, seed, lateral_mm=80, medial_mm=8)
    found = ThresholdExtractor().extract(hu, SPACING)
    assert share_of(found.labels, side) == 1
    assert "lung-sides-unclear" not in {flag.code for flag in found.flags}
    (missing,) = [flag for flag in found.flags if flag.code == "lung-missing"]
    assert f"No {['left', 'right'][side - 1]} lung" in missing.message
    assert "field of view" in missing.message
    assert share_of(label_lungs(lung, hu, SPACING), side) == 1


@pytest.mark.parametrize("side", [1, 2])
def test_the_side_is_said_to_be_unknown_where_both_ends_are_cut(side):
    hu, lung = around(side, 0, lateral_mm=8, medial_mm=8)
    flags = {flag.code: flag for flag in ThresholdExtractor().extract(hu, SPACING).flags}
    assert "lung-missing" not in flags
    assert flags["lung-sides-unclear"].level == "warning"
    assert "its side is not known" in flags["lung-sides-unclear"].message
    by_network = check_lungs(label_lungs(lung, hu, SPACING), hu, SPACING)
    assert "lung-sides-unclear" in {flag.code for flag in by_network}


def test_a_side_that_was_given_is_known():
    hu, lung = around(2, 0, lateral_mm=8, medial_mm=8)
    volume = Volume(hu, grid_of(hu, SPACING[::-1]))
    flags = GivenLungs(lung * np.uint8(2), volume).extract(hu, SPACING).flags
    assert "lung-sides-unclear" not in {flag.code for flag in flags}


@pytest.mark.parametrize("side", [1, 2])
def test_beside_a_lung_without_air_the_other_keeps_its_side_where_its_chest_wall_is_cut(side):
    hu, _ = around(side, 0, lateral_mm=8, medial_mm=400, other_filled=True)
    found = ThresholdExtractor().extract(hu, SPACING)
    assert share_of(found.labels, side) == 1
    assert "lung-missing" in {flag.code for flag in found.flags}
