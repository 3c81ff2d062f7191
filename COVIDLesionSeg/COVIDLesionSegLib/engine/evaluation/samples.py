"""What models are judged on: slices or whole CTs with the lesions an expert saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..errors import InputError
from ..models.preprocessing import Preprocessing
from ..progress import CancelToken


@dataclass(frozen=True, eq=False)
class Sample:
    """One labelled slice, or one labelled CT; arrays of shape (z, y, x) in axial order.

    Attributes:
        name: For people.
        patient: Whose it is; scores are given by patient.
        image: HU, or 0..1 where ``windowed``.
        windowed: The image was windowed by somebody before it was stored; HU are unknown.
        lesion: bool, the expert's mask; uint8, n + 1 for class n, where somebody asked for classes.
        lungs: Non-zero in the lungs; None where they are not known.
        spacing_mm: Of the voxels along (z, y, x); None where it is not known.
        pseudo: The lesions are pseudo-labels, which nobody checked.
    """

    name: str
    patient: str
    image: np.ndarray
    windowed: bool
    lesion: np.ndarray
    lungs: np.ndarray | None
    spacing_mm: tuple[float, float, float] | None
    pseudo: bool = False

    def unit(self, slices: slice, preprocessing: Preprocessing) -> np.ndarray:
        """Some of the slices, windowed for a network: float32 in 0..1."""
        image = self.image[slices]
        return image if self.windowed else preprocessing.to_unit(image)


class LabelledData(Protocol):
    """A data set to judge models on.

    Attributes:
        samples_of: Number of samples of every patient.
        unit: Unit of distances: ``"mm"``, or ``"px"`` where the size of pixels is not known.
        lungs: Whose lungs the samples have, for people; None if they have none.
        mask_by_default: Whether lesions outside the lungs do not count unless somebody asks.
    """

    samples_of: dict[str, int]
    unit: str
    lungs: str | None
    mask_by_default: bool

    def read(self, patient: str, cancel: CancelToken) -> Iterator[Sample]:
        """The samples of one patient, one by one.

        Raises:
            InputError: A sample cannot be read, or its mask does not belong to it.
            Cancelled: The token was set.
        """
        ...


def chosen_patients(samples_of: dict[str, int], patients: list[str] | None) -> dict[str, int]:
    """The part of ``samples_of`` that was asked for; everything where ``patients`` is None.

    Raises:
        InputError: A patient is not in the data.
    """
    if not patients:
        return samples_of
    if unknown := sorted(set(patients) - set(samples_of)):
        raise InputError(
            f"The data have no patient {unknown[0]}; they have: {', '.join(samples_of)}."
        )
    return {patient: count for patient, count in samples_of.items() if patient in patients}
