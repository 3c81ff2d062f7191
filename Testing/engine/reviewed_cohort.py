"""A small cohort of generated CTs that somebody reviewed, and a small model to retrain on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.networks.eamc import AMCNet
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.phantom.generate import Phantom
from COVIDLesionSegLib.engine.result import SegmentationResult
from COVIDLesionSegLib.engine.review import (
    ReviewedCase,
    Verdict,
    patient_key,
    save_case,
    save_labels,
    save_verdict,
)
from COVIDLesionSegLib.engine.severity import measure_severity
from engine.crafted import make_card, write_model

MODEL = "small"
PLAIN = {"multi_scale": False, "attention": False}
TRAINING = {"data": {"training": {"nobody": 1}, "validation": {}, "outside": {}}}


_SLOPE, _TOO_DARK = 6e-4, 0.05


def chest(seed: int) -> Phantom:
    """A chest CT of eight thick slices, with much ground glass."""
    return generate_chest_ct(
        seed, size=(72, 56, 8), spacing=(4.6, 4.6, 28.0), ground_glass=0.25, consolidation=0.05
    )


def prediction_of(phantom: Phantom, shrink: int = 0) -> SegmentationResult:
    """The truth as a prediction, or a part of it: nothing in the first ``shrink`` slices."""
    lesions = (phantom.lesions > 0).astype(np.uint8)
    lesions[:shrink] = 0
    geometry = phantom.volume.geometry
    return SegmentationResult(
        geometry=geometry,
        lungs=phantom.lungs,
        lesions=lesions,
        probability=lesions * np.float32(0.9),
        disagreement=None,
        classes=("lesion",),
        severity=measure_severity(phantom.lungs, lesions, ("lesion",), geometry, None),
        flags=(),
        provenance={"models": {MODEL: {}}},
    )


def review(folder: Path, seed: int, patient: str | None, verdict: Verdict | None) -> ReviewedCase:
    """Save a generated CT as a case of this patient, with the true lesions after corrections."""
    phantom = chest(seed)
    corrected = verdict is Verdict.CORRECTED
    key = None if patient is None else patient_key(patient, folder)
    case = save_case(phantom.volume, prediction_of(phantom, 4 * corrected), key, folder)
    if corrected:
        case = save_labels(case, phantom.lungs, (phantom.lesions > 0).astype(np.uint8))
    return save_verdict(case, verdict, "")


def write_beginner(folder: Path) -> None:
    """A U-Net that calls brighter pixels lesion, from too dark on; one step of training mends it.

    Its layers but the last pass the image through, and the last is so small that a step of the
    fine-tuning's learning rate moves the limit by much.
    """
    network = AMCNet(**PLAIN).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        below = network.head.in_channels * 2  # channels of the last level that come from below
        ends = (network.encoder[0], 0), (network.decoder[-1], below)
        for stage, image in ends:
            stage[0].weight[0, image, 1, 1] = stage[3].weight[0, 0, 1, 1] = 1.0
        network.head.weight[0, 0] = _SLOPE
        network.head.bias.fill_(-_SLOPE * _TOO_DARK)
    card = make_card(
        Preprocessing((-1024.0, 200.0), patch_size=(128, 128), multiple=16, pixel_mm=(0.5, 9.0)),
        id=MODEL,
        title="Small",
        network="AMCNet",
        arguments=PLAIN,
        training=TRAINING,
    )
    write_model(network, card, folder)
