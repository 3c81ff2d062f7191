"""The slices of an evaluation that are shown as pictures, and their colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.labelled import LabelledImage

MOST_PATIENTS = 12
"""Patients with pictures: a report of hundreds could not be opened."""
TRUE_POSITIVE, FALSE_NEGATIVE, FALSE_POSITIVE = (0, 170, 80), (220, 40, 40), (250, 210, 0)
"""Green, red and yellow, as in Figure 8 of the EAMC paper."""
_OPACITY = 0.6


@dataclass(frozen=True, eq=False)
class Example:
    """One slice with the lesions of expert and models; arrays of shape (rows, columns).

    Attributes:
        name: For people.
        patient: The patient it is filed under.
        reason: Why it is shown, for people.
        image: HU, or 0..1 where ``windowed``.
        windowed: As in the sample.
        truth: bool, the expert's mask.
        predicted: bool, one mask for each model.
        pixel_aspect: Height of a pixel over its width; 1 where it is not known.
    """

    name: str
    patient: str
    reason: str
    image: np.ndarray
    windowed: bool
    truth: np.ndarray
    predicted: tuple[np.ndarray, ...]
    pixel_aspect: float


class ExampleChooser:
    """Keeps of every patient the slice with the most lesion and the one with the most errors."""

    def __init__(self) -> None:
        self._best: dict[tuple[str, str], tuple[int, Example]] = {}

    def consider(self, sample: LabelledImage, predicted: list[np.ndarray]) -> None:
        """Look at the slices of a stack and what each model calls lesion in them, bool."""
        if sample.patient not in self._patients and len(self._patients) == MOST_PATIENTS:
            return
        errors = sum((mask ^ sample.lesion).sum(axis=(1, 2)) for mask in predicted)
        for reason, counts in (
            ("most lesion", sample.lesion.sum(axis=(1, 2))),
            ("most errors", errors),
        ):
            index = int(counts.argmax())
            best = self._best.get((sample.patient, reason))
            if best is None or counts[index] > best[0]:
                example = _example(sample, predicted, index, reason)
                self._best[sample.patient, reason] = int(counts[index]), example

    @property
    def _patients(self) -> set[str]:
        return {patient for patient, _ in self._best}

    @property
    def examples(self) -> list[Example]:
        """The chosen slices, patient by patient, none of them twice."""
        chosen: dict[tuple[str, str], Example] = {}
        for _, example in self._best.values():
            chosen.setdefault((example.patient, example.name), example)
        return sorted(chosen.values(), key=lambda example: example.patient)


def _example(
    sample: LabelledImage, predicted: list[np.ndarray], index: int, reason: str
) -> Example:
    several = len(sample.image) > 1
    _, height_mm, width_mm = sample.spacing_mm or (1.0, 1.0, 1.0)
    return Example(
        name=f"{sample.name}, slice {index}" if several else sample.name,
        patient=sample.patient,
        reason=reason,
        # Copies: a view would keep the whole CT in memory.
        image=sample.image[index].copy(),
        windowed=sample.windowed,
        truth=sample.lesion[index].copy(),
        predicted=tuple(mask[index].copy() for mask in predicted),
        pixel_aspect=height_mm / width_mm,
    )


def confusion_picture(grey: np.ndarray, predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Green where both mark lesion, red where it was missed, yellow where it is a false positive.

    Args:
        grey: uint8 (rows, columns), the CT.
        predicted, truth: bool, same shape.

    Returns:
        uint8 (rows, columns, 3); pixels that both call background are those of the CT.
    """
    picture = np.repeat(grey[..., None], 3, axis=-1)
    for where, color in (
        (predicted & truth, TRUE_POSITIVE),
        (~predicted & truth, FALSE_NEGATIVE),
        (predicted & ~truth, FALSE_POSITIVE),
    ):
        blended = (1 - _OPACITY) * picture[where] + _OPACITY * np.array(color)
        picture[where] = np.rint(blended).astype(np.uint8)
    return picture
