"""One CT of a patient who has several: what a comparison needs of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..flags import Flag
from ..severity import RegionSeverity, measure_severity
from ..volume import Geometry

DECIDING = {
    "combination": "ensemble rule",
    "threshold": "threshold",
    "smallest_lesion_ml": "smallest lesion",
    "lungs": "lung extractor",
    "slice_classifier": "slice classifier",
    "tiling": "tiling",
}
"""Parameters of a run that decide lungs and lesions, besides the models: each as people call it."""


@dataclass(frozen=True, eq=False)
class Study:
    """One CT with its lungs and lesions. Nothing in it identifies the patient.

    All arrays have the CT's stored shape (k, j, i) and lie on ``geometry``.

    Attributes:
        geometry: The CT's grid.
        lungs: uint8; 0 elsewhere, 1 right lung, 2 left lung; lesions are part of the lung.
        lesions: uint8; n + 1 for ``classes[n]``. Lesion outside the lungs does not count.
        classes: Names of the lesion classes.
        hu: The CT in HU; None where only its segmentation is known: then the shape of the lungs
            alone is registered.
        lobes: Volumes of the lobes, where lobes were given.
        models: SHA-256 of the weights by id of each model that found the lesions, None for one
            without trained weights; empty where that is not known.
        parameters: Values of the run's ``DECIDING`` parameters; empty where they are not known.
        flags: Quality flags of the segmentation.
        day: Days from the first study; None where that is not known.
        patient: The same for studies whose DICOM files state the same PatientID, in no result; None
            where it is not known.
    """

    geometry: Geometry
    lungs: npt.NDArray[np.uint8]
    lesions: npt.NDArray[np.uint8]
    classes: tuple[str, ...]
    hu: npt.NDArray[np.generic] | None = None
    lobes: tuple[RegionSeverity, ...] = ()
    models: dict[str, str | None] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()
    day: int | None = None
    patient: str | None = None

    def __post_init__(self) -> None:
        arrays = [self.lungs, self.lesions, *([] if self.hu is None else [self.hu])]
        if any(array.shape != self.geometry.shape for array in arrays):
            raise InputError(
                "A CT, its lungs and its lesions do not have the same size: give each study the "
                "CT that it was made from."
            )
        if not self.lungs.any():
            raise InputError("A study has no lungs: segment its CT again.")

    def regions(self) -> tuple[RegionSeverity, ...]:
        """Right lung, left lung, both lungs, then the lobes that were given."""
        report = measure_severity(self.lungs, self.lesions, self.classes, self.geometry)
        return (*report.regions, *self.lobes)


def deciding_parameters(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """``Study.parameters`` of a result with this provenance."""
    stated = provenance.get("parameters", {})
    return {name: stated[name] for name in DECIDING if name in stated}


def same_study(first: Study, second: Study) -> bool:
    """Whether two studies are one and the same CT: voxels where both are known, else lungs."""
    if first.geometry != second.geometry:
        return False
    if first.hu is not None and second.hu is not None:
        return np.array_equal(first.hu, second.hu)
    return np.array_equal(first.lungs, second.lungs)
