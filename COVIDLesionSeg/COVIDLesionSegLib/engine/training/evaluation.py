"""How well a network finds lesions on annotated slices of patients it has never seen."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ..models.preprocessing import Preprocessing
from .slices import LabelledSlice


@dataclass(frozen=True)
class PatientScore:
    """Scores of one patient; counts are pixels summed over all of the patient's slices.

    Attributes:
        patient: Patient id.
        slices: Number of slices.
        dice: 2 TP / (2 TP + FP + FN), EAMC Eq. 9, over the patient's slices as one volume.
        precision: TP / (TP + FP), Eq. 10; None without a predicted pixel.
        sensitivity: TP / (TP + FN), Eq. 11; None without a lesion pixel.
    """

    patient: str
    slices: int
    dice: float
    precision: float | None
    sensitivity: float | None


def predict_slice(
    network: nn.Module, preprocessing: Preprocessing, item: LabelledSlice
) -> np.ndarray:
    """Lesion probability of one whole slice, float32 (rows, columns)."""
    unit = item.image if item.windowed else preprocessing.to_unit(item.image)
    rows, columns = unit.shape
    padding = [(0, -size % preprocessing.multiple) for size in (rows, columns)]
    padded = torch.from_numpy(np.pad(unit, padding))[None, None]
    with torch.inference_mode():
        probability = torch.sigmoid(
            network(padded.contiguous(memory_format=torch.channels_last)).float()
        )
    return probability[0, 0, :rows, :columns].numpy()


def score_patients(
    network: nn.Module,
    preprocessing: Preprocessing,
    slices: list[LabelledSlice],
    threshold: float = 0.5,
) -> list[PatientScore]:
    """Score every patient of ``slices``; whole slices, no lung mask applied."""
    network = network.eval().to(memory_format=torch.channels_last)
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for item in slices:
        lesion = predict_slice(network, preprocessing, item) > threshold
        count = counts[item.patient]
        count[0] += 1
        count[1] += int(np.count_nonzero(lesion & item.lesion))
        count[2] += int(np.count_nonzero(lesion & ~item.lesion))
        count[3] += int(np.count_nonzero(~lesion & item.lesion))
    return [
        PatientScore(
            patient=patient,
            slices=n,
            dice=2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 1.0,
            precision=tp / (tp + fp) if tp + fp else None,
            sensitivity=tp / (tp + fn) if tp + fn else None,
        )
        for patient, (n, tp, fp, fn) in sorted(counts.items())
    ]
