"""Whatever a network's input size or pixel size, its answer lies on the slice's own pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.inference.field_of_view import FieldOfView
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from engine.crafted import CPU_PLAN, Pixelwise, Recording, make_card, predictor_of

WINDOW = (-1000.0, 0.0)


def on_slices(network, slice_pixel_mm, **preprocessing):
    card = make_card(Preprocessing(WINDOW, **preprocessing))
    return predictor_of(network, card, CPU_PLAN, slice_pixel_mm)


def blob(shape, pixel_mm, centre, sigma_mm):
    """A smooth spot, 0 to 1; ``centre`` in shares of the field of view."""
    rows, columns = (
        ((np.arange(n) + 0.5) * mm - share * n * mm) / sigma_mm
        for n, mm, share in zip(shape, pixel_mm, centre, strict=True)
    )
    return np.exp(-0.5 * (rows[:, None] ** 2 + columns[None] ** 2)).astype(np.float32)


def to_hu(unit):
    return (1000.0 * unit - 1000.0)[None]


def own_probability(unit):
    """What the pixelwise network says of each pixel."""
    return 1.0 / (1.0 + np.exp(-10.0 * (unit - 0.5)))


def centroid(weights):
    return np.array(
        [
            np.average(np.arange(n), weights=weights.sum(axis=1 - axis))
            for axis, n in enumerate(weights.shape)
        ]
    )


sizes = st.tuples(st.integers(40, 90), st.integers(40, 90))
pixels_mm = st.tuples(st.floats(0.6, 1.2), st.floats(0.6, 1.2))
places = st.tuples(st.floats(0.3, 0.7), st.floats(0.3, 0.7))


@settings(max_examples=60, deadline=None)
@given(
    shape=sizes,
    pixel_mm=pixels_mm,
    place=places,
    input_size=st.tuples(st.sampled_from([64, 96, 160]), st.sampled_from([64, 112, 144])),
)
def test_a_fixed_input_size_gives_the_slice_back_and_never_shifted(
    shape, pixel_mm, place, input_size
):
    """Within 0.05 pixels of place, and 0.05 of probability where the input is no coarser."""
    extent_mm = [n * mm for n, mm in zip(shape, pixel_mm, strict=True)]
    per_mm = min(n / mm for n, mm in zip(input_size, extent_mm, strict=True))
    sigma_mm = min(extent_mm) / 11
    assume(sigma_mm * per_mm > 2)  # a spot narrower than that is not to be seen by the network
    unit = blob(shape, pixel_mm, place, sigma_mm)
    answer = on_slices(Pixelwise(), pixel_mm, input_size=input_size)(to_hu(unit))
    assert answer.shape == (1, 1, *shape) and answer.dtype == np.float32
    floor = own_probability(0.0)
    np.testing.assert_allclose(
        centroid(answer[0, 0] - floor), centroid(own_probability(unit) - floor), atol=0.05
    )
    if per_mm * min(pixel_mm) >= 1:
        np.testing.assert_allclose(answer[0, 0], own_probability(unit), atol=0.05)


@settings(max_examples=40, deadline=None)
@given(
    shape=sizes,
    pixel_mm=st.tuples(st.floats(0.3, 1.6), st.floats(0.3, 1.6)),
    place=places,
    resample_mm=st.sampled_from([0.6, 0.75]),
)
def test_resampled_pixels_give_the_slice_back_and_never_shifted(
    shape, pixel_mm, place, resample_mm
):
    assume(not all(0.5 <= mm <= 1.0 for mm in pixel_mm))
    sigma_mm = min(n * mm for n, mm in zip(shape, pixel_mm, strict=True)) / 11
    assume(sigma_mm > 2 * resample_mm)
    unit = blob(shape, pixel_mm, place, sigma_mm)
    slices = on_slices(Pixelwise(), pixel_mm, pixel_mm=(0.5, 1.0), resample_mm=resample_mm)
    answer = slices(to_hu(unit))
    assert answer.shape == (1, 1, *shape)
    floor = own_probability(0.0)
    np.testing.assert_allclose(
        centroid(answer[0, 0] - floor), centroid(own_probability(unit) - floor), atol=0.05
    )
    np.testing.assert_allclose(answer[0, 0], own_probability(unit), atol=0.15)
    assert [flag.code for flag in slices.flags] == ["pixel-size-unusual"]


def test_a_slice_of_the_input_size_reaches_the_network_bit_for_bit():
    hu = np.random.default_rng(0).integers(-1000, 0, (3, 64, 64)).astype(np.int16)
    network = Recording()
    answer = on_slices(network, (0.8, 0.8), input_size=(64, 64))(hu)
    np.testing.assert_array_equal(network.images[:, 0], Preprocessing(WINDOW).to_unit(hu))
    np.testing.assert_allclose(answer[:, 0], own_probability((hu + 1000.0) / 1000.0), atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "pixel_mm", "inner"),
    [
        ((100, 100), (0.7, 0.7), (96, 96)),
        ((100, 50), (0.7, 0.7), (96, 48)),  # air on the right
        ((50, 100), (0.7, 0.7), (48, 96)),  # air below
        ((50, 100), (1.4, 0.7), (96, 96)),  # square in mm, not in pixels
        ((51, 33), (2.0, 3.0), (96, 93)),
    ],
)
def test_a_slice_is_made_square_in_mm_before_it_is_resampled(shape, pixel_mm, inner):
    network = Recording()
    answer = on_slices(network, pixel_mm, input_size=(96, 96))(np.full((2, *shape), -500.0))
    assert answer.shape == (2, 1, *shape)
    assert network.shapes == [(2, 1, 96, 96)]
    rows, columns = inner
    np.testing.assert_allclose(network.images[:, :, :rows, :columns], 0.5, atol=1e-6)
    assert not network.images[:, :, rows:].any() and not network.images[:, :, :, columns:].any()


@pytest.mark.parametrize("normalisation", ["unit", "grey-levels", "min-max", "z-score"])
@pytest.mark.parametrize("sizes", [{"input_size": (64, 64)}, {}])
def test_what_is_added_at_the_edge_is_air(normalisation, sizes):
    """Under z-scores air is no longer 0, but what the air of the same slice became."""
    hu = np.full((2, 60, 41), -200.0)
    hu[:, :30] = -1000.0
    hu[1, 40:] = -50.0
    network = Recording()
    on_slices(network, (1.0, 1.0), normalisation=normalisation, **sizes)(hu)
    assert network.shapes[0][2] > 60 or network.shapes[0][3] > 41
    preprocessing = Preprocessing(WINDOW, normalisation=normalisation)
    air = preprocessing.normalise(preprocessing.to_unit(hu))[:, 0, 0]
    for image, expected in zip(network.images[:, 0], air, strict=True):
        np.testing.assert_allclose(image[:, -1], expected, atol=1e-6)
    assert (air < 0).all() == (normalisation == "z-score")


def test_what_is_added_is_air_also_where_the_slice_shows_none():
    network = Recording()
    on_slices(network, (1.0, 1.0), input_size=(64, 64))(np.full((1, 64, 40), -100.0))
    assert network.images[0, 0, 0, 0] == pytest.approx(0.9)
    assert network.images[0, 0, 0, -1] == 0.0


@pytest.mark.parametrize(
    ("pixel_mm", "unusual"),
    [((0.5, 1.0), False), ((0.49, 0.7), True), ((0.7, 1.01), True), ((1.5, 3.0), True)],
)
def test_pixels_are_resampled_only_outside_the_range_on_the_card(pixel_mm, unusual):
    preprocessing = Preprocessing(WINDOW, pixel_mm=(0.5, 1.0), resample_mm=0.75)
    field = FieldOfView((60, 40), pixel_mm, preprocessing, steps=(1, 1))
    assert field.unusual_pixels is unusual
    expected = tuple(round(n * mm / 0.75) for n, mm in zip((60, 40), pixel_mm, strict=True))
    assert field.network_shape == (expected if unusual else (60, 40))
    anything_goes = FieldOfView(
        (60, 40), pixel_mm, replace(preprocessing, pixel_mm=None), steps=(1, 1)
    )
    assert not anything_goes.unusual_pixels and anything_goes.network_shape == (60, 40)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 150), st.integers(1, 150)),
    pixel_mm=st.tuples(st.floats(0.2, 4.0), st.floats(0.2, 4.0)),
    input_size=st.sampled_from([None, (32, 32), (64, 32)]),
    multiple=st.sampled_from([1, 16, 32]),
)
def test_any_slice_fits_the_network_and_comes_back_in_its_own_shape(
    shape, pixel_mm, input_size, multiple
):
    preprocessing = Preprocessing(WINDOW, input_size=input_size, multiple=multiple)
    field = FieldOfView(shape, pixel_mm, preprocessing, steps=(multiple, multiple))
    inputs = field.resample(torch.full((1, 1, *shape), 0.25))
    assert tuple(inputs.shape[2:]) == field.network_shape
    assert input_size in (None, field.network_shape)
    assert all(n % multiple == 0 for n in field.network_shape)
    answer = field.restore(inputs)
    assert answer.shape == (1, 1, *shape)
    torch.testing.assert_close(answer, torch.full_like(answer, 0.25))


def test_classes_stay_apart_on_their_way_back():
    field = FieldOfView((50, 70), (1.0, 1.0), Preprocessing(WINDOW, input_size=(64, 64)), (16, 16))
    probability = torch.zeros(2, 3, 64, 64)
    probability[0, 1], probability[1, 2] = 1.0, 0.5
    answer = field.restore(probability)
    assert answer.shape == (2, 3, 50, 70)
    torch.testing.assert_close(answer.amax(dim=(2, 3)), probability.amax(dim=(2, 3)))
    torch.testing.assert_close(answer.amin(dim=(2, 3)), probability.amin(dim=(2, 3)))
