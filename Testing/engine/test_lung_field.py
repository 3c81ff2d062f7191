"""The thesis' own lungs: its steps and constants, on drawn slices and on generated chest CTs."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from COVIDLesionSegLib.engine.metrics.overlap import Confusion
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.self_training.lung_field import LARGEST, THRESHOLD_HU, lung_field


def test_constants_are_those_of_the_thesis():
    """Section 4.4.1, steps 1 and 2."""
    assert THRESHOLD_HU == -170.0 and LARGEST == 2


def test_the_thesis_own_lungs_are_the_two_largest_parts_away_from_the_border_without_holes():
    """Section 4.4.1, steps 1 to 3."""
    hu = np.full((1, 60, 80), 40.0)
    hu[:, :, :4] = -1000  # air around the patient
    hu[0, 10:50, 10:30] = -850
    hu[0, 10:50, 40:70] = -850
    hu[0, 20:25, 50:55] = 40  # a vessel
    hu[0, 52:56, 34:38] = -950  # the trachea
    expected = np.zeros(hu.shape, bool)
    expected[0, 10:50, 10:30] = expected[0, 10:50, 40:70] = True
    np.testing.assert_array_equal(lung_field(hu), expected)


def test_the_threshold_itself_is_no_lung_and_a_slice_without_lung_stays_empty():
    hu = np.full((2, 30, 30), 40.0)
    hu[0, 5:15, 5:15] = -170.0
    hu[0, 18:25, 18:25] = -170.5
    found = lung_field(hu)
    assert found[0, 18:25, 18:25].all() and found.sum() == 49


def test_the_thesis_own_lungs_lie_on_those_of_a_chest():
    phantom = generate_chest_ct(
        seed=1, consolidation=0, size=(216, 168, 16), spacing=(1.5, 1.5, 18.0)
    )
    lungs = phantom.volume.order.to_axial(phantom.lungs) > 0
    found = lung_field(phantom.volume.axial)
    assert Confusion.of(found, lungs).dice > 0.93
    assert ndimage.label(found)[1] >= 2
