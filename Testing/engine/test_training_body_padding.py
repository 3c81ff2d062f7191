"""Slices cut to the lungs, put back into a body in air, or into a round field of view."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.training.augmentation import (
    Augmentation,
    is_cut,
    pad_with_body,
    round_field_of_view,
)
from COVIDLesionSegLib.engine.training.dataset import SliceDataset
from COVIDLesionSegLib.engine.training.recipes import make_recipe
from COVIDLesionSegLib.engine.volume import AIR_HU
from engine.training_slices import labelled

pytestmark = pytest.mark.slow


@given(st.integers(8, 60), st.integers(8, 60), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_the_slice_itself_stays_and_nothing_is_marked_around_it(rows, columns, margin, seed):
    item = labelled(shape=(rows, columns), lungs=True)
    larger = pad_with_body(item, margin, np.random.default_rng(seed))
    assert larger.image.shape == larger.lesion.shape == larger.lungs.shape
    assert larger.image.dtype == item.image.dtype
    assert larger.lesion.sum() == item.lesion.sum()
    assert larger.lungs.sum() == item.lungs.sum()
    top, left = (
        np.argwhere(big)[0] - np.argwhere(small)[0]
        for big, small in (
            (larger.lungs.any(axis=1), item.lungs.any(axis=1)),
            (larger.lungs.any(axis=0), item.lungs.any(axis=0)),
        )
    )
    within = larger.image[top[0] : top[0] + rows, left[0] : left[0] + columns]
    np.testing.assert_array_equal(within, item.image)


@pytest.mark.parametrize(("windowed", "air"), [(False, AIR_HU), (True, 0.0)])
def test_beyond_the_body_is_air_and_between_is_what_the_slice_ends_with(windowed, air):
    item = replace(labelled(shape=(100, 120), lungs=True), windowed=windowed)
    larger = pad_with_body(item, 1.0, np.random.default_rng(3)).image
    assert larger[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == [air] * 4
    added = np.count_nonzero(larger == 40) - np.count_nonzero(item.image == 40)
    assert added > 1000
    assert set(np.unique(larger)) == {*np.unique(item.image), air}


def test_the_cascades_lungs_are_learned_from_slices_with_margins():
    recipe = make_recipe(load_catalogue().get("lungs-unet-resnet18").card)
    item = labelled(shape=(96, 128), lungs=True)
    plain = replace(recipe, augmentation=replace(recipe.augmentation, margin=0.0))
    shares = [
        [float(SliceDataset([item], one)[epoch, 0][1].mean()) for epoch in range(5)]
        for one in (recipe, plain)
    ]
    assert max(shares[0]) < min(shares[1])
    assert len(set(shares[0])) == 5


@pytest.mark.parametrize("model", ["unet-resnet18", "covid-rate", "drsegunet"])
def test_networks_of_whole_slices_see_lungs_of_crops_as_large_as_in_whole_cts(model):
    """In whole CTs a side is 1.43 times as long as in slices cut to the lungs (median)."""
    recipe = make_recipe(load_catalogue().get(model).card)
    recipe = replace(recipe, preprocessing=replace(recipe.preprocessing, input_size=(64, 64)))
    item = labelled(shape=(64, 64), lungs=True)
    item = replace(item, lesion=item.lesion.astype(np.uint8))
    channel = recipe.channels.index("lung") if "lung" in recipe.channels else None

    def side(one, epoch):
        target = SliceDataset([one], replace(recipe, seed=epoch))[0, 0][1]
        shown = target <= channel if channel is not None else target == 1
        return float(shown.float().mean()) ** 0.5

    plain = replace(recipe, augmentation=Augmentation())
    whole = float((SliceDataset([item], plain)[0, 0][1] != recipe.background).float().mean()) ** 0.5
    ratios = [whole / max(side(item, epoch), 1e-3) for epoch in range(40)]
    assert min(ratios) < 1.35 and max(ratios) > 1.6
    assert 1.3 < np.median(ratios) < 1.6


def test_a_whole_ct_is_not_made_smaller():
    cut = labelled(shape=(96, 96), lungs=True)
    whole = pad_with_body(cut, 1.0, np.random.default_rng(0))
    assert is_cut(cut) and not is_cut(whole)
    assert not is_cut(replace(cut, windowed=True))
    recipe = make_recipe(load_catalogue().get("covid-rate").card)
    recipe = replace(recipe, augmentation=Augmentation(crop_margin=2.0))
    recipe = replace(recipe, preprocessing=replace(recipe.preprocessing, input_size=(64, 64)))
    targets = [SliceDataset([whole], recipe)[epoch, 0][1] for epoch in range(3)]
    assert all(np.array_equal(targets[0], target) for target in targets)


def test_a_round_field_of_view_ends_image_and_masks_at_a_circle():
    item = labelled(shape=(96, 128), lungs=True)
    cut = round_field_of_view(item, np.random.default_rng(1))
    beyond = cut.image != item.image
    assert 0.02 < beyond.mean() < 0.5
    assert set(np.unique(cut.image[beyond])) == {-1024}
    np.testing.assert_array_equal(cut.lungs, item.lungs & ~beyond)
    np.testing.assert_array_equal(cut.lesion, item.lesion & ~beyond)
    row, column = np.argwhere(~beyond).mean(axis=0)
    distances = np.hypot(*(np.argwhere(~beyond) - (row, column)).T)
    assert distances.max() < np.hypot(*(np.argwhere(beyond) - (row, column)).T).max()
    assert beyond[0, 0] and beyond[-1, -1] and not beyond[48, 64]


def test_the_light_networks_lungs_are_learned_with_round_fields_of_view():
    recipe = make_recipe(load_catalogue().get("lungs-lite0").card)
    item = labelled(shape=(96, 128), lungs=True)
    always, never = (
        replace(recipe, augmentation=Augmentation(circle=circle)) for circle in (1.0, 0.0)
    )
    shares = [
        [float(SliceDataset([item], one)[epoch, 0][1].mean()) for epoch in range(5)]
        for one in (always, never)
    ]
    assert max(shares[0]) < min(shares[1]) == max(shares[1])
