"""Whether a CT shows the place where another one has a lesion."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from ..boxes import Box, grid_of, widened_by_mm
from ..volume import image_from
from .lesion_links import Labels, sampled
from .registration import Registration
from .study import Study

_LEAST = 0.5
"""Share of a lesion that must lie in what the other CT shows of the lungs, or within the tolerance
of it."""
_LUNG, _LESION_OUTSIDE = 1, 2


class Coverage:
    """Looks for the lung of each CT where the other one has a lesion without a partner.

    Where it marks lesion outside its lungs nobody can tell: no such lesion is matched, as the lung
    was cut off there, or other software left its lesions out of it.
    """

    def __init__(
        self,
        earlier: Study,
        later: Study,
        lesions: tuple[Labels, Labels],
        registration: Registration,
        tolerance_mm: float,
    ) -> None:
        """Take two studies.

        Args:
            earlier, later: The studies.
            lesions: Numbers of the lesions of (earlier, later), from 1, 0 elsewhere, both (k, j, i)
                of the later CT.
            registration: From the later to the earlier one.
            tolerance_mm: By which the registration may be off.
        """
        self._earlier, self._later, self._numbers = earlier, later, lesions
        self._registration = registration
        self._tolerance_mm = tolerance_mm

    def of_earlier(self, number: int) -> bool:
        """Whether the later CT shows lung where this lesion of the earlier one lay."""
        box = self._box(0, number)
        if box is None:
            return False
        return self._shown(self._numbers[0][box] == number, _seen(self._later, box))

    def of_later(self, number: int) -> bool:
        """Whether the earlier CT shows lung where this lesion of the later one lies."""
        box = self._box(1, number)
        if box is None:
            return False
        grid = grid_of(box, self._later.geometry)
        seen = sampled(self._seen_before, grid, self._registration.to_earlier)
        return self._shown(self._numbers[1][box] == number, seen)

    @cached_property
    def _seen_before(self) -> sitk.Image:
        return image_from(_seen(self._earlier), self._earlier.geometry)

    @cached_property
    def _boxes(self) -> list[list[Box | None]]:
        from scipy import ndimage

        return [ndimage.find_objects(numbers) for numbers in self._numbers]

    def _box(self, which: int, number: int) -> Box | None:
        """What holds a lesion and all that lies within the tolerance; None where it is nowhere."""
        boxes = self._boxes[which]
        box = boxes[number - 1] if number <= len(boxes) else None
        if box is None:
            return None
        return widened_by_mm(box, self._tolerance_mm, self._later.geometry)

    def _shown(self, lesion: npt.NDArray[np.bool_], seen: npt.NDArray[Any]) -> bool:
        """Whether enough of a lesion lies in the lung or within the tolerance of it.

        Args:
            lesion: The lesion in its box.
            seen: What the other CT has there, as of :func:`_seen`.
        """
        from scipy import ndimage

        if not (seen == _LUNG).any():
            return False
        distance = ndimage.distance_transform_edt(
            seen != _LUNG, sampling=self._later.geometry.spacing[::-1]
        )
        shown = (distance <= self._tolerance_mm) & (seen != _LESION_OUTSIDE)
        return bool(shown[lesion].mean() >= _LEAST)


def _seen(study: Study, box: Box | tuple[()] = ()) -> npt.NDArray[np.uint8]:
    """Lung, lesion outside the lungs, or 0, in a box of a study."""
    lung, lesion = study.lungs[box] > 0, study.lesions[box] > 0
    return np.where(lung, _LUNG, np.where(lesion, _LESION_OUTSIDE, 0)).astype(np.uint8)
