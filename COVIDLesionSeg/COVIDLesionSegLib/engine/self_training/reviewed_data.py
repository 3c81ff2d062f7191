"""Reviewed cases as labelled data, to train on and to evaluate with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.labelled import LabelledImage
from ..errors import InputError
from ..labels import LESION
from ..progress import CancelToken
from .frozen_cases import FrozenCase


class ReviewedData:
    """The CTs of reviewed cases; see :class:`~..data.labelled.LabelledData`.

    All lesion classes are taken together. A CT is called by the first digits of its case's id.

    Args:
        cases: With reviewed lesions and lungs.
    """

    classes: Sequence[str] = (LESION,)
    unit = "mm"
    mask_by_default = True
    lungs: str | None = "reviewed"

    def __init__(self, cases: Sequence[FrozenCase]):
        self._cases = sorted(cases, key=lambda case: (case.patient, case.id))
        self.samples_of = dict(Counter(case.patient for case in self._cases))

    def read(self, patient: str, cancel: CancelToken) -> Iterator[LabelledImage]:
        """The CTs of one patient, one by one."""
        for case in self._cases:
            if case.patient == patient:
                cancel.raise_if_cancelled()
                yield labelled_case(case)


def labelled_case(case: FrozenCase) -> LabelledImage:
    """A reviewed CT in axial order, with its lesions of any class.

    Raises:
        InputError: A file of the case is missing or damaged, or there is no lung.
    """
    volume = case.volume()
    to_axial = volume.order.to_axial
    lungs, lesions = map(to_axial, case.read_labels(volume.geometry))
    if not lungs.any():
        raise InputError(
            f"The reviewed case {case.name} has no lungs: mark them, or reject the case."
        )
    return LabelledImage(
        name=case.name,
        patient=case.patient,
        image=volume.axial,
        windowed=False,
        lesion=lesions > 0,
        lungs=lungs,
        spacing_mm=volume.axial_spacing,
    )


def chosen_slices(sample: LabelledImage, most: int, weight: float = 1.0) -> list[LabelledImage]:
    """Copies of at most so many slices of a CT, spread over its lungs.

    Half of them, or as many as there are, are slices with lesion. A CT of hundreds of thin slices
    would otherwise count more than one of thick slices, and all of them would have to stay in
    memory.

    Args:
        sample: A CT with its lungs.
        most: 1 or more.
        weight: Weight of each slice in training.
    """
    with_lung = sample.known_lungs().any(axis=(1, 2))
    infected = np.flatnonzero(with_lung & sample.lesion.any(axis=(1, 2)))
    chosen: set[int] = set(_spread(infected, (most + 1) // 2))
    others = [index for index in np.flatnonzero(with_lung) if index not in chosen]
    chosen |= set(_spread(np.array(others, dtype=int), most - len(chosen)))
    return [replace(sample.axial_slice(index), weight=weight) for index in sorted(chosen)]


def _spread(indices: npt.NDArray[Any], count: int) -> list[int]:
    """At most so many of the indices, at even distances."""
    if len(indices) <= count:
        return [int(index) for index in indices]
    places = np.linspace(0, len(indices) - 1, count + 2).round().astype(int)[1:-1]
    return [int(indices[place]) for place in dict.fromkeys(places.tolist())]
