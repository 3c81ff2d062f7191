"""A slice folder (``index.csv``, ``img/``, ``lesion/``, maybe ``lung/``) to judge models on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..progress import CancelToken
from ..training.slices import LabelledSlice, read_slice_folder, slices_per_patient
from .samples import Sample, chosen_patients


class SliceData:
    """Labelled data of a slice folder; see :class:`~.samples.LabelledData`.

    The size of pixels is not known, so distances are in pixels.

    Args:
        folder: See :func:`~..training.slices.read_slice_folder`.
        patients: Only these; all by default.

    Raises:
        InputError: The folder has no index, or a patient is not in it.
    """

    unit = "px"
    mask_by_default = False

    def __init__(self, folder: Path, patients: list[str] | None = None):
        self.samples_of = chosen_patients(slices_per_patient(folder), patients)
        self.lungs = "experts" if (folder / "lung").is_dir() else None
        self._folder = folder

    def read(self, patient: str, cancel: CancelToken) -> Iterator[Sample]:
        """The slices of one patient."""
        cancel.raise_if_cancelled()
        for item in read_slice_folder(self._folder, [patient], with_lungs=True):
            yield sample_of(item)


def slice_name(sample: Sample, index: int) -> str:
    """What slice ``index`` of a sample is called: of a CT ``name_007``."""
    return f"{sample.name}_{index:03d}" if sample.spacing_mm else sample.name


def slice_of(sample: Sample, index: int, lesion: np.ndarray) -> LabelledSlice:
    """Slice ``index`` of a sample, a copy, with this lesion (rows, columns)."""
    return LabelledSlice(
        name=slice_name(sample, index),
        patient=sample.patient,
        image=np.array(sample.image[index], dtype=np.float32),
        windowed=sample.windowed,
        lesion=lesion.copy(),
        lungs=None if sample.lungs is None else sample.lungs[index] > 0,
        pseudo=sample.pseudo,
    )


def sample_of(item: LabelledSlice) -> Sample:
    """A slice as a sample of one slice."""
    return Sample(
        name=item.name,
        patient=item.patient,
        image=item.image[None],
        windowed=item.windowed,
        lesion=item.lesion[None],
        lungs=None if item.lungs is None else item.lungs[None],
        spacing_mm=None,
        pseudo=item.pseudo,
    )
