"""The lesions of one slice, pasted into the healthy lungs of another.

Source: N. Enshaei et al., "COVID-rate: an automated framework for segmentation of COVID-19 lesions
from chest CT images", Scientific Reports 12:3212, 2022, Methods, "Synthetic data generation
specific to COVID-19 lesion segmentation". The paper's slices come from one scanner with one field
of view and are kept normalised. Slices here may be crops of different sizes, and stay in HU:

- Mean and standard deviation are taken over the lungs' bounding box, which every field of view
  holds. A lesion takes on the mean and the spread of the healthy slice, so its HU move with the
  share of soft tissue in the box: by up to 260 HU between CTs of different scanners.
- A lesion goes where it was relative to the centre of the lungs' bounding box: the same pixel where
  both slices have their lungs in the same place, as in the paper. Pixels are not resampled.
- Outside the lungs the healthy slice stays as it is; the paper keeps the lungs alone.
"""

from __future__ import annotations

import numpy as np

from ..boxes import Box, bounding_box
from ..data.labelled import LabelledImage
from ..data.splits import synthetic_patient
from ..errors import InputError
from ..volume import AIR_HU


def transfer_lesions(infected: LabelledImage, healthy: LabelledImage) -> LabelledImage:
    """Paste the lesions of ``infected`` into ``healthy``, trimmed to its lungs.

    Args:
        infected: In HU, with lungs and lesions.
        healthy: In HU, with lungs and without lesions.

    Returns:
        A slice named as ``healthy``, of its shape and with its lungs, filed under both patients.
        There may be no lesion in it, where all of it was trimmed.

    Raises:
        InputError: A slice has no lungs, or one grey level only.
    """
    shift = _box_centre(_lung_box(healthy)) - _box_centre(_lung_box(infected))
    lesion = np.zeros(healthy.image.shape, dtype=bool)
    into, out_of = _overlap(healthy.image.shape, infected.image.shape, shift)
    lungs = healthy.known_lungs() > 0
    lesion[into] = infected.lesion[out_of] & lungs[into]

    image = healthy.image.copy()
    mean, spread = _statistics(infected)
    new_mean, new_spread = _statistics(healthy)
    normalised = (infected.image[out_of] - mean) / spread
    pasted = np.maximum(normalised * new_spread + new_mean, AIR_HU)
    image[into] = np.where(lesion[into], pasted, image[into])
    return LabelledImage(
        healthy.name,
        synthetic_patient(infected.patient, healthy.patient),
        image,
        False,
        lesion,
        lungs,
        pseudo=infected.pseudo or healthy.pseudo,
        sources=() if infected.patient == healthy.patient else (infected.patient, healthy.patient),
    )


def _lung_box(item: LabelledImage) -> Box:
    box = None if item.lungs is None else bounding_box(item.lungs)
    if box is None:
        raise InputError(
            f"Slice {item.name} has no lungs: lesions can be pasted only where their mask is known."
        )
    return box


def _box_centre(box: Box) -> np.ndarray:
    return np.array([(part.start + part.stop - 1) // 2 for part in box])


def _statistics(item: LabelledImage) -> tuple[np.float32, np.float32]:
    values = item.image[_lung_box(item)]
    spread = values.std()
    if not spread > 0:
        raise InputError(f"Slice {item.name} holds one grey level only: leave it out.")
    return values.mean(), spread


def _overlap(into: tuple[int, ...], out_of: tuple[int, ...], shift: np.ndarray) -> tuple[Box, Box]:
    """The rectangle that both slices hold, in pixels of the first and of the second."""
    starts = np.maximum(shift, 0)
    stops = np.maximum(np.minimum(into, shift + out_of), starts)
    return _box(starts, stops), _box(starts - shift, stops - shift)


def _box(starts: np.ndarray, stops: np.ndarray) -> Box:
    return tuple(slice(int(a), int(b)) for a, b in zip(starts, stops, strict=True))
