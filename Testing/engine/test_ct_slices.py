"""Slices of a CT to learn from: their HU, lungs and labels, and that they are of this CT."""

from __future__ import annotations

import numpy as np
import pytest

from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.labels import CLASSES
from COVIDLesionSegLib.engine.lungs import get_extractor
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.self_training.ct_slices import (
    Labelling,
    pseudo_labelled_slices,
    unlabelled_slices,
)
from COVIDLesionSegLib.engine.self_training.lung_field import lung_field
from COVIDLesionSegLib.engine.self_training.pseudo_labels import pseudo_labels
from COVIDLesionSegLib.engine.volume import write_volume


def test_the_thesis_slices_are_the_second_and_third_below_the_middle(tmp_path):
    volume = generate_chest_ct(seed=5, size=(64, 52, 16), spacing=(5.0, 5.0, 17.0)).volume
    write_volume(volume.array, volume.geometry, tmp_path / "ct.nrrd")
    chosen = Labelling("thesis", thesis_lungs=True, thesis_slices=True)
    slices = pseudo_labelled_slices(
        tmp_path / "ct.nrrd", "p1", tmp_path / "p1", CLASSES[:1], labelling=chosen
    )
    assert [item.name for item in slices] == ["p1_005", "p1_006"]
    np.testing.assert_array_equal(slices[0].lungs, lung_field(volume.axial)[5])
    with pytest.raises(InputError, match="or were made in another way"):
        pseudo_labelled_slices(tmp_path / "ct.nrrd", "p1", tmp_path / "p1", CLASSES[:1])


def test_further_slices_have_lungs_and_no_labels(tmp_path):
    volume = generate_chest_ct(seed=5, size=(64, 52, 8), spacing=(5.0, 5.0, 34.0)).volume
    write_volume(volume.array, volume.geometry, tmp_path / "ct.nrrd")
    slices = unlabelled_slices(tmp_path / "ct.nrrd", "p1", CancelToken())
    assert slices and all(item.lungs.any() and not item.lesion.any() for item in slices)


def test_slices_of_a_ct_hold_its_hu_its_lungs_and_its_labels_in_axial_order(tmp_path):
    volume = generate_chest_ct(
        seed=5, size=(64, 52, 16), spacing=(5.0, 5.0, 17.0), orientation="PSR"
    ).volume
    write_volume(volume.array, volume.geometry, tmp_path / "ct.nrrd")
    lungs = get_extractor().extract(volume.axial, volume.axial_spacing).labels
    labels = pseudo_labels(volume.axial, lungs, volume.axial_spacing)
    with_lung = np.flatnonzero(lungs.any(axis=(1, 2)))
    for classes, expected in ((("lesion",), labels > 0), (CLASSES, labels)):
        slices = pseudo_labelled_slices(tmp_path / "ct.nrrd", "p1", tmp_path / "p1", classes)
        assert [item.name for item in slices] == [f"p1_{index:03d}" for index in with_lung]
        for item, index in zip(slices, with_lung, strict=True):
            np.testing.assert_array_equal(item.image, volume.axial[index])
            np.testing.assert_array_equal(item.lungs, lungs[index] > 0)
            np.testing.assert_array_equal(item.lesion, expected[index])
            assert item.pseudo and item.patient == "p1" and item.lesion.dtype == expected.dtype


def test_slices_of_another_ct_are_not_taken_for_those_of_this_one(tmp_path):
    for name, seed in (("a", 5), ("b", 6)):
        volume = generate_chest_ct(seed=seed, size=(64, 52, 8), spacing=(5.0, 5.0, 34.0)).volume
        write_volume(volume.array, volume.geometry, tmp_path / f"{name}.nrrd")
    pseudo_labelled_slices(tmp_path / "a.nrrd", "p1", tmp_path / "p1")
    with pytest.raises(InputError, match="pseudo-labels of p1 are those of another CT"):
        pseudo_labelled_slices(tmp_path / "b.nrrd", "p1", tmp_path / "p1")
