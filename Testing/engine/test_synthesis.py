"""Synthetic lesions: constants and steps of COVID-Rate, reproducible, patients kept apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.data.labelled import LabelledImage
from COVIDLesionSegLib.engine.data.splits import source_patients, synthetic_patient
from COVIDLesionSegLib.engine.errors import Cancelled, InputError, ParameterError
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.synthesis.synthesize import (
    INFECTION_RATE_ABOVE,
    LUNG_SHARE_ABOVE,
    RATIO,
    make_synthetic,
)
from COVIDLesionSegLib.engine.synthesis.transfer import transfer_lesions

LUNGS = (slice(10, 50), slice(12, 60))


def make_slice(patient, lesion=None, shape=(64, 80), lungs=LUNGS, seed=0):
    """Soft tissue, lungs, and in them a lesion (rows, columns)."""
    random = np.random.default_rng(seed)
    image = np.full(shape, 40.0, np.float32)
    image[lungs] = random.normal(-850, 20, image[lungs].shape)
    masks = np.zeros((2, *shape), bool)
    masks[0][lungs] = True
    if lesion is not None:
        masks[1][lesion] = True
        image[lesion] = random.normal(-450, 30, image[lesion].shape)
    return LabelledImage(f"{patient}_{seed}", patient, image, False, masks[1], masks[0])


LESION = (slice(20, 32), slice(20, 30))


def test_constants_are_those_of_the_paper_and_its_code():
    """0.01 and N: "Efficacy of the proposed synthetic data augmentation"; 0.03: published code."""
    assert (RATIO, INFECTION_RATE_ABOVE, LUNG_SHARE_ABOVE) == (1.0, 0.01, 0.03)


def test_the_lesion_lies_at_its_own_pixels_where_both_lungs_lie_in_the_same_place():
    infected, healthy = make_slice("a", LESION), make_slice("h", seed=1)
    made = transfer_lesions(infected, healthy)
    np.testing.assert_array_equal(made.lesion, infected.lesion)
    np.testing.assert_array_equal(made.lungs, healthy.lungs)
    np.testing.assert_array_equal(made.image[~made.lesion], healthy.image[~made.lesion])


def test_pasted_hu_have_the_healthy_slices_mean_and_standard_deviation():
    """Methods: both images are normalised by mean and standard deviation of their intensities."""
    infected, healthy = make_slice("a", LESION), make_slice("h", seed=1)
    made = transfer_lesions(infected, healthy)
    one, other = infected.image[LUNGS], healthy.image[LUNGS]
    expected = (infected.image[LESION] - one.mean()) / one.std() * other.std() + other.mean()
    np.testing.assert_allclose(made.image[LESION], np.maximum(expected, -1024), atol=0.01)


def test_hu_stay_where_both_slices_have_the_same_statistics():
    infected = make_slice("a", LESION)
    healthy = replace(infected, lesion=np.zeros_like(infected.lesion), patient="h")
    np.testing.assert_allclose(
        transfer_lesions(infected, healthy).image, infected.image, atol=0.001
    )


def test_a_pasted_pseudo_label_stays_one():
    infected, healthy = replace(make_slice("a", LESION), pseudo=True), make_slice("h", seed=1)
    assert transfer_lesions(infected, healthy).pseudo
    assert not transfer_lesions(replace(infected, pseudo=False), healthy).pseudo
    assert transfer_lesions(replace(infected, pseudo=False), replace(healthy, pseudo=True)).pseudo


def test_lungs_of_a_slice_whose_lesions_were_not_outlined_are_not_healthy():
    unknown = replace(make_slice("u", seed=1), slice_class="common pneumonia")
    with pytest.raises(InputError, match="no slice without lesions"):
        make_synthetic([make_slice("a", LESION), unknown])
    (made,) = make_synthetic([make_slice("a", LESION), unknown, make_slice("h", seed=2)]).slices
    assert made.healthy.patient == "h"


def test_lesion_outside_the_healthy_lungs_is_trimmed():
    """Methods: "the regions of infection outside the healthy lung regions are trimmed off"."""
    infected, healthy = make_slice("a", LESION), make_slice("h", seed=1)
    healthy.lungs[:, :25] = False
    healthy.lungs[10:50, 12] = True  # the box stays, so nothing is shifted
    made = transfer_lesions(infected, healthy)
    np.testing.assert_array_equal(made.lesion, infected.lesion & healthy.lungs)
    np.testing.assert_array_equal(made.image[:, 13:25], healthy.image[:, 13:25])


@given(
    rows=st.integers(-30, 60),
    columns=st.integers(-30, 60),
    shape=st.tuples(st.integers(48, 130), st.integers(56, 130)),
)
def test_slices_of_different_fields_of_view_lie_on_each_other_by_the_centre_of_their_lungs(
    rows, columns, shape
):
    """Lesion pixels keep their place relative to the lungs' box; what falls outside is trimmed."""
    top = min(max(rows, 0), shape[0] - 40)
    left = min(max(columns, 0), shape[1] - 48)
    healthy = make_slice("h", None, shape, (slice(top, top + 40), slice(left, left + 48)), seed=2)
    made = transfer_lesions(make_slice("a", LESION), healthy)
    moved = np.argwhere(make_slice("a", LESION).lesion) + (top - 10, left - 12)
    np.testing.assert_array_equal(np.argwhere(made.lesion), moved)
    assert made.image.shape == shape


def test_a_lesion_beyond_the_healthy_slice_leaves_none():
    infected = make_slice("a", (slice(10, 14), slice(12, 16)), shape=(200, 200))
    infected.lungs[150, 150] = True
    healthy = make_slice("h", None, (20, 20), (slice(8, 12), slice(8, 12)))
    assert not transfer_lesions(infected, healthy).lesion.any()


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"lungs": None}, "has no lungs"),
        ({"lungs": np.zeros((64, 80), bool)}, "has no lungs"),
        ({"image": np.full((64, 80), -850.0, np.float32)}, "one grey level"),
    ],
)
def test_slices_that_cannot_be_normalised_are_refused(broken, message):
    with pytest.raises(InputError, match=message):
        transfer_lesions(make_slice("a", LESION), replace(make_slice("h"), **broken))


def training_set(infected=6, healthy=5):
    sick = [
        make_slice(f"a{n % 2}", (slice(14 + n, 30 + n), slice(20, 40)), seed=n)
        for n in range(infected)
    ]
    return sick + [make_slice(f"h{n % 3}", seed=100 + n) for n in range(healthy)]


@pytest.mark.parametrize(("ratio", "count"), [(0.5, 3), (1.0, 6), (1.5, 9), (2.0, 12)])
def test_ratio_is_a_multiple_of_the_infected_slices_each_used_equally(ratio, count):
    """Table 6: 0.5 N, 1 N, 1.5 N and 2 N."""
    made = make_synthetic(training_set(), ratio)
    assert len(made.slices) == made.wanted == count and made.infected == 6
    used = Counter(slice_.infected.name for slice_ in made.slices)
    assert all(used[f"a{n % 2}_{n}"] in (count // 6, -(-count // 6)) for n in range(6))
    pairs = {(slice_.infected.name, slice_.healthy.name) for slice_ in made.slices}
    assert len(pairs) == count


def test_the_seed_decides_everything():
    first, again, other = (make_synthetic(training_set(), 1.0, seed) for seed in (3, 3, 4))
    for one, two in zip(first.slices, again.slices, strict=True):
        np.testing.assert_array_equal(one.item.image, two.item.image)
        assert one.item.name == two.item.name
    names = [[(s.infected.name, s.healthy.name) for s in x.slices] for x in (first, other)]
    assert names[0] != names[1]


def test_a_synthetic_slice_belongs_to_both_of_its_patients():
    for slice_ in make_synthetic(training_set()).slices:
        sources = source_patients(slice_.item.patient)
        assert sources == (slice_.infected.patient, slice_.healthy.patient)
    assert source_patients(synthetic_patient("a", "a")) == ("a",)


def test_slices_whose_lesion_is_at_most_a_hundredth_of_the_lungs_are_dropped():
    """40 x 48 = 1920 lung pixels: 19 are dropped and 20 kept."""
    for columns, kept in ((19, False), (20, True)):
        slices = [make_slice("a", (slice(20, 21), slice(20, 20 + columns))), make_slice("h")]
        if kept:
            assert make_synthetic(slices).slices[0].infection_rate == pytest.approx(20 / 1920)
        else:
            with pytest.raises(InputError, match="No pair of slices"):
                make_synthetic(slices)


def test_the_bound_of_the_infection_rate_itself_is_dropped():
    lungs = (slice(10, 50), slice(10, 60))  # 2000 pixels
    sick = make_slice("a", (slice(20, 21), slice(20, 40)), lungs=lungs)
    with pytest.raises(InputError, match="No pair of slices"):
        make_synthetic([sick, make_slice("h", lungs=lungs)])


def test_healthy_slices_need_lung_on_more_than_three_hundredths_of_the_image():
    sick = make_slice("a", LESION)
    for side, usable in ((15, False), (16, True)):  # of 80 x 100 pixels: 0.028 and 0.032
        healthy = make_slice("h", None, (80, 100), (slice(20, 20 + side), slice(20, 20 + side)))
        if usable:
            assert make_synthetic([sick, healthy]).healthy == 1
        else:
            with pytest.raises(InputError, match="no slice without lesions"):
                make_synthetic([sick, healthy])


def test_windowed_slices_and_slices_without_lungs_give_nothing():
    sick, healthy = make_slice("a", LESION), make_slice("h")
    for unusable in (replace(sick, windowed=True), replace(sick, lungs=None)):
        with pytest.raises(InputError, match="no slice with lesions"):
            make_synthetic([unusable, healthy])


def test_pairs_that_run_out_are_told():
    made = make_synthetic(training_set(2, 1), ratio=50)
    assert (len(made.slices), made.wanted, made.too_small) == (2, 100, 0)


def test_a_wrong_ratio_and_a_cancelled_job_stop_at_once():
    for ratio in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ParameterError, match="must be a positive number"):
            make_synthetic(training_set(), ratio)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        make_synthetic(training_set(), cancel=cancel)
