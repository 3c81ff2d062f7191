"""The slices of an evaluation that are worth a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .samples import Sample

MOST_PATIENTS = 12
"""Patients with pictures: a report of hundreds could not be opened."""


@dataclass(frozen=True, eq=False)
class Example:
    """One slice with what everybody calls lesion; arrays of shape (rows, columns).

    Attributes:
        name: For people.
        patient: Whose it is.
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

    def consider(self, sample: Sample, predicted: list[np.ndarray]) -> None:
        """Look at the slices of a sample and what each model called lesion in them, bool."""
        if sample.patient not in self._patients and len(self._patients) == MOST_PATIENTS:
            return
        errors = sum((one ^ sample.lesion).sum(axis=(1, 2)) for one in predicted)
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


def _example(sample: Sample, predicted: list[np.ndarray], index: int, reason: str) -> Example:
    several = len(sample.image) > 1
    _, height_mm, width_mm = sample.spacing_mm or (1.0, 1.0, 1.0)
    return Example(
        name=f"{sample.name}, slice {index + 1}" if several else sample.name,
        patient=sample.patient,
        reason=reason,
        # Copies: a view would keep the whole CT in memory.
        image=sample.image[index].copy(),
        windowed=sample.windowed,
        truth=sample.lesion[index].copy(),
        predicted=tuple(one[index].copy() for one in predicted),
        pixel_aspect=height_mm / width_mm,
    )
