"""From HU to a network's input: every normalisation, the lung mask, and the record on the card."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from COVIDLesionSegLib.engine.errors import ModelError
from COVIDLesionSegLib.engine.models.preprocessing import NORMALISATIONS, Preprocessing

WINDOW = (-1000.0, 0.0)


def normalised(normalisation, unit, lungs=None):
    preprocessing = Preprocessing(WINDOW, normalisation=normalisation, lung_mask=lungs is not None)
    return preprocessing.normalise(np.asarray(unit, np.float32), lungs)


units = arrays(np.float32, (2, 5, 7), elements=st.floats(0, 1, width=32, allow_subnormal=False))


def test_the_window_becomes_0_to_1_and_clips():
    unit = Preprocessing(WINDOW).to_unit([-2000, -1000, -250, 0, 500])
    assert unit.tolist() == [0.0, 0.0, 0.75, 1.0, 1.0]
    assert unit.dtype == np.float32


def test_unit_leaves_the_window_as_it_is():
    unit = np.linspace(0, 1, 24, dtype=np.float32).reshape(2, 3, 4)
    np.testing.assert_array_equal(normalised("unit", unit), unit)


def test_grey_levels_are_those_of_an_8_bit_image():
    """HU of the window -1250 to 250 to the pixels of a PNG file, read back as pixel / 255."""
    hu = np.arange(-1300, 301, dtype=np.int16).reshape(1, 1, -1)
    preprocessing = Preprocessing((-1250.0, 250.0), normalisation="grey-levels")
    pixels = np.rint(np.clip((hu + 1250.0) / 1500.0, 0, 1) * 255).astype(np.uint8)
    answer = preprocessing.normalise(preprocessing.to_unit(hu))
    assert answer.dtype == np.float32
    np.testing.assert_array_equal(np.unique(pixels), np.arange(256))
    np.testing.assert_array_equal(answer, pixels.astype(np.float32) / np.float32(255))


def test_min_max_stretches_every_slice_by_itself():
    unit = [[[0.25, 0.5], [0.5, 0.75]], [[0.0, 0.1], [0.1, 0.2]]]
    expected = [[0.0, 0.5], [0.5, 1.0]]
    np.testing.assert_allclose(normalised("min-max", unit), [expected, expected], atol=1e-6)


@settings(deadline=None)
@given(units)
def test_z_scores_have_zero_mean_and_unit_deviation_slice_by_slice(unit):
    unit[:, 0, :2] = 0.0, 1.0  # no slice is almost constant
    answer = normalised("z-score", unit).astype(np.float64)
    np.testing.assert_allclose(answer.mean(axis=(1, 2)), 0.0, atol=1e-5)
    np.testing.assert_allclose(answer.std(axis=(1, 2)), 1.0, atol=1e-5)


def test_z_scores_of_a_slice_do_not_depend_on_the_slices_beside_it():
    unit = np.random.default_rng(0).random((3, 9, 9), dtype=np.float32)
    unit[1] *= 0.1
    together = normalised("z-score", unit)
    for alone, answer in zip(unit, together, strict=True):
        np.testing.assert_array_equal(normalised("z-score", alone[None])[0], answer)


@pytest.mark.parametrize("normalisation", ["min-max", "z-score"])
@settings(deadline=None)
@given(value=st.floats(0, 1, width=32))
def test_a_slice_of_one_value_becomes_0_and_never_nan(normalisation, value):
    answer = normalised(normalisation, np.full((2, 17, 13), value))
    np.testing.assert_array_equal(answer, np.zeros_like(answer))


@settings(deadline=None)
@given(unit=units, normalisation=st.sampled_from(NORMALISATIONS))
def test_every_normalisation_gives_finite_float32_of_the_same_shape_and_keeps_its_input(
    unit, normalisation
):
    before = unit.copy()
    answer = normalised(normalisation, unit)
    assert (answer.shape, answer.dtype) == (unit.shape, np.float32)
    assert np.isfinite(answer).all()
    np.testing.assert_array_equal(unit, before)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_the_lung_mask_is_applied_before_the_values_are_normalised(normalisation):
    random = np.random.default_rng(1)
    unit = random.random((2, 8, 8), dtype=np.float32)
    lungs = random.integers(0, 3, unit.shape, dtype=np.uint8)
    masked = np.where(lungs > 0, unit, 0).astype(np.float32)
    np.testing.assert_array_equal(
        normalised(normalisation, unit, lungs), normalised(normalisation, masked)
    )


def test_a_lung_mask_without_lungs_is_a_programming_error():
    with pytest.raises(ValueError, match="needs the lungs"):
        Preprocessing(WINDOW, lung_mask=True).normalise(np.zeros((1, 2, 2), np.float32))


@pytest.mark.parametrize(
    ("record", "whole"),
    [
        ({}, False),
        ({"patch_size": (128, 128), "pixel_mm": (0.5, 1.0)}, False),
        ({"normalisation": "grey-levels", "lung_mask": True}, False),
        ({"normalisation": "min-max"}, True),
        ({"normalisation": "z-score"}, True),
        ({"input_size": (256, 256)}, True),
    ],
)
def test_whole_slices_are_needed_where_a_crop_would_change_the_input(record, whole):
    assert Preprocessing(WINDOW, **record).needs_whole_slices is whole


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"window_hu": (200, -1000)}, "window 200 to -1000 is empty"),
        ({"window_hu": (0, 0)}, "window 0 to 0 is empty"),
        ({"window_hu": (-1000, 0, 200)}, "window_hu is .* must be two numbers"),
        ({"window_hu": ("-1000", "0")}, "window_hu is .* must be two numbers"),
        ({"normalisation": "8-bit"}, "must be one of: unit, grey-levels, min-max, z-score"),
        ({"multiple": 0}, "multiple is 0, but must be a whole number >= 1"),
        ({"multiple": 1.5}, "multiple is 1.5, but must be a whole number >= 1"),
        ({"input_size": (256,)}, r"input_size is \(256,\), but must be two numbers"),
        ({"input_size": (256, 250)}, "input_size is not a multiple of 16"),
        ({"input_size": (0, 256)}, "input_size is not a multiple of 16"),
        ({"input_size": (256.5, 256)}, "input_size is not a multiple of 16"),
        ({"resample_mm": 0}, "must be positive, in this order"),
        ({"pixel_mm": (1.0, 0.5)}, "must be positive, in this order"),
        ({"pixel_mm": (0.5, 0.7)}, "hold the 0.75 mm that others are resampled to"),
        ({"patch_size": (100, 128)}, "patch_size is not a multiple of 16"),
        ({"patch_size": (-128, 128)}, "patch_size is not a multiple of 16"),
        ({"pixel_mm": (0.5,)}, "pixel_mm is .* must be two numbers"),
        ({"input_size": (256, 256), "patch_size": (128, 128)}, "neither a patch size nor"),
        ({"input_size": (256, 256), "pixel_mm": (0.5, 1.0)}, "nor a range of pixel sizes"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(record, message):
    with pytest.raises(ModelError, match=message):
        Preprocessing(**{"window_hu": WINDOW, **record})


@settings(deadline=None)
@given(
    window=st.tuples(st.floats(-2000, -500), st.floats(-400, 4000)),
    mask=st.booleans(),
    normalisation=st.sampled_from(NORMALISATIONS),
    sizes=st.sampled_from(
        [
            {},
            {"input_size": (256, 512)},
            {"patch_size": (64, 128), "pixel_mm": (0.5, 1.25), "resample_mm": 0.8},
        ]
    ),
    multiple=st.sampled_from([1, 8, 32]),
)
def test_a_record_survives_a_trip_through_json(window, mask, normalisation, sizes, multiple):
    record = Preprocessing(window, mask, normalisation, multiple=multiple, **sizes)
    assert Preprocessing.from_dict(json.loads(json.dumps(record.to_dict()))) == record
    assert record != replace(record, lung_mask=not mask)


@pytest.mark.parametrize("values", [None, [], {}, {"window": [0, 1]}, {"window_hu": 7}])
def test_a_record_that_is_not_understood_is_a_model_error(values):
    with pytest.raises(ModelError, match="preprocessing record is not understood"):
        Preprocessing.from_dict(values)
