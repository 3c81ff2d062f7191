"""Weights of slices: how often each is learned from, always the same number of samples."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.data.labelled import fingerprint_of_slices
from COVIDLesionSegLib.engine.errors import ParameterError
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.training.augmentation import Augmentation
from COVIDLesionSegLib.engine.training.dataset import PatchDataset, SliceDataset, draw
from engine.training_slices import labelled, tiny_recipe

pytestmark = pytest.mark.slow

PATCHES = tiny_recipe(augmentation=Augmentation(), clean_patches=8)
SLICES = tiny_recipe(
    sampling="slices",
    preprocessing=Preprocessing((-1024.0, 200.0), input_size=(32, 32)),
    augmentation=Augmentation(quarter_turns=True),
)


def slices_of(*weights, infected=True):
    """Slices of 64 x 64, each known by the constant that it shows beside its lesion."""
    slices = []
    for number, weight in enumerate(weights):
        item = labelled(f"p{number}", infected, shape=(64, 64), seed=number)
        image = np.full_like(item.image, -1000.0 + 100 * number)
        slices.append(replace(item, image=image, weight=weight))
    return slices


def shown(dataset, epoch):
    """How many samples of an epoch show each slice."""
    images = (dataset[epoch, place][0] for place in range(len(dataset)))
    unit = [(image.flatten().median().item() * 1224 - 24) / 100 for image in images]
    return Counter(round(one) for one in unit)


@pytest.mark.parametrize(("kind", "recipe"), [(PatchDataset, PATCHES), (SliceDataset, SLICES)])
def test_a_slice_gives_as_many_samples_as_it_weighs(kind, recipe):
    per_slice = 32 if kind is PatchDataset else 4
    dataset = kind(slices_of(1.0, 2.0, 0.5, 1.5), recipe)
    assert len(dataset) == 5 * per_slice
    epochs = [shown(dataset, epoch) for epoch in range(3)]
    for epoch in epochs:
        assert (epoch[0], epoch[1]) == (per_slice, 2 * per_slice)
        assert epoch[2] + epoch[3] == 2 * per_slice
    assert sum(epoch[2] for epoch in epochs) == pytest.approx(1.5 * per_slice, abs=per_slice)


def test_a_clean_slice_has_weight_too():
    assert len(PatchDataset(slices_of(0.5, 3.0, infected=False), PATCHES)) == 4 + 24


def test_patches_of_a_slice_that_counts_twice_are_drawn_anew():
    images = [PatchDataset(slices_of(2.0), PATCHES)[0, place][1] for place in range(64)]
    assert len({image.numpy().tobytes() for image in images}) > 40


def test_samples_left_out_change_from_epoch_to_epoch_and_follow_from_the_seed():
    def order(seed, epoch):
        dataset = SliceDataset(slices_of(*[0.5] * 8), replace(SLICES, seed=seed))
        return torch.stack([dataset[epoch, place][0] for place in range(len(dataset))])

    assert torch.equal(order(1, 3), order(1, 3))
    assert not torch.equal(order(1, 3), order(1, 4))
    assert not torch.equal(order(1, 3), order(2, 3))


def test_a_single_slice_of_little_weight_is_seen_in_some_epochs_only():
    one_turn = replace(SLICES, augmentation=Augmentation())
    dataset = SliceDataset(slices_of(1.0, 1.0, 1.0, 0.25), one_turn)
    assert len(dataset) == 3
    assert 0 < sum(shown(dataset, epoch)[3] for epoch in range(20)) < 10


@given(st.lists(st.floats(0.01, 1.0), max_size=60), st.integers(0, 2**32))
def test_the_number_drawn_is_always_the_same_and_nothing_is_drawn_thrice(chances, seed):
    drawn = draw(chances, np.random.default_rng(seed))
    assert len(drawn) == round(sum(chances))
    assert all(0 <= n < len(chances) for n in drawn)
    assert max(Counter(drawn.tolist()).values(), default=0) <= 2


@given(st.integers(0, 500), st.integers(0, 2**32))
def test_what_is_certain_is_drawn_once_in_its_order(count, seed):
    drawn = draw([1.0] * count, np.random.default_rng(seed))
    assert drawn.tolist() == list(range(count))


def test_data_with_other_weights_are_other_data_and_weights_of_one_change_nothing():
    plain = [labelled("p1", seed=1), labelled("p2", seed=2)]
    heavy = [plain[0], replace(plain[1], weight=2.0)]
    assert fingerprint_of_slices(
        [replace(item, weight=1.0) for item in plain]
    ) == fingerprint_of_slices(plain)
    assert (
        len(
            {
                fingerprint_of_slices(plain),
                fingerprint_of_slices(heavy),
                fingerprint_of_slices(heavy[1:]),
            }
        )
        == 3
    )
    # Of these slices before there were weights: a training begun then can still be resumed.
    known = "551e7e50c622604b78dff3979f2acf45a66dffc9f6b98adbe9f24c0c1ad5be1e"
    assert fingerprint_of_slices(plain) == known


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_a_weight_that_is_no_positive_number_is_refused(weight):
    with pytest.raises(ParameterError, match="must be a positive number"):
        replace(labelled(), weight=weight)
