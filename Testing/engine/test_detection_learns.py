"""Training lifts average precision on slices of another patient, and shuffled labels do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.data.labelled import LabelledImage
from COVIDLesionSegLib.engine.detection.held_out import evaluate_detector
from COVIDLesionSegLib.engine.detection.training import DETECTION
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.training.trainer import fit
from engine.detector_slices import tiny_detector

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]  # two trainings of 90 steps

SIZE = 64
LEARNED, BY_CHANCE = 0.15, 0.08
"""Bars of COCO's average precision at an overlap of 0.5."""


def slices_of(patient, count, first_seed):
    """Every third without lesion, others with a bright round one in one half or in each."""
    found = []
    for number in range(count):
        rng = np.random.default_rng(first_seed + number)
        image = rng.normal(-850, 20, (SIZE, SIZE)).astype(np.float32)
        lesion = np.zeros(image.shape, bool)
        rows, columns = np.ogrid[:SIZE, :SIZE]
        for half in range(1 + number % 2 if number % 3 else 0):
            row, column = rng.uniform(14, 50), rng.uniform(10, 22) + 32 * half
            lesion |= (rows - row) ** 2 + (columns - column) ** 2 < rng.uniform(6, 9) ** 2
        image[lesion] += 700
        name, lungs = f"{patient}_{first_seed + number}", np.ones_like(lesion)
        found.append(LabelledImage(name, patient, image, False, lesion, lungs))
    return found


def average_precision(slices, held_out, folder):
    """COCO's at 0.5, on the held-out slices, after a short training."""
    recipe = tiny_detector(
        slices, steps=90, learning_rate=1e-3, schedule="cosine", arguments={"scales": (16,)}
    )
    network = fit(recipe, slices, folder, method=DETECTION)
    card = replace(
        load_catalogue().get("affinity-8").card,
        arguments=recipe.network_arguments,
        preprocessing=recipe.preprocessing,
    )
    scores = evaluate_detector(network, card, held_out)
    return scores.patients["p2"].precision["coco"].at_50


def test_training_lifts_average_precision_and_shuffled_labels_do_not(tmp_path):
    slices = slices_of("p1", 24, 0)
    held_out = [item for item in slices_of("p2", 18, 100) if item.has_lesion]
    assert average_precision(slices, held_out, tmp_path / "true") > LEARNED
    order = np.random.default_rng(1).permutation(len(slices))
    shuffled = [replace(s, lesion=slices[n].lesion) for s, n in zip(slices, order, strict=True)]
    assert average_precision(shuffled, held_out, tmp_path / "shuffled") < BY_CHANCE
