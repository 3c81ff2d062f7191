"""The slices in which two models differ most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.labelled import LabelledImage

SLICES_PER_CT = 3


@dataclass(frozen=True, eq=False)
class DifferenceSlice:
    """An axial slice of a CT with the lesions of expert and both models, bool (rows, columns).

    Attributes:
        name: Name of the CT.
        patient: The patient it is filed under.
        index: Of the slice, 0 at the inferior end.
        image: HU, (rows, columns).
        lung_area: Where any slice of the CT has lung.
        truth: The expert's lesions.
        old, new: What each model calls lesion.
        spacing_mm: Size of the pixels along (y, x).
    """

    name: str
    patient: str
    index: int
    image: np.ndarray
    lung_area: np.ndarray
    truth: np.ndarray
    old: np.ndarray
    new: np.ndarray
    spacing_mm: tuple[float, float]

    @property
    def pixels(self) -> int:
        """Number of pixels that only one of the models calls lesion."""
        return int((self.old ^ self.new).sum())


class DifferenceChooser:
    """Keeps of every CT the slices in which an old and a new model differ most.

    Attributes:
        slices: Of all CTs so far, those of each by falling difference; none where both agree.
    """

    def __init__(self) -> None:
        self.slices: list[DifferenceSlice] = []

    def consider(self, sample: LabelledImage, predicted: list[np.ndarray]) -> None:
        """Look at a CT.

        Args:
            sample: A CT (z, y, x) with known lungs.
            predicted: What the old and the new model call lesion in it, bool (z, y, x) each.
        """
        old, new = predicted
        lung_area = np.asarray((sample.known_lungs() > 0).any(axis=0))
        pixels = (old ^ new).sum(axis=(1, 2))
        # Of equal differences the inferior slice comes first.
        largest = np.argsort(-pixels, kind="stable")[:SLICES_PER_CT]
        _, height_mm, width_mm = sample.spacing_mm or (1.0, 1.0, 1.0)
        for index in (int(n) for n in largest if pixels[n]):
            self.slices.append(
                DifferenceSlice(
                    sample.name,
                    sample.patient,
                    index,
                    # Copies: a view would keep the whole CT in memory.
                    sample.image[index].copy(),
                    lung_area,
                    sample.lesion[index].copy(),
                    old[index].copy(),
                    new[index].copy(),
                    (height_mm, width_mm),
                )
            )
